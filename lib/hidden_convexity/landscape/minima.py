"""Local minima of the training objective P, and the small convex programs that they solve.

At a local minimum no direction leads down: every one-sided directional derivative of P is >= 0.
Take a neuron u = |a| w of sign s, with nu = -grad F the residual, and any closed cone K that holds
it, with pattern D. Moving it within K changes P at the rate beta z.u/||u|| - s nu.D X z >= 0, for
all z in K, and since z.u <= ||z|| ||u|| also beta ||z|| >= s nu.D X z: no neuron of this cone and
sign is worth adding. These are the optimality conditions of the convex program restricted to the
pairs (D, s) whose closed cones hold one of the network's neurons. So every local minimum is a
global optimum of its own sub-sampled convex program, neurons on walls included: a neuron on a wall
brings in all the cones that meet there. Without walls this is Wang, Lacotte and Pilanci (2022),
arXiv:2006.05900; their statement for Clarke's stationary points is more general.
"""

import numpy as np

from hidden_convexity.foundations.validation import real_array
from hidden_convexity.geometry.arrangement import Arrangement, TooManyChambers
from hidden_convexity.landscape.plain_networks import data_of
from hidden_convexity.problem.encoding import ON_WALL
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.restricted.passes import Passes
from hidden_convexity.problem.restricted.program import RestrictedProgram
from hidden_convexity.problem.training_problem import TrainingProblem


def on_wall(network, X):
    """Which neurons lie on a wall: whether x_i.w = 0 for some non-zero row, to 1e-9 relative.

    Parameters
    ----------
    network : ReLUNetwork
    X : (n, d) array_like

    Returns
    -------
    (m,) ndarray of bool
        True for a neuron of weights zero, which is on all walls.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, or the shapes do not match.
    """
    X = data_of(network, X)
    return _tight(network.hidden_weights, X).any(axis=1)


def _tight(weights, X):
    """(m, n) bool, whether row i is tight at weights j."""
    rows, lengths = np.linalg.norm(X, axis=1), np.linalg.norm(weights, axis=1)
    return (np.abs(weights @ X.T) <= ON_WALL * np.outer(lengths, rows)) & (rows > 0)


def visited_pairs(network, X):
    """The (pattern, sign) pairs whose closed cones hold a non-zero neuron of the network.

    Parameters
    ----------
    network : ReLUNetwork
        With output weights (m,).
    X : (n, d) array_like

    Returns
    -------
    gates : (d, G) ndarray
        A unit vector strictly inside each pair's cone.
    signs : (G,) ndarray
        Sign of the output weight.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, there are several outputs, or the shapes do not match.
    """
    X, balanced = data_of(network, X), network.balance()
    if balanced.output_weights.ndim != 1:
        raise ValueError("network must have output_weights of shape (m,)")
    found = {}
    for w, a in zip(balanced.hidden_weights, balanced.output_weights, strict=True):
        for gate in _gates_around(w / np.linalg.norm(w), X).T:
            pattern = X @ gate > 0
            found.setdefault((np.packbits(pattern).tobytes(), a > 0), (gate, np.sign(a)))
    gates = np.reshape([gate for gate, _ in found.values()], (-1, X.shape[1])).T
    return gates, np.array([sign for _, sign in found.values()])


def _gates_around(unit, X):
    """Unit vectors (d, k), one inside each chamber whose closure holds the unit vector."""
    tight = _tight(unit[None, :], X)[0]
    if not tight.any():
        return unit[:, None]
    try:
        around = Arrangement.enumerate(X[tight]).gates
    except TooManyChambers as error:
        fewer = "a network with fewer rows on the hyperplane of a neuron"
        raise error.instead({"network": fewer}) from None
    # As far off as half the way to the next wall, so that no other row changes sides.
    others = X[~tight & X.any(axis=1)]
    room, speed = np.abs(others @ unit), np.abs(others @ around)
    with np.errstate(divide="ignore"):
        reach = np.min(room[:, None] / speed, axis=0, initial=1.0)
    gates = unit[:, None] + 0.5 * reach * around
    return gates / np.linalg.norm(gates, axis=0)


