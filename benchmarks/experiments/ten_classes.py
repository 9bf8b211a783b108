"""A proven convolutional network on digits: `python -m benchmarks.experiments.ten_classes`.

Each row is one method on one of five folds of scikit-learn's 1,797 digits, each of which is tested
on once. Folds and parts are those of `digits.py`, so its classics are this network's rivals.

- `certified`: filters of 2 x 2 pixels, rounded to five levels of grey, a ReLU, the average over all
  places, and ten outputs with softmax loss. The weight decay is chosen among networks that are
  searched; at that decay the network is trained once more, to a proof, and this one is tested.
- `adam`: the same with 32 filters, trained by Adam, its weight decay chosen likewise, from smaller
  ones as well.

Weight decays are shares of the one at which all weights are zero. Folds seed Adam's start.
"""

import json
from pathlib import Path
from time import process_time

import numpy as np

import hidden_convexity as hc
from benchmarks import stochastic
from benchmarks.experiments import command, problems, validated

PATH = Path(__file__).with_name("ten_classes.csv")
# Pixels of a side of a filter, and levels of grey: few levels make most patches equal, and equal
# ones are one row of the proof.
SIDE, LEVELS = 2, 5
# Smaller shares are not proven in seconds; Adam tries them.
SHARES, SMALLER = (0.1, 0.05, 0.03), (0.03, 0.003, 0.001)
GRIDS = {"certified": {"share": SHARES}, "adam": {"share": SMALLER}}
# Relative gap asked for, within what is searched and of the proof.
TOLERANCE = 5e-2
WIDTH, STEPS = 32, 1_000


def parts(fold):
    """(patches (n, 49, 4), labels) to train, to validate, to test."""
    found = problems.digits(fold)
    rounded = [(np.round(A[:, :-1] * (LEVELS - 1)) / (LEVELS - 1), labels) for A, labels in found]
    return [
        (hc.datasets.patches(each.reshape(-1, 8, 8), SIDE).X, labels) for each, labels in rounded
    ]


def at(patches, labels, share):
    """The training problem at a share of the largest weight decay."""
    one_hot = np.eye(10)[labels]
    largest = hc.beta_max(patches, one_hot, "softmax")
    return hc.TrainingProblem(patches, one_hot, share * largest, "softmax")


def certified(patches, labels, _):
    """Searched networks, one a weight decay."""
    first = at(patches, labels, SHARES[0])
    betas = first.beta / SHARES[0] * np.array(SHARES)
    path = hc.train_path(first, betas, tol=TOLERANCE, proof=False)
    for share, solution in zip(SHARES, path, strict=True):
        yield {"share": share}, _labels(solution.network), {}


def adam(patches, labels, fold):
    """Networks of Adam, one a weight decay."""
    for share in SMALLER:
        problem = at(patches, labels, share)
        ((_, network),) = stochastic.train(problem, WIDTH, fold, STEPS)
        facts = {"objective": problem.objective(network), "neurons": WIDTH}
        yield {"share": share}, _labels(network), facts


def proven(patches, labels, share):
    """What predicts labels, and the facts of its proof."""
    solution = hc.train(at(patches, labels, share), tol=TOLERANCE)
    facts = {"objective": solution.objective, "lower_bound": solution.lower_bound}
    facts |= {"scope": solution.scope, "neurons": len(solution.network)}
    return _labels(solution.network), facts


def _labels(network):
    return lambda patches: network(patches).argmax(axis=1)


METHODS = {"certified": certified, "adam": adam}


def run(method, fold):
    """Choose the weight decay on the validation part, prove, and test what is chosen."""
    began = process_time()
    train, validation, test = parts(fold)
    chosen = validated.choose(GRIDS[method], METHODS[method](*train, fold), validation, test)
    if method == "certified":
        share = json.loads(chosen["setting"])["share"]
        predict, facts = proven(*train, share)
        chosen |= facts | {"test_error": validated.share_of_errors(predict, test)}
    return chosen | {"processor_seconds": process_time() - began}


def points():
    """All runs of the sweep, fold after fold."""
    return [{"method": m, "fold": fold} for fold in range(problems.FOLDS) for m in METHODS]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
