"""Adam on batches of samples (PyTorch), ten seeds one after another, each with its own curve.

A setting is a number of steps, over which the learning rate falls to zero: few steps end early at a
middling gap, many end late at a small one, so times to a gap are the best of all settings.
"""

from benchmarks import stochastic

WIDTH, RECORDS = 100, 20
# The learning rate that each number of steps starts with: of 0.01, 0.03 and 0.1 the best at d = 2,
# 3 and 4.
RATES = {500: 0.1, 2_000: 0.03, 12_000: 0.01}
SETTINGS = tuple(RATES)


def prepare(problem, case):
    return None


def run(problem, case, state, steps):
    return [
        stochastic.train(problem, WIDTH, seed, steps, RATES[steps], RECORDS)
        for seed in stochastic.SEEDS
    ]


def outcome(problem, state, ways, seconds):
    return stochastic.outcome(problem, ways, {"width": WIDTH})
