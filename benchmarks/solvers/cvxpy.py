"""The full convex program over all chambers in CVXPY, solved by Clarabel."""

import hidden_convexity as hc
from benchmarks.objective import Outcome


def prepare(problem, case):
    return hc.Arrangement.enumerate(problem.X)


def run(problem, case, arrangement, setting):
    return hc.train(problem, patterns=arrangement, solver="cvxpy")


def outcome(problem, arrangement, solution, seconds):
    return Outcome(
        network=solution.network,
        lower_bound=solution.lower_bound if solution.scope == "global" else 0.0,
        numbers={"chambers": len(arrangement), "neurons": len(solution.network)},
    )
