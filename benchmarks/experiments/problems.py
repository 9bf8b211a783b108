"""Real data as training problems: earlier samples to train on, later ones to test on."""

import numpy as np

import hidden_convexity as hc
from hidden_convexity.companion import datasets

# Share of beta_max for both time series: fixed, not validated, as runs are compared on one problem.
DECAY_SHARE = 0.01
# Digits are tested on in turn, each in one fold. Of the 1,437 and more outside of a fold so many
# are trained on and so many are for choices; the rest is not used.
FOLDS, DIGITS_TRAINED, DIGITS_VALIDATED = 5, 600, 400


def sunspots():
    """Yearly sunspot numbers, 1700 to 2008, as statsmodels ships them (SIDC Brussels)."""
    from statsmodels.datasets import sunspots

    return sunspots.load_pandas().data.SUNACTIVITY.to_numpy(dtype=float)


SERIES = {
    "sunspots": (sunspots, 2, 2),
    "ecg": (lambda: datasets.ecg().values, 3, 4),
}


def series(values, order, horizon, fraction=0.7):
    """Windows of a series in one common scale, with a bias: A, A_test, y, y_test."""
    X, y = datasets.windows(values, order, horizon)
    X, X_test, y, y_test = datasets.split_in_time(X, y, fraction)
    centre, scale = X.mean(), X.std()
    X, X_test, y, y_test = ((part - centre) / scale for part in (X, X_test, y, y_test))
    return datasets.with_bias(X), datasets.with_bias(X_test), y, y_test


def regression(name, share=DECAY_SHARE):
    """The training problem of a series, and its test part."""
    values, order, horizon = SERIES[name]
    A, A_test, y, y_test = series(values(), order, horizon)
    return hc.TrainingProblem(A, y, share * hc.beta_max(A, y)), A_test, y_test


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
