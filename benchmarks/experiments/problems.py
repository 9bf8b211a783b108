"""Real data as training problems: earlier samples to train on, later ones to test on."""

import numpy as np

import hidden_convexity as hc
from benchmarks.experiments import signals
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent

# Past samples, and samples ahead.
SERIES = {"sunspots": (2, 2), "ecg": (3, 4)}
# Weight decays, in units of the largest one: one for all programs, as they are compared on one
# problem. That of the sunspots is fixed and not validated; that of the ECG is what the validation
# part chooses for the certified network (`prediction.py`, on this very problem).
SHARES = {"sunspots": 0.01, "ecg": 0.01}
# Of the ECG (`signals.py`).
FOLD = 0
# Digits are tested on in turn, each in one fold. Of the 1,437 and more outside of a fold so many
# are trained on and so many are for choices; the rest is not used.
FOLDS, DIGITS_TRAINED, DIGITS_VALIDATED = 5, 600, 400


def series(values, order, horizon, fraction=0.7):
    """Windows of a series in one common scale, with a bias: A, A_test, y, y_test."""
    X, y = datasets.windows(values, order, horizon)
    X, X_test, y, y_test = datasets.split_in_time(X, y, fraction)
    centre, scale = X.mean(), X.std()
    X, X_test, y, y_test = ((part - centre) / scale for part in (X, X_test, y, y_test))
    return datasets.with_bias(X), datasets.with_bias(X_test), y, y_test


def regression(name, records=None, share=None):
    """The training problem of a series, and its test part."""
    order, horizon = SERIES[name]
    if name == "ecg":
        first, _, last = signals.parts(name, FOLD, records)
        X, y = signals.windows(first, order, horizon)
        X_test, y_test = signals.windows(last, order, horizon)
        A, A_test = datasets.with_bias(X), datasets.with_bias(X_test)
    else:
        A, A_test, y, y_test = series(signals.sunspots(), order, horizon)
    # About `beta_max`, by search: a proof to its last digits takes minutes on the ECG.
    beta = (share or SHARES[name]) * Ascent(A)(y).value
    return hc.TrainingProblem(A, y, beta), A_test, y_test


def fold_of_digits(fold):
    """Indices of the 1,797 digits outside of a fold, from its end on and round, and of the fold."""
    parts = np.array_split(np.random.default_rng(0).permutation(1_797), FOLDS)
    return np.concatenate(parts[fold + 1 :] + parts[:fold]), parts[fold]


def digits(fold=0):
    """The 8 x 8 digits of scikit-learn (UCI): (A, labels) to train, to validate, to test."""
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    A, (others, test) = datasets.with_bias(X / 16), fold_of_digits(fold)
    chosen = others[:DIGITS_TRAINED], others[DIGITS_TRAINED:][:DIGITS_VALIDATED], test
    return [(A[part], labels[part]) for part in chosen]
