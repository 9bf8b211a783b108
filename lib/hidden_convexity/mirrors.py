"""Train deep absolute value networks of one variable exactly: a Lasso over reflected data.

The dictionary, and why it is complete, is in `reflections`. Here the Lasso is solved by adding the
columns that violate the dual constraint |nu.g| <= beta most, nu being the residual, and solving
again over the few columns met so far. Scaled until it satisfies the constraint, nu proves a lower
bound on the objective of every network of this depth, whatever its number of branches.
"""

from time import perf_counter

import numpy as np

from hidden_convexity.group_lasso import group_lasso
from hidden_convexity.parallel import ParallelNetwork
from hidden_convexity.problem import relative_gap
from hidden_convexity.pruning import independent_scale
from hidden_convexity.ramps import Ramps, line_problem
from hidden_convexity.reflections import (
    MirrorDictionary,
    branch,
    breakpoints,
    dictionary,
    reflections,
)
from hidden_convexity.solvers.solution import Solution, Step
from hidden_convexity.validation import positive_number, whole_number

__all__ = [
    "MirrorDictionary",
    "beta_max",
    "branch",
    "breakpoints",
    "dictionary",
    "reflections",
    "train",
]

# Columns added a round: fewer cost more rounds, more cost larger restricted problems.
BATCH = 20
# A violation of the dual constraint below this share of beta is roundoff.
TIGHT = 1e-9
# Rounds without a lower objective or a higher bound that are the end of double precision.
PATIENCE = 3
# Each step removes a column at least, and they are as many as there are branches to remove.
POLISHING_STEPS = 50


def train(x, y, beta, layers=3, tol=1e-6):
    """Train a parallel absolute value network of one variable to a certified gap.

    Minimises 1/2 ||f(x) - y||^2 + (beta/L) sum_j (|a_j|^L + sum_k |w_jk|^L) over the networks
    f(x) = c + sum_j a_j |w_jK |... |w_j1 x + b_j1| ...| + b_jK|, K = L - 1, with free biases and
    any number of branches.

    Parameters
    ----------
    x : (n,) array_like
        Inputs, in any order and with repetitions.
    y : (n,) array_like
        Targets.
    beta : float
        Weight decay, > 0, in the unit of x times that of y.
    layers : int
        L >= 2. For three, a round costs O(n^2) and nothing of that size is stored; for others the
        dictionary is listed in full, which is possible for n in the thousands if L = 2, and for a
        handful of points if L >= 4.
    tol : float
        Relative duality gap at which to stop, > 0. Below about 1e-9, double precision may end
        first; the solution's `gap` says what was reached.

    Returns
    -------
    Solution
        Its `network` is a `ParallelNetwork` of `layers` layers; the scope is "global": networks of
        this depth with any number of branches.

    Raises
    ------
    TypeError, ValueError
        If x or y is not a finite real vector of moderate size, they differ in length, beta or tol
        is not > 0, or layers is not an integer >= 2 or too large to list the dictionary.

    References
    ----------
    Theory: mirrors.
    """
    started, history = perf_counter(), []
    problem, tol = line_problem(x, y, beta), positive_number(tol, "tol")
    x, search = problem.X[:, 0], _search(problem.X[:, 0], layers)
    shifts, z = np.zeros((0, layers - 1)), np.zeros(0)
    best, bound, stalled = None, 0.0, 0
    while True:
        outputs = branch(x, shifts) @ z
        nu = problem.y - outputs
        nu -= nu.mean()  # the best constant, and exactly orthogonal to it
        objective = 0.5 * float(nu @ nu) + problem.beta * float(np.abs(z).sum())
        columns, correlations = search(nu)
        largest = float(np.abs(correlations).max(initial=0.0)) + _allowance(x, nu, layers)
        proven = problem.dual_bound(nu, largest)
        stalled = 0 if best is None or objective < best[0] or proven > bound else stalled + 1
        if best is None or objective < best[0]:
            best = objective, shifts, z, float(np.mean(y) - np.mean(outputs))
        bound = max(bound, proven)
        history.append(Step(perf_counter() - started, best[0], bound, len(z)))
        added = columns[_worst(np.abs(correlations), problem.beta)]
        wider = np.unique(np.concatenate([shifts, added]), axis=0)
        if relative_gap(best[0], bound) <= tol or len(wider) == len(shifts) or stalled == PATIENCE:
            break
        shifts, z = _restricted(problem, wider, nu, shifts, z)
    _, shifts, z, constant = best
    network = ParallelNetwork.from_features(z, shifts, constant)
    objective = network.objective(x, y, problem.beta)
    return Solution(network, objective, bound, "global", history, "mirrors")


def beta_max(x, y, layers=3):
    """Smallest weight decay whose optimal network of so many layers is constant.

    Raises
    ------
    TypeError, ValueError
        As `train`.
    """
    problem = line_problem(x, y, 1.0)
    x = problem.X[:, 0]
    _, values = _search(x, layers)(problem.y)
    return float(np.abs(values).max(initial=0.0)) + _allowance(x, problem.y, layers)


def _search(x, layers):
    """A function of nu (n,) to shifts (q, L - 1) and nu.g for each, the largest among them."""
    if whole_number(layers, "layers", 2) == 3:
        return MirrorDictionary(x).strongest
    features, shifts = dictionary(x, layers)
    return lambda nu: (shifts, nu @ features)


def _allowance(x, nu, layers):
    """What rounding may do to the largest |nu.g|.

    A correlation is seven values of R, at points that are themselves right to 3 eps of the largest
    |x|, where R rises by sum |nu_i| at most. A listed column is n differences of two such numbers
    for each layer, added up in any order.
    """
    size = float(np.abs(nu).sum()) * float(np.abs(x).max())
    terms = 8 if layers == 3 else 4 * layers + len(nu)
    return 8 * Ramps(x).allowance(nu) + terms * np.finfo(float).eps * 2 * size


def _worst(sizes, beta):
    """Indices of up to BATCH violators, each no smaller than its neighbours, the largest first."""
    around = np.pad(sizes, 1)
    peak = (sizes >= around[:-2]) & (sizes >= around[2:]) & (sizes > (1 + TIGHT) * beta)
    found = np.flatnonzero(peak)
    return found[np.argsort(-sizes[found], kind="stable")[:BATCH]]


def _restricted(problem, shifts, nu, present, z):
    """The Lasso over few columns, shifts (k, L - 1): those used, and their coefficients.

    Each has the sign that helps: of its correlation with nu, or of its coefficient if it has one.
    """
    features = branch(problem.X[:, 0], shifts)
    features -= features.mean(axis=0)
    signs = np.where(nu @ features < 0, -1.0, 1.0)
    for shift, coefficient in zip(present, z, strict=True):
        signs[(shifts == shift).all(axis=1)] = np.sign(coefficient)
    features *= signs
    gram, linear = features.T @ features, features.T @ problem.y
    k, scale = len(shifts), float(np.linalg.norm(problem.y))
    groups, no_walls = list(np.arange(k)[:, None]), [np.zeros((0, 1))] * k
    size, _ = group_lasso(gram, linear, problem.beta, scale, groups, no_walls)
    size *= _independent(features, size)
    used = size > 0
    size = _polish(gram[np.ix_(used, used)], linear[used], problem.beta, size[used])
    shifts, signs = shifts[used][size > 0], signs[used][size > 0]
    return shifts, signs * size[size > 0]


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
