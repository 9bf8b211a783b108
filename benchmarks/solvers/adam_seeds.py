"""Adam on batches of samples (PyTorch), ten seeds one after another, each with its own curve.

A setting is a number of steps, over which the learning rate falls to zero: few steps end early at a
middling gap, many end late at a small one, so times to a gap are the best of all settings.
"""

from benchmarks import stochastic

WIDTH, RECORDS = 100, 20
SETTINGS = (500, 2_000, 10_000)
# Steps before the clock.
WARM_UP = 20


def prepare(problem, case):
    return None


def run(problem, case, state, steps):
    return [stochastic.train(problem, WIDTH, seed, steps, RECORDS) for seed in stochastic.SEEDS]


def outcome(problem, state, ways, seconds):
    return stochastic.outcome(problem, ways, {"width": WIDTH})
