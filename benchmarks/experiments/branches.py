"""Adam on three-layer networks of ever more branches: `python -m benchmarks.experiments.branches`.

The twelve samples of notebook 06, whose optimum has five branches. Each row is one run.
"""

from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.experiments import command
from hidden_convexity.line import descent, mirrors

PATH = Path(__file__).with_name("branches.csv")
BRANCHES, SEEDS = (5, 10, 20, 50, 100, 200), range(10)
STEPS, RATE, LAYERS, SHARE = 10_000, 0.01, 3, 0.1


def data():
    """The samples (12,), their targets and the weight decay."""
    x = np.sort(np.random.default_rng(1).uniform(0, 10, 12))
    target = np.sin(1.5 * x)
    return x, target, SHARE * mirrors.beta_max(x, target)


@cache
def all_seeds(branches):
    """The runs of all seeds, which are trained together in a tenth of the time."""
    return descent.adam(*data(), LAYERS, branches, SEEDS, STEPS, RATE)


def run(branches, seed):
    """One run of Adam, and the proven bound of all such networks beside it."""
    x, target, beta = data()
    found = all_seeds(branches)[seed]
    optimum = mirrors.train(x, target, beta)
    return {"objective": found.objective, "lower_bound": optimum.lower_bound}


def main():
    grid = {"branches": BRANCHES, "seed": SEEDS}
    return command.complete(run, grid, command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
