"""The sharpest lower bound that double precision allows: what every network is judged by."""

import hidden_convexity as hc
from benchmarks.objective import Outcome

SHARP = 1e-9


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return hc.train(problem, tol=SHARP)


def outcome(problem, state, solution, seconds):
    return Outcome(lower_bound=solution.lower_bound if solution.scope == "global" else 0.0)
