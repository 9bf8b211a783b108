"""This library, with the cones of given patterns: Newton's method on norms and dual."""

import hidden_convexity as hc
from benchmarks.objective import Outcome
from benchmarks.solvers.pyscnn_cones import violation


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return hc.train(problem.training, patterns=problem.arrangement, tol=case.tol)


def outcome(problem, state, solution, seconds):
    weights = solution.network.hidden_weights
    return Outcome(
        network=solution.network,
        lower_bound=solution.lower_bound,
        curve=[(step.seconds, step.objective) for step in solution.history],
        numbers={
            "neurons": len(weights),
            "cone_violation": violation(problem, weights),
        },
    )
