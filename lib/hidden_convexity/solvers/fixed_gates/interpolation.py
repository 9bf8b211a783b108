"""The network of least norm that interpolates: the limit of training as the weight decay vanishes.

With a penalised linear skip connection w_0 and neurons in given chambers it is

    min ||w_0|| + sum_g (||u_g|| + ||v_g||)   s.t.   X w_0 + sum_g D_g X (u_g - v_g) = y,

with u_g, v_g in the cones K_g for a ReLU network and without cones for a gated one. This is basis
pursuit with groups. With cones it is given to Clarabel directly; without, it is a few group Lassos
(`_without_cones`), a hundred times as fast: there are thousands of them in a map.
"""

from dataclasses import dataclass

import clarabel
import numpy as np
import scipy
from scipy import sparse

from hidden_convexity.foundations import conic_program
from hidden_convexity.foundations.validation import data_matrix, real_array
from hidden_convexity.foundations.wording import counted
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.solvers.fixed_gates import newton
from hidden_convexity.solvers.fixed_gates.ridge import Kernel
from hidden_convexity.solvers.units import unit_of

# Clarabel's tolerances: recovery is judged at 1e-4, several digits above.
SOLVER_TOLERANCE = 1e-9
# A sample is active in a common direction if its margin, relative to the rows, is above this.
MARGIN = 1e-9
# Without cones: weight decay of the group Lassos, first and least, as shares of the largest that
# gives any weights; their relative gaps, of which the misfit sees the root; the misfit to reach,
# relative to y; and the most rounds. Three or four are usual.
DECAY, LEAST_DECAY, GAP, MISFIT, ROUNDS = 1e-4, 1e-8, 1e-14, 1e-8, 50
# A round that does not divide the misfit by this divides the weight decay by it.
FALL = 10
OUT_OF_REACH = "y cannot be interpolated by neurons in these chambers; give more of them"


@dataclass(frozen=True, eq=False, repr=False)
class Interpolation:
    """A network of least norm that interpolates the data, and its dual certificate.

    Attributes
    ----------
    skip : (d,) ndarray
        Weights of the linear skip connection; zero if there is none.
    u, v : (d, G) ndarray
        One column per chamber, for positive and negative output weights. Gated networks need no
        signs: v is zero.
    norm : float
        ||skip|| + sum_g (||u_g|| + ||v_g||).
    nu : (n,) ndarray
        Dual variables of the interpolation. Where nu.y equals the norm and no neuron of the program
        has |nu.D_g X u| > ||u||, nor the skip connection nu.X w > ||w||, they prove it least.
    """

    skip: np.ndarray
    u: np.ndarray
    v: np.ndarray
    norm: float
    nu: np.ndarray

    @property
    def network(self):
        """The ReLU network of u and v, without the skip connection; not for gated networks."""
        return ReLUNetwork.decode(self.u, self.v)

    def __repr__(self):
        lengths = np.linalg.norm(np.concatenate([self.u, self.v], axis=1), axis=0)
        used = int((lengths > 1e-6 * max(self.norm, 1e-300)).sum())
        return f"Interpolation(norm={self.norm:.4g}, {counted(used, 'neuron')})"


def interpolate(arrangement, y, skip=True, cones=True):
    """Interpolate y by a network of least norm whose neurons lie in given chambers.

    Parameters
    ----------
    arrangement : Arrangement
        Data X and chambers. If they are not all, the answer is that of the sampled program.
    y : (n,) array_like
        Targets.
    skip : bool
        Whether there is a linear skip connection, penalised like a neuron.
    cones : bool
        True: a ReLU network. False: a gated one, whose weights may leave their chambers.

    Returns
    -------
    Interpolation

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, y has another length than X, or no network with these
        chambers interpolates y.
    RuntimeError
        If the solver does not solve the program.

    References
    ----------
    Wang, Hua, Candes and Pilanci (2022), arXiv:2209.15265, minimum-norm problem and its relaxation.
    """
    if not isinstance(arrangement, Arrangement):
        raise TypeError(f"arrangement must be an Arrangement, got {type(arrangement).__name__}")
    for value, name in ((skip, "skip"), (cones, "cones")):
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, got {value!r}")
    X, y = arrangement.X, real_array(y, "y", ndim=1)
    if len(y) != len(X):
        raise ValueError(f"y must have one entry per row of X: {len(X)}, got {len(y)}")
    size, height = unit_of(X), unit_of(y)
    scaled = X / size, y / height, arrangement.patterns, skip
    if cones:
        w, u, v, nu = _with_cones(*scaled)
    else:
        w, u, nu = _without_cones(*scaled)
        v = np.zeros_like(u)  # without cones a group and its negative are one
    w, u, v, nu = *(z * (height / size) for z in (w, u, v)), nu / size
    norm = float(sum(np.linalg.norm(z, axis=0).sum() for z in (w[:, None], u, v)))
    return Interpolation(w, u, v, norm, nu)


