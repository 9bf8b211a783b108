"""The convex program over given patterns in CVXPY, solved by Clarabel."""

import hidden_convexity as hc
from benchmarks.objective import Outcome
from benchmarks.solvers.pyscnn_cones import violation


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return hc.train(problem.training, patterns=problem.arrangement, solver="cvxpy")


def outcome(problem, state, solution, seconds):
    return Outcome(
        network=solution.network,
        lower_bound=solution.lower_bound,
        numbers={"cone_violation": violation(problem, solution.network.hidden_weights)},
    )
