"""Adam on the non-convex problem (PyTorch): a wide network, the best of ten seeds."""

from benchmarks.objective import Outcome
from hidden_convexity.solvers.descent import adam

WIDTH, SEEDS, STEPS = 100, range(10), 5_000
# Steps before the clock.
WARM_UP = 10


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return adam(problem, WIDTH, SEEDS, setting or STEPS)


def outcome(problem, state, solutions, seconds):
    best = min(solutions, key=lambda one: one.objective)
    late = seconds - best.history[-1].seconds
    lowest, curve = float("inf"), []
    for steps in zip(*(one.history for one in solutions), strict=True):
        lowest = min(lowest, *(step.objective for step in steps))
        curve.append((steps[0].seconds + late, lowest))
    return Outcome(
        network=best.network,
        curve=curve,
        numbers={"width": WIDTH, "seeds": len(SEEDS), "steps": STEPS},
    )