def _without_cones(X, y, patterns, skip):
    """w, u and nu of the gated program, by group Lassos whose targets make up for their shrinkage.

    A group Lasso with targets t leaves a residual t - f(X) = beta nu, and nu is dual feasible. With
    the targets y + beta nu, next time, this residual is not missed: these are the Bregman
    iterations of Osher, Burger, Goldfarb, Xu and Yin (2005), the method of multipliers for
    f(X) = y: the fewer, the smaller beta is.
    """
    masks = np.column_stack([np.ones((len(X), int(skip))), patterns])
    kernel, height = X @ X.T, np.linalg.norm(y)
    largest = np.linalg.norm(X.T @ (masks * y[:, None]), axis=0).max() or 1.0
    # All start alike: of groups that are interchangeable none is preferred.
    eta, beta = np.full(masks.shape[1], height**2 / largest / masks.shape[1]), DECAY * largest
    weights, missed, nu = np.zeros((masks.shape[1], X.shape[1])), y, np.zeros(len(y))
    for _ in range(ROUNDS):
        if np.linalg.norm(missed) <= MISFIT * height:
            w = weights[0] if skip else np.zeros(X.shape[1])
            return w, weights[int(skip) :].T, nu
        model = Kernel(X, (y + beta * nu)[:, None], masks, kernel)
        eta, weights = newton.minimise(model, beta, eta, GAP)
        weights, before = weights[:, :, 0], np.linalg.norm(missed)
        missed = y - (masks * (X @ weights.T)).sum(axis=1)
        nu = nu + missed / beta
        if np.linalg.norm(missed) > before / FALL:
            beta = max(beta / FALL, LEAST_DECAY * largest)
    reachable = kernel * (masks @ masks.T)
    if np.linalg.norm(reachable @ np.linalg.lstsq(reachable, y)[0] - y) > 1e-6 * height:
        raise ValueError(OUT_OF_REACH)
    raise RuntimeError(f"no interpolation after {ROUNDS} rounds; rescale X or y")


def _with_cones(X, y, patterns, skip):
    """w, u, v and nu of the ReLU program, by Clarabel."""
    d = X.shape[1]
    features = [on[:, None] * X for on in patterns.T]
    outward = [np.where(on, -1.0, 1.0)[:, None] * X for on in patterns.T]
    neurons = features + [-feature for feature in features]
    solution, nu = _basis_pursuit([X, *neurons] if skip else neurons, y, outward + outward)
    ends = np.cumsum([d if skip else 0, d * len(features)])
    w, u, v = (np.reshape(block, (-1, d)).T for block in np.split(solution, ends))
    return w[:, 0] if skip else np.zeros(d), u, v, nu


def _basis_pursuit(groups, y, walls):
    """Minimise sum_k ||z_k|| with sum_k groups_k z_k = y and walls_k z_k <= 0: z flat, and nu.

    The walls belong to the last groups, one matrix each.
    """
    (n, d), count = groups[0].shape, len(groups)
    size = count * d
    equality = sparse.hstack([np.hstack(groups), sparse.csc_matrix((n, count))])
    rows, right = [equality], [y]
    blocks = sparse.block_diag(walls)
    height = blocks.shape[0]
    beside = [sparse.csc_matrix((height, width)) for width in (size - blocks.shape[1], count)]
    rows.append(sparse.hstack([beside[0], blocks, beside[1]]))
    right.append(np.zeros(height))
    kinds = [clarabel.ZeroConeT(n), clarabel.NonnegativeConeT(height)]
    # ||z_k|| <= t_k with the lengths t after all the z.
    columns = np.column_stack([size + np.arange(count), np.arange(size).reshape(count, d)]).ravel()
    place = (np.arange(len(columns)), columns)
    rows.append(sparse.csc_matrix((-np.ones(len(columns)), place), (len(columns), size + count)))
    right.append(np.zeros(len(columns)))
    kinds += [clarabel.SecondOrderConeT(d + 1)] * count

    cost, constraints = np.repeat([0.0, 1.0], [size, count]), sparse.vstack(rows).tocsc()
    bounds = np.concatenate(right)
    result = conic_program.solve(None, cost, constraints, bounds, kinds, SOLVER_TOLERANCE)
    if "PrimalInfeasible" in str(result.status):
        raise ValueError(OUT_OF_REACH)
    conic_program.demand_solved(result, "rescale X or y")
    return np.array(result.x[:size]), -np.array(result.z[:n])


def all_active(X):
    """A direction in which every non-zero sample is active: X u > 0. None if there is none.

    For rows whose distribution does not change when some of them change signs, such as Gaussian
    ones, all 2^n patterns of signs are equally likely to be chambers, so the probability that there
    is one is `count_chambers(n, d) / 2**n`: one half at n = 2 d (Wendel 1962).

    Parameters
    ----------
    X : (n, d) array_like

    Returns
    -------
    (d,) ndarray or None
        The unit vector that is as far as possible from all walls, in the largest norm.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real matrix.

    References
    ----------
    Wendel (1962), A problem in geometric probability, Math. Scand. 11.
    """
    X = data_matrix(X)
    rows = X[X.any(axis=1)]
    if not len(rows):
        return np.eye(X.shape[1])[0]
    unit, d = rows / np.linalg.norm(rows, axis=1, keepdims=True), X.shape[1]
    found = scipy.optimize.linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.hstack([-unit, np.ones((len(unit), 1))]),
        b_ub=np.zeros(len(unit)),
        bounds=[(-1, 1)] * d + [(0, None)],
    )
    if not found.success or -found.fun <= MARGIN:
        return None
    return found.x[:d] / np.linalg.norm(found.x[:d])
