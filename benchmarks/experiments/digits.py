"""Gated and ReLU networks on digits, each validated: `python -m benchmarks.experiments.digits`.

Each row is one method at one width on one of five folds of scikit-learn's 1,797 digits, each of
which is tested on once: 600 of those outside the fold are trained on, 400 are for all choices.

- `gated`: gated networks over gates in random directions, each certified over its gates.
- `adam`: ReLU networks, trained by Adam at the rate of the least training objective at one decay.

The two kinds minimise different objectives, so each chooses its own weight decay: the one with the
fewest errors on validation digits, the largest of them in case of a tie. Classifiers that are no
networks (`classifiers.py`) have no width and choose from their grids in the same way. Folds give
seeds as well: those of the gates, and of Adam's start.
"""

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.experiments import classifiers, command, descent, problems, validated
from hidden_convexity.solvers.fixed_gates.gated import train_gated_path

PATH = Path(__file__).with_name("digits.csv")
# Neurons of the ReLU network, and gates of the others.
WIDTH = 100
DECAYS = (12.5, 2.5, 0.5, 0.1, 0.02, 0.004)
# Adam's rates; the decay at which one is chosen for all decays.
RATES, RATE_AT = (0.01, 0.03, 0.1), 0.5
STEPS = 500
TOLERANCE = 2e-2


def gated(train, width, fold):
    """Gated networks over gates in random directions, one a weight decay."""
    A, labels = train
    gates = np.random.default_rng(fold).standard_normal((A.shape[1], width))
    path = train_gated_path(A, np.eye(10)[labels], gates, DECAYS, loss="softmax", tol=TOLERANCE)
    for decay, solution in zip(DECAYS, path, strict=True):
        facts = {"objective": solution.objective, "lower_bound": solution.lower_bound}
        facts |= {"neurons": len(solution)}
        yield {"decay": decay}, lambda A, one=solution: one.predict(A).argmax(axis=1), facts


def adam(train, width, fold):
    """ReLU networks, one a weight decay."""

    def at(decay, rate):
        return descent.train(*train, decay, "adam", rate, width, fold, "softmax", STEPS)

    tried = {rate: at(RATE_AT, rate) for rate in RATES}
    rate = min(tried, key=lambda rate: np.nan_to_num(tried[rate][0][-1][1], nan=np.inf))
    for decay in DECAYS:
        curve, W, V = tried[rate] if decay == RATE_AT else at(decay, rate)
        facts = {"objective": curve[-1][1], "neurons": width}
        yield {"decay": decay, "rate": rate}, partial(_labels, W, V), facts


def _labels(W, V, A):
    return (np.maximum(A @ W.T, 0) @ V).argmax(axis=1)


METHODS = {"gated": gated, "adam": adam}


def grid(method, width):
    """What a method chooses from."""
    if method in classifiers.GRIDS:
        return classifiers.GRIDS[method]
    return {"decay": DECAYS} | ({"rate": RATES} if method == "adam" else {})


def run(method, width, fold):
    """Train at every setting, validate, and test the one that is chosen."""
    train, validation, test = problems.digits(fold)
    if method in METHODS:
        found = METHODS[method](train, width, fold)
    else:
        found = classifiers.fitted(method, grid(method, width), *train)
    return validated.choose(grid(method, width), found, validation, test)


def points():
    """All runs of the sweep."""
    kinds = [(method, 0) for method in classifiers.GRIDS]
    kinds += [(method, WIDTH) for method in METHODS]
    rows = [(*kind, fold) for kind in kinds for fold in range(problems.FOLDS)]
    return [dict(zip(("method", "width", "fold"), row, strict=True)) for row in rows]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
