"""From a dual point to a proof: a point that the checker accepts, and the cones that show it.

The checker knows nothing of our bounds, so a proof is what its own relaxation and its own allowance
for rounding can do. We therefore run its search, once, and write down where it halved cones: to
check is then to bound the last cones only.
"""

import numpy as np

from hidden_convexity import verify
from hidden_convexity.oracle import coordinates

# Share of the gap, or part of the objective if that is more, that a proof may cost by default: the
# dual point is shrunk by it, and the less it is, the smaller are the cones around each neuron. At
# 1e-9 a training of 25 samples in four dimensions took minutes to write.
SHARE_OF_GAP, LEAST_COST = 0.1, 1e-6
# What the sums of a proof may round, as a part of the objective.
ROUNDING = 1e-9
# Largest shrinking of the dual point, and the one that pays for a checker's other BLAS.
MOST_SHRUNK, OTHER_ROUNDING = 1e-3, 1e-11


def proof_of(problem, nu, objective, lower_bound, tol=None):
    """A dual point that the checker accepts, its bound, coordinates and halved cones.

    Parameters
    ----------
    problem : TrainingProblem
    nu : (n,) ndarray
        Dual point, feasible as far as we know.
    objective, lower_bound : float
        What is known: the gap to be kept.
    tol : float or None
        Relative gap that the file may have; by default a tenth more than the present one.

    Returns
    -------
    nu : (n,) ndarray
    lower_bound : float
    basis : (d, r) ndarray
    splits : (N,) ndarray of uint8
        The tree as `verify.cones` takes it; empty in the plane.

    Raises
    ------
    ValueError
        If the gap is above `tol`, or the checker can't follow: the message says how to go on.
    """
    cost = max(SHARE_OF_GAP * (objective - lower_bound), LEAST_COST * objective)
    if tol is not None:
        cost = tol * objective - (objective - lower_bound)
        if cost <= 0:
            raise ValueError(
                f"tol must be above the gap, {(objective - lower_bound) / objective:.3g}, got {tol}"
            )
    statement = as_checked(problem) | {"nu": nu}
    rows, _, _ = verify.rows(statement)
    basis = _axes(rows)
    splits = np.zeros(2 ** basis.shape[1] if basis.shape[1] > 2 else 0, dtype=np.uint8)
    if basis.shape[1] > verify.MAX_RANK:
        raise ValueError(
            f"a proof of rank {basis.shape[1]} can't be written: the checker goes up to rank "
            f"{verify.MAX_RANK}"
        )
    try:
        if basis.shape[1] == 2:  # exact: rounding is all there is to pay for
            way, _ = verify.moved(statement)
            top, _ = verify.height(statement, basis, splits, np.inf, way)
            shrunk = nu * (min(1.0, problem.beta / top) - OTHER_ROUNDING)
        else:
            shrunk = nu * (1 - _shrinking(problem, nu, cost))
        statement["nu"] = shrunk
        limit = problem.beta * (1 - OTHER_ROUNDING / 10)
        way, owed = verify.moved(statement)
        _, tree = verify.height(statement, basis, splits, limit, way)
    except verify.Refused as refusal:
        raise ValueError(
            f"the checker cannot follow ({refusal}); save with a larger tol, or train to a smaller "
            "one first"
        ) from refusal
    known = problem.y, shrunk, problem.loss, statement["sample_weight"]
    bound = max(verify.dual_value(*known) - owed, 0.0)
    if bound < lower_bound - cost - ROUNDING * objective:
        raise ValueError(
            f"the checker proves {bound:.9g}, and {lower_bound:.9g} was to be proven: please "
            "report this problem with its data"
        )
    return shrunk, bound, basis, _by_levels(tree, len(splits))


def as_checked(problem):
    """What the checker has to know of a problem besides its dual point."""
    others = {"slope": np.asarray(problem.slope), "free": claim(problem)}
    if problem.sample_weight is not None:
        others["sample_weight"] = problem.sample_weight
    return verify.complete({"X": problem.X, "y": problem.y, "loss": problem.loss} | others)


def claim(problem):
    """The checker's T (d + 1, q): what makes orthonormal columns of the free ones.

    A row for each column of X and one for the constant: zero where the column is not free.
    """
    terms, d = problem.free_terms, problem.X.shape[-1]
    chosen = np.flatnonzero(np.append(np.repeat(problem.skip, d), problem.intercept))
    columns = np.zeros((d + 1, len(terms)))
    columns[chosen] = np.transpose([terms.coefficients(one) for one in np.eye(len(terms))])
    return columns


def _axes(X):
    """Coordinates (d, r) along which the rows are uncorrelated, for cones that fit."""
    basis = coordinates(X).basis
    if basis.shape[1] == 2:
        return basis
    reduced = X @ basis
    reduced = reduced / np.abs(reduced).max(initial=1e-300)
    return basis @ np.linalg.eigh(reduced.T @ reduced)[1]


def _shrinking(problem, nu, cost):
    """The eta at which (1 - eta) nu has lost at most `cost` of its dual value, which is concave."""
    lost = problem.dual_value(nu) - problem.dual_value((1 - MOST_SHRUNK) * nu)
    eta = MOST_SHRUNK * min(cost / lost, 1.0) if lost > 0 else MOST_SHRUNK
    return max(eta, OTHER_ROUNDING)


def _by_levels(tree, roots):
    """Codes level by level, of a tree whose nodes came in another order."""
    if not tree:
        return np.zeros(0, dtype=np.uint8)
    node, code, child = map(np.concatenate, zip(*tree, strict=True))
    codes, first = np.zeros(len(node), dtype=np.uint8), np.zeros(len(node), dtype=int)
    codes[node], first[node] = code, child
    level, levels = np.arange(roots), []
    while len(level):
        levels.append(codes[level])
        inner = first[level[codes[level] > 0]]
        level = np.column_stack([inner, inner + 1]).ravel()
    return np.concatenate(levels)
