"""Adam on convolutional and other networks, and several outputs (PyTorch): the best of ten seeds.

As many steps as cost a few seconds a seed, so that all ten end within a limit of a minute; patches
are not merged, as in any program of PyTorch. Networks have more neurons than an optimal one needs.
"""

from benchmarks import stochastic

WIDTH, STEPS = 30, 5_000
# Activations computed a seed: at most so many, which take a core about three seconds.
ACTIVATIONS = 200_000_000
# Steps before the clock.
WARM_UP = 10


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    count = setting or steps(problem)
    return [stochastic.train(problem, WIDTH, seed, count) for seed in stochastic.SEEDS]


def outcome(problem, state, ways, seconds):
    return stochastic.outcome(problem, ways, {"width": WIDTH, "steps": steps(problem)})


def steps(problem):
    """Steps of a seed."""
    patches = 1 if problem.X.ndim == 2 else problem.X.shape[1]
    return min(STEPS, ACTIVATIONS // (stochastic.batch_size(problem) * patches * WIDTH))
