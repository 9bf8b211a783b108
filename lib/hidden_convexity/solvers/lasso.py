"""Column generation for a Lasso whose dictionary is too large to store: a search finds its columns.

At nu = y - f the columns that violate the dual constraint |nu.g| <= beta most are added, and the
Lasso over the few columns met so far is solved again. Scaled until it satisfies the constraint, nu
proves a lower bound.
"""

from time import perf_counter
from typing import NamedTuple

import numpy as np

from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.interruption import STOPPED, by_the_user
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.problem.gap import relative_gap
from hidden_convexity.problem.pruning import independent_scale
from hidden_convexity.problem.restricted.group_lasso import group_lasso
from hidden_convexity.solvers.solution import Step

# Columns added a round: fewer cost more rounds, more cost larger restricted problems.
BATCH = 20
# A violation of the dual constraint below this share of beta is roundoff.
TIGHT = 1e-9
# Rounds without a lower objective or a higher bound that are the end of double precision.
PATIENCE = 3
# Each step removes a column at least, and they are as many as there are columns to remove.
POLISHING_STEPS = 50


class Columns(NamedTuple):
    """The columns of a trained Lasso, one a row of parameters, and what is known of it.

    Attributes
    ----------
    columns : (k, p) ndarray
    coefficients : (k,) ndarray
        None is 0.
    lower_bound : float
    dual_point : (n,) ndarray
        Of which it is the dual value.
    history : list of Step
    interrupted, out_of_time : bool
        Whether the user ended the run, or its budget above the tolerance.
    """

    columns: np.ndarray
    coefficients: np.ndarray
    lower_bound: float
    dual_point: np.ndarray
    history: list
    interrupted: bool
    out_of_time: bool


def solve(
    problem,
    features,
    search,
    parameters,
    tol,
    allowance,
    project=lambda nu: nu,
    budget=None,
    progress=False,
):
    """Minimise 1/2 ||sum_k z_k g_k - y||^2 + beta ||z||_1 over a dictionary, to a certified gap.

    Parameters
    ----------
    problem : TrainingProblem
        Its y (n,) and beta.
    features : callable
        Columns, given by their parameters (k, p), to the vectors g_k on the data, (n, k).
    search : callable
        nu (n,) to parameters (q, p) of columns in an order in which neighbours are alike, and nu.g
        for each (q,): the largest |nu.g| of the dictionary must be among them.
    parameters : int
        p.
    tol : float
        Relative duality gap at which to stop.
    allowance : callable
        nu (n,) to what rounding may do to the largest |nu.g| that the search gives.
    project : callable
        Takes from nu, but for rounding orthogonal to free terms of the network, what is not.
    budget : Budget, optional
        Ends the run after the round in which it is spent.
    progress : bool

    Returns
    -------
    Columns
        The bound is as strong as the search. Interrupted, it is the state after the last round.
    """
    y, beta, history, start = problem.y, problem.beta, [], perf_counter()
    budget = budget or Budget()
    columns, z = np.zeros((0, parameters)), np.zeros(0)
    best, bound, stalled, interrupted = (np.inf, columns, z), 0.0, 0, False
    point = np.zeros(len(y))
    bar = progress_bar(progress, desc="training", unit="round")
    try:
        while True:
            nu = project(y - features(columns) @ z)
            objective = 0.5 * float(nu @ nu) + beta * float(np.abs(z).sum())
            found, correlations = search(nu)
            largest = float(np.abs(correlations).max(initial=0.0)) + allowance(nu)
            proven = problem.dual_bound(nu, largest)
            stalled = 0 if objective < best[0] or proven > bound else stalled + 1
            if objective < best[0]:
                best = objective, columns, z
            if proven > bound:
                bound, point = proven, problem.feasible_point(nu, largest)
            gap = relative_gap(best[0], bound)
            history.append(Step(perf_counter() - start, best[0], bound, len(best[2])))
            bar.set_postfix_str(f"gap {gap:.1e}", refresh=False)
            bar.update()
            added = found[_worst(np.abs(correlations), beta)]
            wider = np.unique(np.concatenate([columns, added]), axis=0)
            if gap <= tol or len(wider) == len(columns) or stalled == PATIENCE or budget.spent:
                break
            columns, z = _restricted(problem, features, wider, nu, columns, z)
    except STOPPED as stopped:
        if not by_the_user(stopped):
            raise
        interrupted = True
    finally:
        bar.close()
    _, columns, z = best
    spent = not interrupted and gap > tol and budget.spent
    return Columns(columns, z, bound, point, history, interrupted, spent)


def _worst(sizes, beta):
    """Indices of up to BATCH violators, each no smaller than its neighbours, the largest first."""
    around = np.pad(sizes, 1)
    peak = (sizes >= around[:-2]) & (sizes >= around[2:]) & (sizes > (1 + TIGHT) * beta)
    found = np.flatnonzero(peak)
    return found[np.argsort(-sizes[found], kind="stable")[:BATCH]]


def _restricted(problem, features, columns, nu, present, z):
    """The Lasso over few columns (k, p): those used, and their coefficients.

    Each has the sign that helps: of its correlation with nu, or of its coefficient if it has one.
    """
    vectors = features(columns)
    signs = np.where(nu @ vectors < 0, -1.0, 1.0)
    for column, coefficient in zip(present, z, strict=True):
        signs[(columns == column).all(axis=1)] = np.sign(coefficient)
    vectors = vectors * signs
    gram, linear = vectors.T @ vectors, vectors.T @ problem.y
    k, scale = len(columns), float(np.linalg.norm(problem.y))
    groups, no_walls = list(np.arange(k)[:, None]), [np.zeros((0, 1))] * k
    size, _ = group_lasso(gram, linear, problem.beta, scale, groups, no_walls)
    size *= _independent(vectors, size)
    used = size > 0
    size = _polish(gram[np.ix_(used, used)], linear[used], problem.beta, size[used])
    columns, signs = columns[used][size > 0], signs[used][size > 0]
    return columns, signs * size[size > 0]


def _independent(features, size):
    """Factors (k,) that keep features @ size, do not raise sum size, and leave independent columns.

    An interior point method spreads weight over all optimal columns; at most n - 1 are needed.
    """
    used = size > 0
    # Rotated into their own span, where a null vector takes no longer for more data.
    contributions = np.linalg.qr(features[:, used] * size[used], mode="r")
    lengths = np.linalg.norm(contributions, axis=0)
    factors = np.zeros(len(size))
    factors[used] = independent_scale(contributions / lengths, lengths, size[used])
    return factors


def _polish(gram, linear, beta, size):
    """The exact minimiser over the columns that stay positive, if it is no worse.

    An interior point method leaves the objective right to about 1e-11, hence the dual constraint
    only to its square root.
    """

    def height(size):
        return 0.5 * size @ gram @ size - linear @ size + beta * size.sum()

    polished = np.zeros(len(size))
    kept = np.arange(len(size))
    for _ in range(POLISHING_STEPS):
        exact = np.linalg.lstsq(gram[np.ix_(kept, kept)], linear[kept] - beta, rcond=None)[0]
        if (exact > 0).all():
            polished[kept] = exact
            # Over all the columns it is the minimiser; the difference in height may be roundoff.
            better = len(kept) == len(size) or height(polished) <= height(size)
            return polished if better else size
        kept = np.delete(kept, exact.argmin())
    return size
