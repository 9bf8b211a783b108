"""Training: one entry, several methods, one kind of answer."""

import numbers

import numpy as np

from hidden_convexity.arrangement import Arrangement
from hidden_convexity.network import ReLUNetwork
from hidden_convexity.oracle import (
    Ascent,
    Circle,
    Exhaustive,
    coordinates,
    proving_oracle,
    searching_oracle,
)
from hidden_convexity.passes import Passes
from hidden_convexity.problem import TrainingProblem
from hidden_convexity.solvers import exact, reference
from hidden_convexity.solvers.solution import Solution, Step
from hidden_convexity.validation import positive_number, whole_number

__all__ = ["Solution", "Step", "train"]


# Ascents from fresh random directions, under both signs, that must all fail to find a violator
# before a search without proof ends.
LAST_SEARCH = 256


def train(problem, patterns="all", tol=1e-6, solver=None, proof=True):
    """Train a two-layer ReLU network to a certified relative duality gap.

    Parameters
    ----------
    problem : TrainingProblem
        Data, targets (n,) and weight decay.
    patterns : "all", Arrangement or int
        "all": networks of every width; the answer is globally optimal up to `tol`. An
        `Arrangement` of problem.X: networks whose neurons lie in its chambers. An integer: as many
        random directions are drawn (`Arrangement.sample` with seed 0) and their chambers used.
    tol : float
        Relative duality gap at which to stop, > 0. Below about 1e-9, double precision may end
        first; the solution's `gap` says what was reached.
    solver : None or "cvxpy"
        None: column generation. "cvxpy": the full program in CVXPY, for reference; it ignores
        `tol`.
    proof : bool
        True: the gap is proven. False, for patterns "all" only: the gap holds if no neuron better
        than those found exists, which ascents from many directions have looked for; this works in
        any dimension and is evidence, not proof.

    Returns
    -------
    Solution
        With `scope` "global", without proof "searched", and for patterns that are not all
        chambers "sampled". Interrupted, or at the end of the proof's time budget, it is the best
        network so far with a valid bound.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kinds above, y is not a vector, the arrangement belongs to
        other data, or a proof is out of reach: the message says how to go on.
    TooManyChambers
        If the reference would have to list too many chambers.
    """
    if not isinstance(problem, TrainingProblem):
        raise TypeError(f"problem must be a TrainingProblem, got {type(problem).__name__}")
    if problem.y.ndim != 1:
        raise ValueError(
            f"problem.y must have shape (n,) to train, got {problem.y.shape}; train one column "
            "at a time"
        )
    tol = positive_number(tol, "tol")
    if solver not in (None, "cvxpy"):
        raise ValueError(f'solver must be None or "cvxpy", got {solver!r}')
    if not isinstance(proof, bool):
        raise TypeError(f"proof must be True or False, got {proof!r}")
    patterns = _check_patterns(patterns, problem)
    if not proof and (patterns is not None or solver is not None):
        raise ValueError('proof=False goes with patterns="all" and solver=None only')
    if solver == "cvxpy":
        return reference.solve(problem, patterns or Arrangement.enumerate(problem.X))
    if patterns is not None and not patterns.complete:
        oracle = Exhaustive(patterns)
        return exact.solve(problem, Passes(problem.X), oracle, oracle, tol, "sampled")
    return _train_over_all(problem, tol, proof)


def _check_patterns(patterns, problem):
    """The arrangement to use, or None for all chambers."""
    if isinstance(patterns, str) and patterns == "all":
        return None
    if isinstance(patterns, numbers.Integral):
        return Arrangement.sample(problem.X, whole_number(patterns, "patterns", 1))
    if not isinstance(patterns, Arrangement):
        raise TypeError(f'patterns must be "all", an Arrangement or an integer, got {patterns!r}')
    if not np.array_equal(patterns.X, problem.X):
        raise ValueError("patterns must be an arrangement of problem.X, got one of other data")
    return patterns


def _train_over_all(problem, tol, proof):
    """Train over all chambers, in as few coordinates as the data's rank allows."""
    basis = coordinates(problem.X)
    reduced = TrainingProblem(problem.X @ basis, problem.y, problem.beta)
    search = searching_oracle(reduced.X)
    if isinstance(search, Circle):
        passes, last, scope = search, search, "global"
    else:
        passes = Passes(reduced.X)
        last = proving_oracle(reduced.X) if proof else Ascent(reduced.X, LAST_SEARCH, rng=1)
        scope = "global" if proof else "searched"
    found = exact.solve(reduced, passes, search, last, tol, scope)
    network = ReLUNetwork(found.network.hidden_weights @ basis.T, found.network.output_weights)
    objective = problem.objective(network)
    return Solution(network, objective, found.lower_bound, found.scope, found.history, found.solver)