def subsampled_optimum(network, problem):
    """A global optimum of the convex program restricted to the pairs that a network visits.

    The program has one group for each pair of `visited_pairs`. The network, encoded, is feasible
    for it, so its value is at most P of the network; at a local minimum the two are equal.

    Parameters
    ----------
    network : ReLUNetwork
        With output weights (m,).
    problem : TrainingProblem
        With y of shape (n,).

    Returns
    -------
    ReLUNetwork
        Its P is the program's value: an optimum among these pairs, not a global one.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, or there are several outputs.

    References
    ----------
    Wang, Lacotte and Pilanci (2022), arXiv:2006.05900, Clarke stationary points.

    Theory: stationary-points.
    """
    check_pair(network, problem)
    program = RestrictedProgram(problem, Passes(problem.X), np.eye(problem.X.shape[1]))
    gates, signs = visited_pairs(network, problem.X)
    neurons = program.solve([program.neuron(*pair) for pair in zip(gates.T, signs, strict=True)])
    neurons = program.polish(neurons)
    weights = np.reshape([neuron.weights for neuron in neurons], (-1, len(gates))).T
    positive = np.array([neuron.sign > 0 for neuron in neurons], dtype=bool)
    return ReLUNetwork.decode(weights[:, positive], weights[:, ~positive])


def convex_objective(u, v, arrangement, problem):
    """C(u, v) = F(sum_g D_g X (u_g - v_g)) + beta sum_g (||u_g|| + ||v_g||), cones or not.

    Parameters
    ----------
    u, v : (d, G) array_like
        One column per chamber, as `ReLUNetwork.encode` returns them.
    arrangement : Arrangement
        Of problem.X.
    problem : TrainingProblem
        With y of shape (n,).

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If it is no Arrangement, or u or v is not finite, real and of shape (d, G).
    """
    u, v = _groups(u, v, arrangement)
    used = np.flatnonzero(u.any(axis=0) | v.any(axis=0))
    products = arrangement.unpack(used) * (problem.X @ (u - v)[:, used])
    lengths = np.linalg.norm(u, axis=0).sum() + np.linalg.norm(v, axis=0).sum()
    return problem.loss_value(products.sum(axis=1)) + problem.beta * float(lengths)


def in_cones(u, v, arrangement):
    """Whether u and v are feasible: u_g, v_g in K_g = {z : (2 D_g - I) X z >= 0}, to 1e-9 relative.

    Parameters
    ----------
    u, v : (d, G) array_like
    arrangement : Arrangement

    Returns
    -------
    bool

    Raises
    ------
    TypeError, ValueError
        As `convex_objective`.
    """
    u, v = _groups(u, v, arrangement)
    used = np.flatnonzero(u.any(axis=0) | v.any(axis=0))
    sides = np.where(arrangement.unpack(used), 1.0, -1.0)
    rows = np.linalg.norm(arrangement.X, axis=1)
    return all(
        (sides * (arrangement.X @ z) >= -ON_WALL * np.outer(rows, np.linalg.norm(z, axis=0))).all()
        for z in (u[:, used], v[:, used])
    )


def _groups(u, v, arrangement):
    if not isinstance(arrangement, Arrangement):
        raise TypeError(f"arrangement must be an Arrangement, got {type(arrangement).__name__}")
    shape = arrangement.gates.shape
    u, v = real_array(u, "u", ndim=2), real_array(v, "v", ndim=2)
    for name, z in (("u", u), ("v", v)):
        if z.shape != shape:
            raise ValueError(
                f"{name} must have shape {shape}, a column per chamber, got {z.shape}; "
                "network.encode(arrangement) makes such a pair"
            )
    return u, v


def check_pair(network, problem, name="network"):
    """Refuse what is not a network, an argument of this name, and a problem, with one output."""
    if not isinstance(network, ReLUNetwork):
        raise TypeError(f"{name} must be a ReLUNetwork, got {type(network).__name__}")
    if not isinstance(problem, TrainingProblem):
        raise TypeError(f"problem must be a TrainingProblem, got {type(problem).__name__}")
    if problem.y.ndim != 1 or network.output_weights.ndim != 1:
        raise ValueError(
            f"problem and {name} must have one output, y and output_weights of one dimension, got "
            f"{problem.y.shape} and {network.output_weights.shape}"
        )
    problem.require_plain("the theory of local minima here")
    if problem.loss == "hinge":
        raise ValueError("problem must have a loss with a gradient, not the hinge loss")
