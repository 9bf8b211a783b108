"""Gated and ReLU networks on digits, each validated: `python -m benchmarks.experiments.digits`.

Each row is one method at one width on one of five folds of scikit-learn's 1,797 digits, each of
which is tested on once: 600 of those outside the fold are trained on, 400 are for all choices.

- `gated`: gated networks over gates in random directions, each certified over its gates.
- `adam`: ReLU networks, trained by Adam.

The two kinds minimise different objectives, so each chooses its own weight decay, a share of the
one at which all gated weights are zero, and Adam its rate. Classifiers that are no networks
(`classifiers.py`) have no width. All choose the fewest errors on validation digits, the first of
equal ones, from grids that grow where the best lies at their end (`choice.py`). Folds give seeds as
well: those of the gates, and of Adam's start.
"""

from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.experiments import choice, classifiers, command, descent, problems
from benchmarks.outputs import one_hot
from hidden_convexity.solvers.fixed_gates.gated import gated_beta_max

PATH = Path(__file__).with_name("digits.csv")
# Neurons of the ReLU network, and gates of the others.
WIDTH = 100
SHARES = choice.Ladder(choice.decades(-6, 0)[::-1], low=0.03, high=1e-4)
LADDERS = classifiers.LADDERS | {
    "gated": {"share": SHARES},
    "adam": {
        "share": SHARES,
        "rate": choice.Ladder(choice.decades(-4, 0), low=0.01, high=0.1),
    },
}
NETWORKS = ("gated", "adam")
STEPS = 500
TOLERANCE = 2e-2


def gates_of(A, width, fold):
    return np.random.default_rng(fold).standard_normal((A.shape[1], width))


def adam(A, labels, gates, fold):
    """ReLU networks, fitted, of as many neurons as there are gates."""
    most, width = gated_beta_max(A, one_hot(labels), gates, "softmax"), gates.shape[1]

    def at(share, rate):
        curve, W, V = descent.train(
            A, labels, share * most, "adam", rate, width, fold, "softmax", STEPS
        )
        predict = classifiers.answers(lambda A: np.maximum(A @ W.T, 0) @ V)
        return predict, {"objective": curve[-1][1], "neurons": width}

    return lambda points: [at(**point) for point in points]


def run(method, width, fold):
    """Train at every setting, validate, and test the one that is chosen."""
    began = process_time()
    (A, labels), validation, test = problems.digits(fold)
    if method == "gated":
        fitted = classifiers.gated(A, labels, gates_of(A, width, fold), TOLERANCE)
    elif method == "adam":
        fitted = adam(A, labels, gates_of(A, width, fold), fold)
    else:
        fitted = classifiers.classic(method, A, labels)
    found = choice.tested(fitted, LADDERS[method], validation, test)
    return found | {"processor_seconds": float(f"{process_time() - began:.4g}")}


def points():
    """All runs of the sweep."""
    return [
        {"method": method, "width": WIDTH if method in NETWORKS else 0, "fold": fold}
        for method in LADDERS
        for fold in range(problems.FOLDS)
    ]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
