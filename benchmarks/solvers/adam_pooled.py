"""Adam on convolutional and other networks (PyTorch): the best of ten seeds.

Patches are many, so networks are narrower than those of `adam` and take fewer steps; both are more
than the optimal network needs.
"""

from benchmarks.objective import Outcome
from benchmarks.solvers import adam
from hidden_convexity.solvers import descent

WIDTH, SEEDS, STEPS = 30, range(10), 1_000


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return descent.adam(problem, WIDTH, SEEDS, STEPS)


def outcome(problem, state, solutions, seconds):
    found = adam.outcome(problem, state, solutions, seconds)
    numbers = {"width": WIDTH, "seeds": len(SEEDS), "steps": STEPS}
    return Outcome(network=found.network, curve=found.curve, numbers=numbers)
