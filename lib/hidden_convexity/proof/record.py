"""From a dual point to a proof: a point that the checker accepts, and what shows that it may.

The checker knows nothing of our bounds, so a proof is what its own relaxation and its own allowance
for rounding can do. We therefore run its search, once, and write down where it halved cones: to
check is then to bound the last cones only. Where chambers are few, `cases` are fewer than cones.
"""

import numpy as np

from hidden_convexity import verify
from hidden_convexity.geometry.arrangement import count_chambers
from hidden_convexity.geometry.hyperplanes import coordinates, distinct_lines, unit_rows
from hidden_convexity.proof.cases import cases

# Share of the gap, or part of the objective if that is more, that a proof may cost by default: the
# dual point is shrunk by it, and the less it is, the smaller are the cones around each neuron. At
# 1e-9 a training of 25 samples in four dimensions took minutes to write.
SHARE_OF_GAP, LEAST_COST = 0.1, 1e-6
# Chambers, by rank, up to which cases are tried before cones. Measured at 0.1 and 0.001 beta_max:
# a chamber takes up to 20 cases at rank 3 and 2 at rank 5, and cones do not grow with chambers.
FEW = {2: 0, 3: 400, 4: 10_000, 5: 100_000, 6: 1_000_000}
# What the sums of a proof may round, as a part of the objective.
ROUNDING = 1e-9
# Largest shrinking of the dual point, and the one that pays for a checker's other BLAS.
MOST_SHRUNK, OTHER_ROUNDING = 1e-3, 1e-11


def proof_of(problem, statement, tol=None):
    """What a file needs for the checker to accept its bound: a dual point, and the proof.

    Parameters
    ----------
    problem : TrainingProblem or ParallelProblem
    statement : dict of str to array_like
        The file's content as the checker reads it, with a dual point `nu` that is feasible as far
        as we know, the `objective`, and the `lower_bound` to be kept.
    tol : float or None
        Relative gap that the file may have; by default a tenth more than the present one.

    Returns
    -------
    dict of str to array_like
        The dual point and its bound, and of cones the coordinates and the tree as `verify.cones`
        takes it, empty in the plane.

    Raises
    ------
    ValueError
        If the gap is above `tol`, or the checker can't follow: the message says how to go on.
    """
    objective, lower_bound = statement["objective"], statement["lower_bound"]
    cost = max(SHARE_OF_GAP * (objective - lower_bound), LEAST_COST * objective)
    if tol is not None:
        cost = tol * objective - (objective - lower_bound)
        if cost <= 0 < objective:
            raise ValueError(
                f"tol must be above the gap, {(objective - lower_bound) / objective:.3g}, got {tol}"
            )
    found = _proof(problem, statement, cost)
    owed = _moved(statement | found)[1]
    known = problem.y, found["nu"], problem.loss, statement["sample_weight"]
    bound = max(verify.dual_value(*known) - owed, 0.0)
    if bound < lower_bound - cost - ROUNDING * objective:
        raise ValueError(
            f"the checker proves {bound:.9g}, and {lower_bound:.9g} was to be proven: please "
            "report this problem with its data"
        )
    return found | {"lower_bound": bound}


def _proof(problem, statement, cost):
    """The arrays of a proof: of what is exact, or by cases or cones, whichever takes fewer."""
    if str(statement["proof"]) == "samples":
        return _exactly(problem, statement, {})
    rows, weights, _ = verify.rows(statement)
    basis = _axes(rows)
    rank, one_output = basis.shape[1], weights.ndim == 1
    if rank == 2 and one_output:
        return _exactly(problem, statement, {"basis": basis, "splits": np.zeros(0, np.uint8)})
    shrunk = {"nu": statement["nu"] * (1 - _shrinking(problem, statement["nu"], cost))}
    used = unit_rows(rows[rows.any(axis=1) & weights.reshape(len(rows), -1).any(axis=1)])
    few = count_chambers(len(distinct_lines(used)[0]), rank) <= FEW[min(rank, max(FEW))]
    ways = [_by_cones] * (rank <= verify.MAX_RANK) + [_by_cases] * one_output
    if not ways:
        raise ValueError(
            f"the checker takes several outputs up to rank {verify.MAX_RANK}, and the data have "
            f"rank {rank}; leave out columns of X, or project them on {verify.MAX_RANK} directions"
        )
    refusals = []
    for way in ways[::-1] if few else ways:
        try:
            return shrunk | way(problem, statement | shrunk, basis)
        except verify.Refused as refusal:
            refusals.append(str(refusal))
    raise ValueError(
        f"the checker cannot follow ({'; '.join(refusals)}); save with a larger tol, or train to "
        "a smaller one first"
    )


def _moved(statement):
    """`verify.moved`, of a point that a larger tol brings no nearer to a feasible one."""
    try:
        return verify.moved(statement)
    except verify.Refused as refusal:
        raise ValueError(
            f"no file can hold this proof ({refusal}), whatever its tol: the residuals of a larger "
            "beta are farther from their limits, and free columns that nearly depend on others "
            "are better left out of X"
        ) from refusal


def _by_cones(problem, statement, basis):
    """Coordinates and halvings, found by the checker's own search."""
    roots = 2 ** basis.shape[1]
    found = {"basis": basis, "splits": np.zeros(roots, dtype=np.uint8)}
    return found | {"splits": _by_levels(_height(problem, statement | found)[1], roots)}


def _by_cases(problem, statement, basis):
    """A tree of signs of rows, and multipliers."""
    S, c, charge, limit = verify.asked(statement, _room(problem), _moved(statement)[0])
    tree = cases(S, c, limit * (1 - OTHER_ROUNDING) - charge)
    found = {"version": 3, "network": "one output", "proof": "cases"} | tree
    _height(problem, statement | found)
    return found | {name: statement[name] for name in verify.OTHERS}


def _exactly(problem, statement, proof):
    """A proof that is exact, so rounding is all there is to pay for."""
    statement = statement | proof
    try:
        top, _ = verify.height(statement, np.inf, _moved(statement)[0])
        share = min(1.0, problem.beta / top) if top > 0 else 1.0
        shrunk = {"nu": statement["nu"] * (share - OTHER_ROUNDING)}
        _height(problem, statement | shrunk)
    except verify.Refused as refusal:
        raise ValueError(f"the checker cannot follow: {refusal}") from refusal
    return proof | shrunk


def _room(problem):
    """What the checker may find here, so that it finds less than beta with another BLAS."""
    return problem.beta * (1 - OTHER_ROUNDING / 10)


def _height(problem, statement):
    """The checker's bound, and the tree of its proof."""
    return verify.height(statement, _room(problem), _moved(statement)[0])


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
