"""Gated and ReLU networks on digits, each validated: `python -m benchmarks.experiments.digits`.

Each row is one method at one width from one seed. The two minimise different objectives, so each
chooses its own weight decay: the one with the fewest errors on validation digits, the largest of
them in case of a tie. Classics choose from their grids (`classics.py`) in the same way, have no
width and no seed, and stand in one row each. Test digits are seen once, by what is chosen.
"""

from pathlib import Path

import numpy as np

from benchmarks.experiments import classics, command, descent, problems
from hidden_convexity.solvers.fixed_gates.gated import train_gated_path

PATH = Path(__file__).with_name("digits.csv")
# Neurons of Adam's ReLU network, or gates sampled of the gated one.
WIDTHS, SEEDS = (10, 30, 100, 300), range(3)
DECAYS = (2.5, 0.5, 0.1, 0.02)
STEPS, RATES = 500, (0.01, 0.03, 0.1)
TOLERANCE = 1e-2


def gated(A, labels, width, seed):
    """Networks over sampled gates, one a weight decay: outputs, and what is to be stored."""
    gates = np.random.default_rng(seed).standard_normal((A.shape[1], width))
    options = {"loss": "softmax", "tol": TOLERANCE}
    for solution in train_gated_path(A, np.eye(10)[labels], gates, DECAYS, **options):
        yield (
            solution.predict,
            {
                "objective": solution.objective,
                "lower_bound": solution.lower_bound,
                "neurons": len(solution),
            },
        )


def adam(A, labels, width, seed):
    """The same for ReLU networks, each at the rate with the smallest training objective."""
    for beta in DECAYS:
        runs = [
            (*descent.train(A, labels, beta, "adam", rate, width, seed, "softmax", STEPS), rate)
            for rate in RATES
        ]
        curve, W, V, rate = min(runs, key=lambda run: np.nan_to_num(run[0][-1][1], nan=np.inf))

        def predict(A, W=W, V=V):
            return np.maximum(A @ W.T, 0) @ V

        yield predict, {"objective": curve[-1][1], "rate": rate, "neurons": width}


METHODS = {"gated": gated, "adam": adam}
CLASSICS = ("logistic", "SVM", "boosting", "neighbours")


def run(method, width, seed):
    """Train at every weight decay, validate, and test the one that is chosen."""
    train, validation, test = problems.digits()
    if method in CLASSICS:
        candidates = classics.classifiers(train[0].shape[1])[method]
        best, wrong = classics.chosen(candidates, train, validation, _share)
        return {"validation_error": wrong, "test_error": _share(best.predict(test[0]), test[1])}
    found = list(METHODS[method](*train, width, seed))
    errors = [_errors(predict, *validation) for predict, _ in found]
    best = int(np.argmin(errors))
    predict, facts = found[best]
    validated = {"decay": DECAYS[best], "validation_error": errors[best]}
    return validated | {"test_error": _errors(predict, *test)} | facts


def _errors(predict, A, labels):
    return _share(predict(A).argmax(axis=1), labels)


def _share(found, labels):
    return float(np.mean(found != labels))


def points():
    """All runs of the sweep."""
    rows = [(method, width, seed) for method in METHODS for width in WIDTHS for seed in SEEDS]
    rows += [(method, 0, 0) for method in CLASSICS]
    return [dict(zip(("method", "width", "seed"), row, strict=True)) for row in rows]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
