"""Data in units of their own size: no product of four entries leaves the range of floats then.

With X = x X' and y = t y' (t = 1 for labels), the problem of weight decay beta is, t^2 times over,
that of X', y' and beta' = beta / (x t), and its weights u are t / x times those. The units are
powers of two, so nothing is rounded on either way.
"""

from dataclasses import replace

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.foundations.validation import LARGEST, SMALLEST
from hidden_convexity.problem.network import ReLUNetwork


def unit_of(array):
    """The largest power of two that is at most the largest |entry|; 1 if all are zero."""
    largest = float(array_namespace(array).max(array_namespace(array).abs(array)))
    return float(2.0 ** np.floor(np.log2(largest))) if largest > 0 else 1.0


def solve_in_units(problem, solve):
    """The Solution of a problem from that of the same problem in its own units.

    Parameters
    ----------
    problem : TrainingProblem
    solve : callable
        From a TrainingProblem to its Solution.

    Returns
    -------
    Solution
    """
    x, t = unit_of(problem.X), unit_of(problem.y) if problem.loss == "squared" else 1.0
    if not SMALLEST**2 <= problem.beta / x / t <= LARGEST**2:
        return solve(problem)  # of so little or so much weight decay that units change nothing
    scaled = replace(problem, X=problem.X / x, y=problem.y / t, beta=problem.beta / x / t)
    found = solve(scaled)
    root = np.sqrt(t / x)
    weights = found.network.hidden_weights * root, found.network.output_weights * root
    skip, intercept = found.network.skip, found.network.intercept
    skip = None if skip is None else skip * (t / x)
    intercept = None if intercept is None else intercept * t
    network = ReLUNetwork(*weights, found.network.slope, skip, intercept)
    return replace(
        found,
        network=network,
        objective=problem.objective(network),
        lower_bound=found.lower_bound * t**2,
        history=steps_in_units(found.history, t),
        dual_point=None if found.dual_point is None else found.dual_point * t,
    )


def steps_in_units(history, t):
    """A history with its values t^2 times over."""
    return [
        step._replace(objective=step.objective * t**2, lower_bound=step.lower_bound * t**2)
        for step in history
    ]
