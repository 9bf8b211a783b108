"""A proven convolutional network on digits: `python -m benchmarks.experiments.ten_classes`.

Each row is one method on one of five folds of scikit-learn's 1,797 digits, each of which is tested
on once. Folds and parts are those of `digits.py`, so its classics are this network's rivals.

- `certified`: filters of 2 x 2 pixels, rounded to five levels of grey, a ReLU, the average over all
  places, and ten outputs with softmax loss. The weight decay is chosen among networks that are
  searched; the bound of the one that is chosen is then proven.
- `adam`: the same with 150 filters, more than a proven network kept, trained by Adam.

Both choose their weight decay, a share of the one at which all weights are zero, by the fewest
validation errors, from grids that grow where the best lies at their end (`choice.py`). Folds seed
Adam's start.
"""

from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np

import hidden_convexity as hc
from benchmarks import stochastic
from benchmarks.experiments import choice, classifiers, command, problems
from benchmarks.outputs import one_hot

PATH = Path(__file__).with_name("ten_classes.csv")
# Pixels of a side of a filter, and levels of grey: few levels make most patches equal, and equal
# ones are one row of the proof.
SIDE, LEVELS = 2, 5
SHARES = choice.decades(-6, 0)[::-1]
LADDERS = {
    # All are asked for at once, as each is the start of the next one: on the first fold the search
    # takes 15 processor seconds to 0.01, and 152 more to 0.003. Adam tries smaller shares.
    "certified": {"share": choice.Ladder(SHARES[: SHARES.index(3e-3) + 1], low=0.1, high=3e-3)},
    "adam": {"share": choice.Ladder(SHARES, low=0.03, high=1e-3)},
}
# Relative gap asked for within what is searched. The time is the search's, the proof's a second.
TOLERANCE = 0.2
WIDTH, STEPS = 150, 1_000


def parts(fold):
    """(patches (n, 49, 4), labels) to train, to validate, to test."""
    found = problems.digits(fold)
    rounded = [(np.round(A[:, :-1] * (LEVELS - 1)) / (LEVELS - 1), labels) for A, labels in found]
    return [
        (hc.datasets.patches(each.reshape(-1, 8, 8), SIDE).X, labels) for each, labels in rounded
    ]


def largest(patches, labels):
    """The training problem at the largest weight decay."""
    Y = one_hot(labels)
    return hc.TrainingProblem(patches, Y, hc.beta_max(patches, Y, "softmax"), "softmax")


def certified(train, validation, test, _):
    """A searched network, of the weight decay that is chosen, and a proven bound."""
    problem = largest(*train)

    def wrong(network, part=validation):
        return choice.share_of_errors(classifiers.answers(network), part)

    shares = LADDERS["certified"]["share"]
    chosen = choice.network(problem, problem.beta, TOLERANCE, wrong, choice.as_it_is, shares)
    return {"test_error": wrong(chosen.network, test)} | chosen.facts


def adam(train, validation, test, fold):
    """A network of Adam at the weight decay that is chosen among its own."""
    most = largest(*train)

    def at(share):
        problem = replace(most, beta=share * most.beta)
        ((_, network),) = stochastic.train(problem, WIDTH, fold, STEPS)
        facts = {"objective": problem.objective(network), "neurons": WIDTH}
        return classifiers.answers(network), facts

    def fitted(points):
        return [at(**one) for one in points]

    return choice.tested(fitted, LADDERS["adam"], validation, test)


METHODS = {"certified": certified, "adam": adam}


def run(method, fold):
    """Choose the weight decay on the validation part, and test what is trained with it."""
    began = process_time()
    found = METHODS[method](*parts(fold), fold)
    return found | {"processor_seconds": float(f"{process_time() - began:.4g}")}


def points():
    """All runs of the sweep, fold after fold."""
    return [{"method": m, "fold": fold} for fold in range(problems.FOLDS) for m in METHODS]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
