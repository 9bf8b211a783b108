"""This library: column generation with a proof."""

import hidden_convexity as hc
from benchmarks.objective import Outcome


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return hc.train(problem, tol=case.tol, max_seconds=case.max_seconds)


def outcome(problem, state, solution, seconds):
    # The clock of the history starts later: after the choice of oracles and the coarse start.
    late = seconds - solution.history[-1].seconds
    return Outcome(
        network=solution.network,
        lower_bound=solution.lower_bound if solution.scope == "global" else 0.0,
        curve=[(step.seconds + late, step.objective) for step in solution.history],
        numbers={"iterations": len(solution.history), "neurons": len(solution.network)},
    )
