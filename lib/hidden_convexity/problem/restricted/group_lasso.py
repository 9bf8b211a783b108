"""A small group Lasso with non-negative and conic groups, in terms of its Gram matrix."""

import clarabel
import numpy as np
from scipy import sparse

from hidden_convexity.foundations import conic_program

# Groups this small against ||y||, in units of their effect on the outputs, are the solver's zeros.
VANISHED = 1e-8
# Well below the relative gaps (1e-6) that are certified afterwards.
SOLVER_TOLERANCE = 1e-11
# Clarabel's own, 1e-8, is coarser than the Gram matrices of neighbouring neurons can bear.
REGULARIZATION = 1e-12
# Damping of a Newton step, relative to a Hessian of unit diagonal, from what features of
# neighbouring neurons need, which are dependent almost to rounding, to next to none.
DAMPINGS = (1e-8, 1e-10, 1e-12, 1e-14)


def _compressed(dense):
    """A dense matrix by its columns, for a tenth of what SciPy's checks on the way cost.

    Numbers of 32 bits are what SciPy would convert others to.
    """
    columns, rows = np.nonzero(dense.T)
    ends = np.cumsum(np.bincount(columns, minlength=dense.shape[1]))
    entries = dense[rows, columns], rows.astype(np.int32), np.append(0, ends).astype(np.int32)
    return sparse.csc_matrix(entries, shape=dense.shape)


def group_lasso(gram, linear, beta, scale, groups, walls):
    """Minimise 1/2 c'Gc - linear.c + beta sum ||c_g|| subject to walls_g c_g >= 0, by Clarabel.

    A group of one coefficient is constrained to be non-negative: it is a length along a fixed
    direction. Groups are scaled to features of unit norm and outputs to ||y|| = `scale`.

    Parameters
    ----------
    gram, linear : (K, K) and (K,) ndarray
        G and the linear term.
    beta, scale : float
        Where the scale is 0 there is nothing to fit, and all coefficients are zero.
    groups : list of (k,) ndarray of int
        Consecutive coefficients that cover all K.
    walls : list of (w, k) ndarray
        Per group; w may be 0.

    Returns
    -------
    coefficients : (K,) ndarray
        Exactly zero for groups that vanish.
    multipliers : list of (w,) ndarray
        Multipliers of the walls, scaled so that a wall is tight where its multiplier exceeds its
        slack in units of the coefficients.
    """
    if scale == 0.0:
        return np.zeros(len(linear)), [np.zeros(len(wall)) for wall in walls]
    count = len(linear)
    firsts = [group[0] for group in groups]
    sizes = np.sqrt(np.maximum(np.maximum.reduceat(gram.diagonal(), firsts), 0.0))
    sizes[sizes == 0] = 1.0
    unit = np.repeat(scale / sizes, [len(group) for group in groups])
    quadratic = gram * unit[:, None] * unit / scale**2
    single = [group for group in groups if len(group) == 1]
    wide = [k for k, group in enumerate(groups) if len(group) > 1]
    price = beta / (sizes * scale)

    cost = np.concatenate([-linear * unit / scale**2, np.zeros(len(wide))])
    for k, group in enumerate(groups):
        if len(group) == 1:
            cost[group] += price[k]
    cost[count:] = price[wide]

    # Dense, then converted once: sparse blocks would cost more to stack than to solve.
    wall_rows = [k for k in wide if len(walls[k])]
    heights = (
        [len(single)] + [len(walls[k]) for k in wall_rows] + [1 + len(groups[k]) for k in wide]
    )
    ends = np.cumsum(heights)
    constraints = np.zeros((ends[-1], count + len(wide)))
    constraints[np.arange(len(single)), [int(group[0]) for group in single]] = -1.0
    for k, end in zip(wall_rows, ends[1:], strict=False):
        constraints[end - len(walls[k]) : end, groups[k]] = -walls[k]
    for position, (k, end) in enumerate(zip(wide, ends[1 + len(wall_rows) :], strict=True)):
        rows = np.arange(end - 1 - len(groups[k]), end)
        constraints[rows, [count + position, *groups[k]]] = -1.0
    cones = [clarabel.NonnegativeConeT(int(ends[len(wall_rows)]))]
    cones += [clarabel.SecondOrderConeT(1 + len(groups[k])) for k in wide]
    padded = np.zeros((count + len(wide), count + len(wide)))
    padded[:count, :count] = quadratic

    result = conic_program.solve(
        _compressed(np.triu(padded)),
        cost,
        _compressed(constraints),
        np.zeros(len(constraints)),
        cones,
        SOLVER_TOLERANCE,
        REGULARIZATION,
    )
    solution, dual = np.array(result.x), np.array(result.z)
    coefficients = solution[:count]
    with np.errstate(over="ignore", invalid="ignore"):
        value = 0.5 * coefficients @ quadratic @ coefficients + cost @ solution
    if not value <= 0:
        # Worse than none at all, which is feasible: the method has diverged, up to 1e155.
        coefficients[:], dual[:] = 0.0, 0.0

    lengths = np.sqrt(np.add.reduceat(coefficients**2, firsts))
    for group, length in zip(groups, lengths, strict=True):
        if length <= VANISHED or (len(group) == 1 and coefficients[group[0]] < 0):
            coefficients[group] = 0.0
    multipliers, start = [np.zeros(len(wall)) for wall in walls], len(single)
    for k in wall_rows:
        stop = start + len(walls[k])
        multipliers[k] = dual[start:stop] * scale / sizes[k]
        start = stop
    return coefficients * unit, multipliers


def change(gram, slope, beta, groups, present, moved):
    """1/2 c'Gc - linear.c + beta sum ||c_g|| at `moved` less that at `present`, of descent `slope`.

    In terms of the move, since the two values agree in most of their digits.
    """
    move = moved - present
    firsts = [group[0] for group in groups]
    lengths = [np.sqrt(np.add.reduceat(c**2, firsts)) for c in (present, moved)]
    return 0.5 * move @ gram @ move - slope @ move + beta * float((lengths[1] - lengths[0]).sum())


def newton(gram, slope, beta, groups, present):
    """Where Newton steps on the group Lasso end, on the piece where no group vanishes.

    Parameters
    ----------
    gram, beta, groups
        As in `group_lasso`.
    slope : (K,) ndarray
        linear - G c at the present coefficients.
    present : (K,) ndarray
        Coefficients, none of whose groups is zero.

    Returns
    -------
    (q, K) ndarray
        One for each of `DAMPINGS`.
    """
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    norms = np.sqrt(np.add.reduceat(present**2, [group[0] for group in groups]))[owner]
    unit = present / norms
    gradient = beta * unit - slope
    across = (owner[:, None] == owner) * (np.eye(len(unit)) - unit[:, None] * unit)
    hessian = gram + beta / norms * across
    diagonal = hessian.diagonal()
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(hessian * scale[:, None] * scale)
    along = vectors.T @ (scale * gradient)
    damped = np.maximum(values, 0.0) + np.array(DAMPINGS)[:, None]
    return present - scale * (along / damped @ vectors.T)
