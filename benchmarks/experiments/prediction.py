"""Predict real signals by networks and by classics: `python -m benchmarks.experiments.prediction`.

Each row is one method on one fold of one signal, at one window length and one horizon. Everything
that a method chooses, weight decay too, is chosen on the validation part; `test_error` is on the
test part, in units of its variance. `signals.py` says which stretches these are. Where `grows`
says so, grids grow where the best lies at their end (`choice.py`): `choice` is what was chosen,
`end` where that lies. The others, for their time, are fixed.

The network's optimum is certified where it has three inputs and a bias. It sees three samples, or
three atoms of a longer window: the linear prediction from all of it, fitted to the training part,
and the window's first two principal components there. Among five such bases (the others: cosines,
principal components alone, partial least squares, the latest samples) it was the best or nearly so
in most tasks, by kernel ridge regression on the validation parts of three folds.
"""

import time
from pathlib import Path

import numpy as np

import hidden_convexity as hc
from benchmarks.experiments import choice, classics, command, signals
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent

PATH = Path(__file__).with_name("prediction.csv")
SIGNALS = ("ecg", "pulse")
HORIZONS = (1, 4)
WINDOWS, PROVEN = (3, 8, 32), 3
# Weight decays of each task, of the largest one, where they do not grow.
SHARES = {
    ("ecg", 1): (0.01, 3e-3, 1e-3, 3e-4, 1e-4),
    ("ecg", 4): (0.1, 0.03, 0.01, 3e-3, 1e-3),
    ("pulse", 4): (0.01, 3e-3, 1e-3, 3e-4, 1e-4),
    ("sunspots", 1): (0.1, 0.03, 0.01, 3e-3, 1e-3),
    ("sunspots", 2): (0.1, 0.03, 0.01, 3e-3, 1e-3),
}
# Those of three samples of the pulse wave, one ahead, which grow. What is nearly linear to predict
# wants tiny ones, and a grid that begins far from these may stay there: in one fold the validation
# error has another valley, at 0.001.
GROWN_SHARES = {("pulse", 1): choice.Ladder(choice.SHARES.rungs, low=1e-5, high=1e-3)}
# Of three atoms fewer, for their time: a smaller one lowered a fold's validation error by little.
SHARES_OF_ATOMS = {
    ("ecg", 1): (3e-3, 1e-3, 3e-4),
    ("ecg", 4): (0.03, 0.01, 3e-3),
    ("pulse", 1): (1e-4, 3e-5),
    ("pulse", 4): (1e-3, 3e-4),
}
SEARCHED = 3  # how many of them where an optimum is only searched, for their time
TOLERANCE = 1e-2
# Atoms, and the tiny decays of the pulse wave one sample ahead, where training with a proof takes
# minutes: a search to this tolerance, whose network is then certified as it is, gap and all.
QUICK_TOLERANCE = 3e-2
NETWORK, OF_ATOMS, ATOMS = "network", "network, 3 atoms", 3
CLASSICS = ("linear", "kernel ridge", "SVM", "boosting", "neighbours")
GROWN = ("linear", "kernel ridge", "neighbours")  # the others' grids are fixed, for their time


def run(signal, horizon, window, fold, method, records=None):
    """Train, choose and test one method."""
    three = [
        signals.windows(part, window, horizon) for part in signals.parts(signal, fold, records)
    ]
    began = time.process_time()
    if method in (NETWORK, OF_ATOMS):
        seen = atoms(*three[0]) if method == OF_ATOMS else datasets.with_bias
        decays = shares(signal, horizon, window, method)
        quick = method == OF_ATOMS or (signal, horizon) == ("pulse", 1)
        predict, facts = network(*three[:2], decays, seen, quick)
        if not grows(signal, horizon, method):
            facts |= {"choice": None, "end": None}
    elif grows(signal, horizon, method):
        best, made = classics.tuned(
            *classics.regressors(window)[method],
            three[0],
            lambda model: signals.error(model.predict(three[1][0]), three[1][1]),
        )
        predict, facts = best.predict, made.facts
    else:
        candidates = classics.on_fixed_grids(window)[method]
        best, chosen = classics.chosen(candidates, *three[:2], signals.error)
        predict, facts = best.predict, {"validation_error": chosen}
    facts["processor_seconds"] = float(f"{time.process_time() - began:.4g}")
    X, y = three[2]
    return {"test_error": signals.error(predict(X), y)} | facts


def grows(signal, horizon, method):
    """Whether a method chooses from grids that grow."""
    return method in GROWN or (method == NETWORK and (signal, horizon) in GROWN_SHARES)


def shares(signal, horizon, window, method):
    """The ladder of weight decays in units of the largest one; all of it, where it cannot grow."""
    if grows(signal, horizon, method):
        return GROWN_SHARES[signal, horizon]
    if method == OF_ATOMS:
        return choice.Ladder(SHARES_OF_ATOMS[signal, horizon])
    tried = SHARES[signal, horizon]
    return choice.Ladder(tried if window <= PROVEN else tried[:SEARCHED])


def atoms(X, y):
    """What maps windows (n, length) to their atoms and a bias (n, ATOMS + 1); fitted to X and y."""
    centre = X.mean(axis=0)
    line = np.linalg.lstsq(X - centre, y - y.mean(), rcond=None)[0]
    components = np.linalg.svd(X - centre, full_matrices=False)[2][: ATOMS - 1]
    basis = np.column_stack([line, components.T])
    basis /= (X @ basis).std(axis=0)
    return lambda Z: datasets.with_bias((Z - centre) @ basis)


def network(train, validation, decays, inputs, quick):
    """The network of the weight decay that validation chooses; proven where that is in reach."""
    A, y = inputs(train[0]), train[1]
    seen = inputs(validation[0])

    def error(network):
        return signals.error(network(seen), validation[1])

    # About `beta_max`, by search: a proof to its last digits takes minutes in four dimensions.
    most = Ascent(A)(y).value
    tolerance = QUICK_TOLERANCE if quick else TOLERANCE
    problem, searched, made = choice.weight_decay(
        hc.TrainingProblem(A, y, 1.0), most, tolerance, error, decays
    )
    found = searched.network
    if quick:
        known = hc.certify(found, problem, rounds=0)
    elif A.shape[1] <= PROVEN + 1:
        known = hc.train(problem, tol=TOLERANCE)
        found = known.network
    else:
        known = searched
    return lambda X: found(inputs(X)), made.facts | {
        "validation_error": error(found),
        "share": made.values["share"],
        "objective": known.objective,
        "lower_bound": known.lower_bound,
        "scope": known.scope,
        "neurons": len(found),
    }


def points():
    """All runs of the sweep."""
    rows = []
    for signal in SIGNALS:
        for horizon in HORIZONS:
            for window in WINDOWS:
                ways = (*CLASSICS, NETWORK if window <= PROVEN else OF_ATOMS)
                rows += [
                    (signal, horizon, window, k, m) for m in ways for k in range(signals.FOLDS)
                ]
    ways = (*CLASSICS, NETWORK)
    for window in (2, 9):
        rows += [("sunspots", horizon, window, 0, m) for horizon in (1, 2) for m in ways]
    names = ("signal", "horizon", "window", "fold", "method")
    return [dict(zip(names, row, strict=True)) for row in rows]


def main():
    options = command.options(__doc__, PATH)
    options.add_argument("--records", help="folder with a local copy of 100; default: PhysioNet")
    given = options.parse_args()

    def call(**point):
        return run(**point, records=given.records)

    return command.complete(call, points(), given)


if __name__ == "__main__":
    raise SystemExit(main())
