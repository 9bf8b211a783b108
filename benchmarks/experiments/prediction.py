"""Predict real signals by networks and by classics: `python -m benchmarks.experiments.prediction`.

Each row is one method on one fold of one signal, at one window length and one horizon. Everything
that a method chooses, weight decay too, is chosen on the validation part, from grids that grow
where the best lies at their end (`choice.py`): `choice` is what was chosen, `end` where that lies.
`test_error` is on the test part, in units of its variance. `signals.py` says which stretches these
are.

The network's optimum is certified where it has three inputs and a bias. It sees three samples, or
three atoms of a longer window: the linear prediction from all of it, fitted to the training part,
and the window's first two principal components there. Among five such bases (the others: cosines,
principal components alone, partial least squares, the latest samples) it was the best or nearly so
in most tasks, by kernel ridge regression on the validation parts of three folds. Of some longer
windows a network sees all samples: it is searched.

Adam minimises the objective of the network of three samples, at the same weight decay: of several
rates and seeds the network of least validation error is kept (`descent.py`), and `least_objective`
is the least of any.
"""

import time
from functools import cache
from pathlib import Path

import numpy as np

import hidden_convexity as hc
from benchmarks.experiments import choice, classics, command, descent, signals
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent

PATH = Path(__file__).with_name("prediction.csv")
SIGNALS = ("ecg", "pulse")
HORIZONS = (1, 4)
WINDOWS, PROVEN = (3, 8, 32), 3
# The smallest weight decay to begin with, of the largest one: its power of ten. A grid that begins
# narrow may stop in front of a hill of the validation error with a lower valley behind it. So all
# begin at 0.1 and go down past the valley of the fold looked at, to a neuron to every three samples
# or, on the pulse wave, which is nearly linear to predict and wants tiny ones, to where a further
# value takes seconds. They may grow by a decade, where it takes up to a minute.
SMALLEST = {
    ("ecg", 1): -4,
    ("ecg", 4): -3,
    ("pulse", 1): -5,
    ("pulse", 4): -4,
    ("sunspots", 1): -4,
    ("sunspots", 2): -4,
}
TOLERANCE = 1e-2
# Atoms, and the tiny decays of the pulse wave, where training with a proof takes minutes: a search
# to this tolerance, whose network is then certified as it is, gap and all.
QUICK_TOLERANCE = 3e-2
NETWORK, OF_ATOMS, ADAM, ATOMS = "network", "network, 3 atoms", "adam", 3
# A network of all samples of a longer window, without a proof. On the ECG its search takes a minute
# for eight samples; for 32 it took more than five.
SEARCHED, WHOLE = "network, searched", ("ecg", 8)
CLASSICS = ("linear", "kernel ridge", "SVM", "boosting", "neighbours")


def run(signal, horizon, window, fold, method, records=None):
    """Train, choose and test one method."""
    task = signal, horizon, window, fold, records
    train, validation, (X, y) = stretches(*task)
    began = time.process_time()
    if method in (NETWORK, OF_ATOMS, SEARCHED, ADAM):
        chosen, inputs = network(*task, NETWORK if method == ADAM else method)
        if method == ADAM:
            chosen = descent.beside(chosen)
        facts = chosen.facts

        def predict(X):
            return chosen.network(inputs(X))
    else:
        best, made = classics.tuned(
            *classics.regressors(window)[method],
            train,
            lambda model: signals.error(model.predict(validation[0]), validation[1]),
        )
        predict, facts = best.predict, made.facts
    spent = {"processor_seconds": float(f"{time.process_time() - began:.4g}")}
    return {"test_error": signals.error(predict(X), y)} | facts | spent


def stretches(signal, horizon, window, fold, records):
    """Windows and what follows them, of the three stretches of a fold."""
    parts = signals.parts(signal, fold, records, horizon)
    return [signals.windows(part, window, horizon) for part in parts]


def decays(signal, horizon):
    """The ladder of weight decays, in units of the largest one."""
    power = SMALLEST[signal, horizon]
    return choice.Ladder(choice.decades(power - 1, 0), low=float(f"1e{power}"), high=0.1)


def atoms(X, y):
    """What maps windows (n, length) to their atoms and a bias (n, ATOMS + 1); fitted to X and y."""
    centre = X.mean(axis=0)
    line = np.linalg.lstsq(X - centre, y - y.mean(), rcond=None)[0]
    components = np.linalg.svd(X - centre, full_matrices=False)[2][: ATOMS - 1]
    basis = np.column_stack([line, components.T])
    basis /= (X @ basis).std(axis=0)
    return lambda Z: datasets.with_bias((Z - centre) @ basis)


@cache
def network(signal, horizon, window, fold, records, method):
    """The network of the decay that validation chooses, proven where in reach, and its inputs."""
    train, validation, _ = stretches(signal, horizon, window, fold, records)
    inputs = atoms(*train) if method == OF_ATOMS else datasets.with_bias
    A, y = inputs(train[0]), train[1]
    seen = inputs(validation[0])
    tolerance, proof = TOLERANCE, choice.trained(TOLERANCE)
    if method == SEARCHED:
        tolerance = TOLERANCE if signal == "sunspots" else QUICK_TOLERANCE
        proof = choice.as_searched
    elif method == OF_ATOMS or signal == "pulse":
        tolerance, proof = QUICK_TOLERANCE, choice.as_it_is
    chosen = choice.network(
        hc.TrainingProblem(A, y, 1.0),
        # About `beta_max`, by search: a proof to its last digits takes minutes in four dimensions.
        Ascent(A)(y).value,
        tolerance,
        lambda network: signals.error(network(seen), validation[1]),
        proof,
        decays(signal, horizon),
    )
    return chosen, inputs


def points():
    """All runs of the sweep."""
    rows = []
    for signal in SIGNALS:
        for horizon in HORIZONS:
            for window in WINDOWS:
                ways = (*CLASSICS, *((NETWORK, ADAM) if window <= PROVEN else (OF_ATOMS,)))
                ways += (SEARCHED,) if (signal, window) == WHOLE else ()
                rows += [
                    (signal, horizon, window, k, m) for m in ways for k in range(signals.FOLDS)
                ]
    folds = range(signals.SUNSPOT_FOLDS)
    for window in (2, 9):
        ways = (*CLASSICS, *((NETWORK, ADAM) if window <= PROVEN else (SEARCHED,)))
        for horizon in (1, 2):
            rows += [("sunspots", horizon, window, k, m) for m in ways for k in folds]
    names = ("signal", "horizon", "window", "fold", "method")
    return [dict(zip(names, row, strict=True)) for row in rows]


def main():
    return command.complete(
        run, points(), command.options(__doc__, PATH, records=True).parse_args()
    )


if __name__ == "__main__":
    raise SystemExit(main())
