"""Train deep absolute value networks of one variable exactly: a Lasso over reflected data.

The dictionary, and why it is complete, is in `reflections`. Here the Lasso is solved by adding the
columns that violate the dual constraint |nu.g| <= beta most, nu being the residual, and solving
again over the few columns met so far. Scaled until it satisfies the constraint, nu proves a lower
bound on the objective of every network of this depth, whatever its number of branches.
"""

import numpy as np

from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.validation import flag, positive_number, whole_number
from hidden_convexity.line.ramps import Ramps, line_problem, mean
from hidden_convexity.line.reflections import (
    SAME_POINT,
    MirrorDictionary,
    branch,
    breakpoints,
    dictionary,
    reflections,
)
from hidden_convexity.problem.parallel_network import ParallelNetwork
from hidden_convexity.problem.parallel_problem import ParallelProblem
from hidden_convexity.solvers import lasso
from hidden_convexity.solvers.solution import Solution

__all__ = [
    "MirrorDictionary",
    "beta_max",
    "branch",
    "breakpoints",
    "dictionary",
    "reflections",
    "train",
]


def train(x, y, beta, layers=3, tol=1e-6, max_seconds=None, progress=False):
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
        first, and with points closer than 1e-6 of their range and little weight decay so it may
        from about 1e-5 on; the solution's `gap` says what was reached.
    max_seconds : float, optional
        Time after which the best network so far is returned, `out_of_time`, with its valid bound.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Solution
        Its `network` is a `ParallelNetwork` of `layers` layers; the scope is "global": networks of
        this depth with any number of branches. Interrupted (Ctrl-C), it is the best network so
        far with a valid bound.

    Raises
    ------
    TypeError, ValueError
        If x or y is not a finite real vector of moderate size, they differ in length, beta, tol
        or max_seconds is not > 0, progress is not True or False, or layers is not an integer >= 2
        or too large to list the dictionary.

    References
    ----------
    Theory: mirrors.
    """
    problem, tol = line_problem(x, y, beta), positive_number(tol, "tol")
    budget = Budget(None if max_seconds is None else positive_number(max_seconds, "max_seconds"))
    progress = flag(progress, "progress")
    x, search = problem.X[:, 0], _search(problem.X[:, 0], layers)

    def features(shifts):
        values = branch(x, shifts)
        return values - values.mean(axis=0)  # the rest of them is the free constant's

    found = lasso.solve(
        problem,
        features,
        search,
        layers - 1,
        tol,
        lambda nu: _allowance(x, nu, layers),
        lambda nu: nu - nu.mean(),
        budget,
        progress,
    )
    shifts, z = found.columns, found.coefficients
    constant = mean(y) - float(np.mean(branch(x, shifts) @ z))
    network = ParallelNetwork.from_features(z, shifts, constant)
    asked = ParallelProblem(x, y, beta, layers, "absolute")
    known = asked.objective(network), found.lower_bound, "global", found.history, "mirrors"
    ended = found.interrupted, found.out_of_time
    return Solution(network, *known, *ended, asked, found.dual_point)


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
    """A function of nu (n,), of sum 0, to shifts (q, L - 1) and nu.g for each, the largest too."""
    if whole_number(layers, "layers", 2) == 3:
        return MirrorDictionary(x).strongest
    features, shifts = dictionary(x, layers)
    return lambda nu: (shifts, nu @ features)


def _allowance(x, nu, layers):
    """What rounding may do to the largest |nu.g|.

    A correlation is seven values of R, at points that are themselves right to 3 eps of the largest
    |x|, where R rises by sum |nu_i| at most. A listed column is n differences of two such numbers
    for each layer, added up in any order. Of listed columns that are nearly one, only one is kept:
    their shifts differ by less than `SAME_POINT` of the range, and so do their entries then.
    """
    total, span = float(np.abs(nu).sum()), float(np.ptp(x))
    terms = 8 if layers == 3 else 4 * layers + len(nu)
    rounding = terms * EPS * 2 * total * float(np.abs(x).max())
    merged = layers * SAME_POINT * span * total if layers > 3 else 0.0
    return 8 * Ramps(x).allowance(nu) + rounding + merged
