"""Continuous paths of networks along which the training objective P never rises.

Along a path the number of neurons stays what it is: a neuron that is not needed has weights zero.
Balanced neurons are described by u_j = |a_j| w_j and the sign s_j of a_j, the coordinates of the
convex program, in which P = F(sum_j s_j (X u_j)_+) + beta sum_j ||u_j||.
"""

import numpy as np

from hidden_convexity.foundations.validation import real_number
from hidden_convexity.foundations.wording import counted
from hidden_convexity.landscape.alignment import align, barrier
from hidden_convexity.landscape.plain_networks import data_of
from hidden_convexity.problem.encoding import ON_WALL
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.pruning import pruning_scale

__all__ = ["Path", "align", "barrier", "descending_path", "merging_path"]


class Path:
    """A curve of networks with a fixed number of neurons, in stages.

    Calling it with t in [k, k + 1] gives a network of stage k; weights depend continuously on t.

    Attributes
    ----------
    stages : tuple of str
        What happens in each stage: "balance", "merge", "prune" or "line".
    corners : list of ReLUNetwork
        The networks at t = 0, 1, 2, ..., one more than there are stages.
    """

    def __init__(self, stages, corners):
        self.stages, self.corners = tuple(stages), list(corners)

    def __len__(self):
        return len(self.stages)

    def __repr__(self):
        return f"Path({' -> '.join(self.stages)}, {counted(len(self.corners[0]), 'neuron')})"

    def __call__(self, t):
        """The network at t in [0, number of stages]."""
        t = real_number(t, "t")
        if not 0 <= t <= len(self):
            raise ValueError(f"t must be between 0 and the number of stages, {len(self)}, got {t}")
        k = min(int(t), len(self) - 1)
        start, end = self.corners[k], self.corners[k + 1]
        return (_balancing if self.stages[k] == "balance" else _line)(start, end, t - k)


def merging_path(network, X):
    """Merge the neurons that share a closed cone and a sign of the output weight.

    Two stages. *Balance*: w_j is multiplied by c^t and a_j by c^-t until both have one length,
    which keeps f; the penalty ||w_j||^2 c^2t + a_j^2 c^-2t is convex in t and least at t = 1, so it
    falls. *Merge*: of the neurons of one closed cone and sign, the first goes to u_1 + t sum_k u_k
    and the others to (1 - t) u_k. All stay in the cone, on which a ReLU is linear, so f is
    unchanged; and ||u_1 + t sum_k u_k|| + (1 - t) sum_k ||u_k|| has a slope in t of at most
    ||sum_k u_k|| - sum_k ||u_k|| <= 0, by the triangle inequality. So P never rises.

    Parameters
    ----------
    network : ReLUNetwork
        With output weights (m,).
    X : (n, d) array_like
        Data on which the outputs are kept.

    Returns
    -------
    Path
        It ends where no two neurons of one sign share a closed cone of weights that X defines.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, or the shapes do not match.

    References
    ----------
    Wang, Lacotte and Pilanci (2022), arXiv:2006.05900, on paths to the optimum.

    Theory: merging.
    """
    X = _data(network, X)
    balanced = _from_coordinates(*_coordinates(network))
    u, signs = _coordinates(balanced)
    merged = np.zeros_like(u)
    for owner, total in _cone_sums(u, signs, X):
        merged[owner] = total
    return Path(
        ("balance", "merge"), [network, balanced, _from_coordinates(merged, signs * merged.any(1))]
    )


