"""Real data as training problems: earlier samples to train on, later ones to test on."""

import numpy as np

import hidden_convexity as hc
from hidden_convexity.companion import datasets

# Share of beta_max that validation chooses in notebook 10, for both time series.
DECAY_SHARE = 0.01
# Digits to train on and to choose with; the other 797 are for the test.
DIGITS_TRAINED, DIGITS_VALIDATED = 600, 400


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


def digits():
    """The 8 x 8 digits of scikit-learn (UCI): (A, labels) to train, to validate, to test."""
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    cuts = np.cumsum([DIGITS_TRAINED, DIGITS_VALIDATED])
    A, labels = datasets.with_bias(X[order] / 16), labels[order]
    return list(zip(np.split(A, cuts), np.split(labels, cuts), strict=True))
