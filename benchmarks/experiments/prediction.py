"""Predict real signals by networks and by classics: `python -m benchmarks.experiments.prediction`.

Each row is one method on one fold of one signal, at one window length and one horizon. Everything
that a method chooses, weight decay too, is chosen on the validation part; `test_error` is on the
test part, in units of its variance. `signals.py` says which stretches these are.
"""

import time
from pathlib import Path

import hidden_convexity as hc
from benchmarks.experiments import classics, command, signals
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent

PATH = Path(__file__).with_name("prediction.csv")
SIGNALS = ("ecg", "pulse")
HORIZONS = (1, 4)
# The network's optimum is proven for windows of 3 samples (d = 4), searched for windows of 8.
WINDOWS, PROVEN = (3, 8, 32), 3
# Of the largest weight decay. What is nearly linear to predict wants the smaller ones.
ROUGH, SMOOTH = (0.1, 0.03, 0.01, 3e-3, 1e-3), (0.01, 3e-3, 1e-3, 3e-4, 1e-4)
SEARCHED = 3  # how many of them where an optimum is only searched, for their time
TOLERANCE = 1e-2
NETWORK = "network"
METHODS = ("linear", "kernel ridge", "SVM", "boosting", "neighbours", NETWORK)


def run(signal, horizon, window, fold, method, records=None):
    """Train, choose and test one method."""
    three = [
        signals.windows(part, window, horizon) for part in signals.parts(signal, fold, records)
    ]
    began = time.process_time()
    if method == NETWORK:
        predict, facts = network(*three[:2], shares(signal, horizon, window))
    else:
        best, chosen = classics.chosen(
            classics.regressors(window)[method], *three[:2], signals.error
        )
        predict, facts = best.predict, {"validation_error": chosen}
    facts["processor_seconds"] = float(f"{time.process_time() - began:.4g}")
    X, y = three[2]
    return {"test_error": signals.error(predict(X), y)} | facts


def shares(signal, horizon, window):
    """The weight decays that validation chooses from, in units of the largest one."""
    all_of_them = SMOOTH if signal == "pulse" or (signal, horizon) == ("ecg", 1) else ROUGH
    return all_of_them if window <= PROVEN else all_of_them[:SEARCHED]


def network(train, validation, decays):
    """The network of the weight decay that validation chooses; proven where that is in reach."""
    A, y = datasets.with_bias(train[0]), train[1]
    problem = hc.TrainingProblem(A, y, 1.0)
    # About `beta_max`, by search: a proof to its last digits takes minutes in four dimensions.
    most = Ascent(A)(y).value
    betas = [share * most for share in decays]
    path = hc.train_path(problem, betas, tol=TOLERANCE, proof=False)
    seen = datasets.with_bias(validation[0])
    errors = [signals.error(one.network(seen), validation[1]) for one in path]
    best = min(range(len(path)), key=errors.__getitem__)
    found = path[best]
    if A.shape[1] <= PROVEN + 1:
        found = hc.train(hc.TrainingProblem(A, y, betas[best]), tol=TOLERANCE)
    return lambda X: found.network(datasets.with_bias(X)), {
        "validation_error": signals.error(found.network(seen), validation[1]),
        "share": decays[best],
        "objective": found.objective,
        "lower_bound": found.lower_bound,
        "scope": found.scope,
        "neurons": len(found.network),
    }


def points():
    """All runs of the sweep; networks on 8 samples at the longer horizon only, for their time."""
    rows = []
    for signal in SIGNALS:
        for horizon in HORIZONS:
            for window in WINDOWS:
                for method in METHODS:
                    if method == NETWORK and (window == 32 or (window, horizon) == (8, 1)):
                        continue
                    rows += [(signal, horizon, window, k, method) for k in range(signals.FOLDS)]
    for window in (2, 9):
        rows += [("sunspots", horizon, window, 0, m) for horizon in (1, 2) for m in METHODS]
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