def descending_path(network, target, X):
    """Go from any network to a given one, such as a global optimum, without a rise of P.

    Four stages. *Balance* and *merge* as in `merging_path`. *Prune*: at most n neurons are enough
    for the same f, each a multiple of what it was, at no larger penalty; on the straight line to
    them f stays and the penalty is linear in t. *Line*: the straight line u_j(t) =
    (1 - t) u_j + t u'_j in the coordinates of the convex program, where a neuron of the target uses
    the place of one of the same closed cone and sign, or else an idle one. Every place stays in one
    closed cone, so f is linear and P is convex in t: P(t) <= (1 - t) P(0) + t P(1). A convex
    function that is least at t = 1 never rises before. If the target is optimal only to a gap,
    P rises by no more than this gap.

    Parameters
    ----------
    network, target : ReLUNetwork
        With output weights (m,); the target's neurons need not be balanced.
    X : (n, d) array_like
        The training data.

    Returns
    -------
    Path

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, the shapes do not match, or `network` has too few
        neurons: n more than the target always suffice.

    References
    ----------
    Wang, Lacotte and Pilanci (2022), arXiv:2006.05900: such a path exists for wide networks, so
    their landscape has no spurious valleys.
    """
    X, _ = _data(network, X), _data(target, X, "target")
    path = merging_path(network, X)
    u, signs = _coordinates(path.corners[-1])
    used = np.flatnonzero(signs)
    scale = np.zeros(len(u))
    if used.size:
        scale[used] = pruning_scale(_from_coordinates(u[used], signs[used]), X)
    u, signs = u * scale[:, None], signs * (scale > 0)
    pruned = _from_coordinates(u, signs)

    end = np.zeros_like(u)
    free = list(np.flatnonzero(signs == 0))
    missing = 0
    for goal, sign in zip(*_coordinates(target), strict=True):
        if sign == 0:
            continue
        place = _same_cone(u, signs, end, goal, sign, X)
        if place is None and free:
            place = free.pop(0)
        if place is None:
            missing += 1
        else:
            end[place], signs[place] = goal, sign
    if missing:
        raise ValueError(
            f"network must have {missing} more neurons, idle ones will do, for the target's "
            f"{len(target)}: it has {len(u)}, of which {int((scale > 0).sum())} are in use"
        )
    line = [_from_coordinates(u, signs), _from_coordinates(end, signs)]
    return Path((*path.stages, "prune", "line"), [*path.corners, pruned, line[1]])


def _data(network, X, name="network"):
    X = data_of(network, X, name)
    if network.output_weights.ndim != 1:
        raise ValueError(f"{name} must have output_weights of shape (m,)")
    return X


def _coordinates(network):
    """u (m, d) and signs (m,) of all neurons; the sign 0 and u = 0 where one computes nothing."""
    u = np.abs(network.output_weights)[:, None] * network.hidden_weights
    return u, np.sign(network.output_weights) * u.any(axis=1)


def _from_coordinates(u, signs):
    """The balanced network of u (m, d) and signs (m,), idle neurons included."""
    root = np.sqrt(np.linalg.norm(u, axis=1))
    return ReLUNetwork(u / np.where(root > 0, root, 1.0)[:, None], signs * root)


def _balancing(start, end, t):
    """Part t of the way to the balanced network; neurons that compute nothing shrink."""
    idle = end.output_weights == 0
    length = np.where(idle, 1.0, np.linalg.norm(start.hidden_weights, axis=1))
    height = np.where(idle, 1.0, np.abs(start.output_weights))
    factor = (height / length) ** (t / 2)
    shrink = np.where(idle, 1.0 - t, 1.0)
    return ReLUNetwork(
        start.hidden_weights * (shrink * factor)[:, None],
        start.output_weights * (shrink / factor),
    )


def _line(start, end, t):
    (u, signs), (v, others) = _coordinates(start), _coordinates(end)
    return _from_coordinates((1 - t) * u + t * v, np.where(signs == 0, others, signs))


def _sides(u, X):
    """Signs of the products of the rows with u, 0 within rounding of a wall."""
    products = X @ u
    near = ON_WALL * np.linalg.norm(X, axis=1) * np.linalg.norm(u)
    return np.where(np.abs(products) <= near, 0.0, np.sign(products))


def _cone_sums(u, signs, X):
    """(first neuron, sum of u) for each set of neurons that share a closed cone and a sign.

    Some closed cone holds two vectors if and only if no row has them strictly on two sides: it is
    then that of their sum, or any that touches it.
    """
    sums = []
    for j in np.flatnonzero(signs):
        side = _sides(u[j], X)
        for entry in sums:
            if signs[entry[0]] == signs[j] and (entry[2] * side >= 0).all():
                entry[1] = entry[1] + u[j]
                entry[2] = np.where(entry[2] == 0, side, entry[2])
                break
        else:
            sums.append([j, u[j], side])
    return [(first, total) for first, total, _ in sums]


def _same_cone(u, signs, end, goal, sign, X):
    """A place whose neuron is of the goal's closed cone and sign, and not yet taken; or None."""
    side = _sides(goal, X)
    for j in np.flatnonzero(signs == sign):
        if u[j].any() and not end[j].any() and (_sides(u[j], X) * side >= 0).all():
            return j
    return None
