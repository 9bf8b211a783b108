"""Reconstruct the leads of an ECG from lead II: `python -m benchmarks.experiments.leads`.

The record is s0010_re of the PTB Diagnostic ECG Database, read from PhysioNet with wfdb, or with
`--record FOLDER/s0010_re` from a local copy. Only errors are stored, nothing of the record.

Each row is one lead and one method: the error on the second half of the record, in units of the
lead's variance there, after fitting on the first half.
"""

from pathlib import Path

import numpy as np
from scipy.signal import butter, decimate, sosfiltfilt

import hidden_convexity as hc
from benchmarks.experiments import classics, command
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent
from hidden_convexity.solvers.descent import adam

PATH = Path(__file__).with_name("leads.csv")
NAME, DATABASE = "s0010_re", "ptbdb/1.0.0/patient001"
SEEN, HIDDEN = "ii", ("i", "v1", "v2", "v3", "v4", "v5", "v6")
# 1,000 Hz is more than the shapes need; wander of the baseline below 0.5 Hz is breathing.
DECIMATION, WANDER = 16, 0.5
# Samples of the seen lead around the moment, and their distance in samples of 16 ms.
TAPS, WIDE_TAPS, DISTANCE = 3, 21, 2
SHARES, TOLERANCE = (0.1, 0.03, 0.01, 3e-3, 1e-3), 1e-2
# Of the classics, those of `classics.py`, with the network's window and with the wide one.
CLASSICS = ("kernel ridge", "boosting", "neighbours")
METHODS = ("linear", "lasso", "convex", "adam", *CLASSICS, *(f"{one}, wide" for one in CLASSICS))
NEURONS, SEEDS, STEPS, RATES = 50, 3, 2_000, (0.01, 0.03)


def load(record, database):
    """The leads without wander, at 62.5 Hz: seen (n,), hidden {name: (n,)}."""
    leads = datasets.load_ecg(record, pn_dir=database, channel=[SEEN, *HIDDEN])
    values = decimate(leads.values, DECIMATION, axis=0)
    steep = butter(2, WANDER, "highpass", fs=leads.rate / DECIMATION, output="sos")
    values = sosfiltfilt(steep, values, axis=0)
    return values[:, 0], dict(zip(HIDDEN, values[:, 1:].T, strict=True))


def windows(signal, taps):
    """Samples around each moment that has all of WIDE_TAPS: one row a moment, with a bias."""
    margin = (WIDE_TAPS // 2) * DISTANCE
    moments = np.arange(margin, len(signal) - margin)
    offsets = DISTANCE * (np.arange(taps) - taps // 2)
    return datasets.with_bias(signal[moments[:, None] + offsets]), moments


def reconstruct(lead, method, record, database):
    """Fit on the first half, judge on the second."""
    seen, hidden = load(record, database)
    wide = method == "lasso" or method.endswith(", wide")
    A, moments = windows(seen, WIDE_TAPS if wide else TAPS)
    y = hidden[lead][moments]
    half = len(y) // 2
    # Units of the first half's spread: seen lead and target.
    A[:, :-1] /= A[:half, :-1].std()
    y = (y - y[:half].mean()) / y[:half].std()
    parts = A[:half], y[:half], A[half:], y[half:]
    kind = method.removesuffix(", wide")
    return classic(kind, *parts) if kind in CLASSICS else METHOD[method](*parts)


def error(predicted, y):
    return float(np.mean((predicted - y) ** 2) / np.var(y))


def linear(A, y, A_test, y_test):
    weights = np.linalg.lstsq(A, y, rcond=None)[0]
    return {"test_error": error(A_test @ weights, y_test)}


def lasso(A, y, A_test, y_test):
    from sklearn.linear_model import LassoCV

    fitted = LassoCV(cv=5).fit(A[:, :-1], y)
    return {"test_error": error(fitted.predict(A_test[:, :-1]), y_test)}


def classic(kind, A, y, A_test, y_test):
    """Chosen on the last quarter of the samples and fitted to all, as the networks are."""
    part, X = round(0.75 * len(y)), A[:, :-1]
    candidates = classics.regressors(X.shape[1])[kind]
    stretches = (X[:part], y[:part]), (X[part:], y[part:])
    best, _ = classics.chosen(candidates, *stretches, error)
    best.fit(X, y)
    return {"test_error": error(best.predict(A_test[:, :-1]), y_test)}


def decay(A, y):
    """The share of the largest weight decay that is best on the last quarter of the samples."""
    part = round(0.75 * len(y))
    problem = hc.TrainingProblem(A[:part], y[:part], 1.0)
    betas = largest_decay(A[:part], y[:part]) * np.array(SHARES)
    path = hc.train_path(problem, betas, tol=1e-2, proof=False)
    return SHARES[int(np.argmin([error(one.network(A[part:]), y[part:]) for one in path]))]


def largest_decay(A, y):
    """About `beta_max`, by search: a proof to its last digits takes minutes in four dimensions."""
    return Ascent(A)(y).value


def convex(A, y, A_test, y_test):
    share = decay(A, y)
    solution = hc.train(hc.TrainingProblem(A, y, share * largest_decay(A, y)), tol=TOLERANCE)
    return {
        "test_error": error(solution.network(A_test), y_test),
        "share": share,
        "objective": solution.objective,
        "lower_bound": solution.lower_bound,
        "scope": solution.scope,
        "neurons": len(solution.network),
    }


def descent(A, y, A_test, y_test):
    share = decay(A, y)
    problem = hc.TrainingProblem(A, y, share * largest_decay(A, y))
    runs = [one for rate in RATES for one in adam(problem, NEURONS, range(SEEDS), STEPS, rate)]
    best = min(runs, key=lambda one: one.objective)
    return {
        "test_error": error(best.network(A_test), y_test),
        "share": share,
        "objective": best.objective,
        "neurons": NEURONS,
    }


METHOD = {"linear": linear, "lasso": lasso, "convex": convex, "adam": descent}


def main():
    options = command.options(__doc__, PATH)
    options.add_argument("--record", help="a local copy, without extension; default: PhysioNet")
    given = options.parse_args()
    record, database = given.record or NAME, None if given.record else DATABASE

    def run(lead, method):
        return reconstruct(lead, method, record, database)

    return command.complete(run, {"lead": HIDDEN, "method": METHODS}, given)


if __name__ == "__main__":
    raise SystemExit(main())
