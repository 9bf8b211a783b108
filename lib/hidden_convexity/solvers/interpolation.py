"""The network of least norm that interpolates: the limit of training as the weight decay vanishes.

With a penalised linear skip connection w_0 and neurons in given chambers it is

    min ||w_0|| + sum_g (||u_g|| + ||v_g||)   s.t.   X w_0 + sum_g D_g X (u_g - v_g) = y,

with u_g, v_g in the cones K_g for a ReLU network and without cones for a gated one. This is basis
pursuit with groups.
"""

from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from hidden_convexity import conic_program
from hidden_convexity.arrangement import Arrangement
from hidden_convexity.network import ReLUNetwork
from hidden_convexity.validation import data_matrix, real_array

# Clarabel's tolerances: recovery is judged at 1e-4, several digits above.
SOLVER_TOLERANCE = 1e-9
# A sample is active in a common direction if its margin, relative to the rows, is above this.
MARGIN = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Interpolation:
    """A network of least norm that interpolates the data, and its dual certificate.

    Attributes
    ----------
    skip : (d,) ndarray
        Weights of the linear skip connection; zero if there is none.
    u, v : (d, P) ndarray
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
        return f"Interpolation(norm={self.norm:.4g}, {used} neuron{'' if used == 1 else 's'})"


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
        If Clarabel does not solve the program.

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
    d, patterns = X.shape[1], arrangement.patterns
    features = [on[:, None] * X for on in patterns.T]
    outward = [np.where(on, -1.0, 1.0)[:, None] * X for on in patterns.T]
    # Without cones a group and its negative are one.
    neurons = features + [-feature for feature in features] if cones else features
    walls = outward + outward if cones else []
    solution, nu = _basis_pursuit([X, *neurons] if skip else neurons, y, walls)
    ends = np.cumsum([d if skip else 0, d * len(features)])
    weights = [np.reshape(block, (-1, d)).T for block in np.split(solution, ends)]
    u, v = weights[1], weights[2] if cones else np.zeros_like(weights[1])
    w = weights[0][:, 0] if skip else np.zeros(d)
    norm = float(sum(np.linalg.norm(z, axis=0).sum() for z in (w[:, None], u, v)))
    return Interpolation(w, u, v, norm, nu)


def _basis_pursuit(groups, y, walls):
    """Minimise sum_k ||z_k|| with sum_k groups_k z_k = y and walls_k z_k <= 0: z flat, and nu.

    The walls belong to the last groups, one matrix each.
    """
    (n, d), count = groups[0].shape, len(groups)
    size = count * d
    equality = sparse.hstack([np.hstack(groups), sparse.csc_matrix((n, count))])
    rows, right = [equality], [y]
    kinds = [clarabel.ZeroConeT(n)]
    if walls:
        blocks = sparse.block_diag(walls)
        height = blocks.shape[0]
        free = size - blocks.shape[1]
        beside = [sparse.csc_matrix((height, width)) for width in (free, count)]
        rows.append(sparse.hstack([beside[0], blocks, beside[1]]))
        right.append(np.zeros(height))
        kinds.append(clarabel.NonnegativeConeT(height))
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
        raise ValueError("y cannot be interpolated by neurons in these chambers; give more of them")
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
    found = linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.hstack([-unit, np.ones((len(unit), 1))]),
        b_ub=np.zeros(len(unit)),
        bounds=[(-1, 1)] * d + [(0, None)],
    )
    if not found.success or -found.fun <= MARGIN:
        return None
    return found.x[:d] / np.linalg.norm(found.x[:d])
