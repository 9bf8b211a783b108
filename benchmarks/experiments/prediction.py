"""Predict real signals by networks and by classics: `python -m benchmarks.experiments.prediction`.

Each row is one method on one fold of one signal, at one window length and one horizon. Everything
that a method chooses, weight decay too, is chosen on the validation part; `test_error` is on the
test part, in units of its variance. `signals.py` says which stretches these are. Those of
`GROWN` choose from grids that grow where the best lies at their end (`choice.py`), and have
`choice` and `end`. The others, for their time, choose from fixed ones.

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
from benchmarks.experiments import classics, command, signals
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent

PATH = Path(__file__).with_name("prediction.csv")
SIGNALS = ("ecg", "pulse")
HORIZONS = (1, 4)
WINDOWS, PROVEN = (3, 8, 32), 3
# Weight decays of each task, of the largest one. What is nearly linear to predict wants tiny ones.
SHARES = {
    ("ecg", 1): (0.01, 3e-3, 1e-3, 3e-4, 1e-4),
    ("ecg", 4): (0.1, 0.03, 0.01, 3e-3, 1e-3),
    ("pulse", 1): (1e-3, 1e-4, 3e-5, 1e-5),
    ("pulse", 4): (0.01, 3e-3, 1e-3, 3e-4, 1e-4),
    ("sunspots", 1): (0.1, 0.03, 0.01, 3e-3, 1e-3),
    ("sunspots", 2): (0.1, 0.03, 0.01, 3e-3, 1e-3),
}
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
GROWN = ("linear", "kernel ridge", "neighbours")
CLASSICS = ("linear", "kernel ridge", "SVM", "boosting", "neighbours")


def run(signal, horizon, window, fold, method, records=None):
    """Train, choose and test one method."""
    three = [
        signals.windows(part, window, horizon) for part in signals.parts(signal, fold, records)
    ]
    began = time.process_time()
    if method in (NETWORK, OF_ATOMS):
        seen = atoms(*three[0]) if method == OF_ATOMS else datasets.with_bias
        quick = method == OF_ATOMS or (signal, horizon) == ("pulse", 1)
        decays = shares(signal, horizon, window, method)
        predict, facts = network(*three[:2], decays, seen, quick)
    elif method in GROWN:
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


def shares(signal, horizon, window, method):
    """The weight decays that validation chooses from, in units of the largest one."""
    if method == OF_ATOMS:
        return SHARES_OF_ATOMS[signal, horizon]
    tried = SHARES[signal, horizon]
    return tried if window <= PROVEN else tried[:SEARCHED]


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
    problem = hc.TrainingProblem(A, y, 1.0)
    # About `beta_max`, by search: a proof to its last digits takes minutes in four dimensions.
    most = Ascent(A)(y).value
    betas = [share * most for share in decays]
    tolerance = QUICK_TOLERANCE if quick else TOLERANCE
    path = hc.train_path(problem, betas, tol=tolerance, proof=False)
    seen = inputs(validation[0])
    errors = [signals.error(one.network(seen), validation[1]) for one in path]
    best = min(range(len(path)), key=errors.__getitem__)
    chosen, found = hc.TrainingProblem(A, y, betas[best]), path[best].network
    if quick:
        known = hc.certify(found, chosen, rounds=0)
    elif A.shape[1] <= PROVEN + 1:
        known = hc.train(chosen, tol=TOLERANCE)
        found = known.network
    else:
        known = path[best]
    return lambda X: found(inputs(X)), {
        "validation_error": signals.error(found(seen), validation[1]),
        "share": decays[best],
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
