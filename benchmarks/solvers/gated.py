"""This library, without cones: Newton's method on the norms of the groups."""

import numpy as np

from benchmarks.objective import Outcome
from hidden_convexity.solvers.fixed_gates.gated import train_gated


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return train_gated(problem.X, problem.y, problem.gates, problem.beta, tol=case.tol)


def outcome(problem, state, solution, seconds):
    return Outcome(
        network=(problem.gates, np.asarray(solution.weights)),
        lower_bound=solution.lower_bound,
        curve=[(step.seconds, step.objective) for step in solution.history],
        numbers={"rounds": len(solution.history), "used": len(solution)},
    )
