"""Classifiers of images that are not networks, each with the grid that validation chooses from."""

from functools import partial
from itertools import islice, product

import numpy as np
from scipy.linalg import solve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

# For grey values from 0 to 1, which are not to be scaled, on some hundred digits. A gamma is in
# units of one over the number of pixels. One neighbour is an end that no grid passes.
GRIDS = {
    "logistic": {"C": (1e-1, 1.0, 10.0, 100.0, 1e3)},
    "SVM": {"C": (1e-1, 1.0, 10.0, 100.0), "gamma": (1.0, 3.0, 10.0, 30.0, 100.0)},
    "kernel ridge": {
        "alpha": (1e-3, 1e-2, 1e-1, 1.0),
        "gamma": (1.0, 3.0, 10.0, 30.0, 100.0),
    },
    "boosting": {"leaves": (4, 8, 16), "rounds": (30, 60, 120)},
    "neighbours": {"count": (1, 2, 4, 8, 16)},
}
# Of trees: so many levels of grey are enough, and cost an eighth of the time of 255; half as many
# rounds are needed as at the default rate.
LEVELS, RATE = 32, 0.2


class GaussianRidge:
    """Kernel ridge regression of one-hot labels; it answers the class of the largest output."""

    def __init__(self, alpha, gamma):
        self.alpha, self.gamma = alpha, gamma

    def fit(self, A, labels):
        kernel = gaussian(A, A, self.gamma)
        kernel[np.diag_indices_from(kernel)] += self.alpha
        self.seen, one_hot = A, np.eye(labels.max() + 1)[labels]
        self.weights = solve(kernel, one_hot, assume_a="pos", overwrite_a=True)
        return self

    def predict(self, A):
        return (gaussian(A, self.seen, self.gamma) @ self.weights).argmax(axis=1)


def gaussian(A, B, gamma):
    """Gaussian kernel of rows, whose distances are in single precision."""
    A, B = (np.asarray(part, dtype=np.float32) for part in (A, B))
    squares = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2 * A @ B.T
    return np.exp(-gamma * np.maximum(squares, 0)).astype(float)


def fitted(method, grid, A, labels):
    """Candidates for `validated.choose`, fitted to A (n, d) and labels (n,), one after another."""
    d = A.shape[1]
    if method == "boosting":  # a forest has in it those of fewer rounds
        for leaves in grid["leaves"]:
            forest = HistGradientBoostingClassifier(
                learning_rate=RATE,
                max_iter=max(grid["rounds"]),
                max_leaf_nodes=leaves,
                max_bins=LEVELS,
                random_state=0,
            ).fit(A, labels)
            for rounds in grid["rounds"]:
                yield {"leaves": leaves, "rounds": rounds}, partial(_after, forest, rounds), {}
        return
    make = {
        "logistic": lambda C: LogisticRegression(C=C, max_iter=2_000),
        "SVM": lambda C, gamma: SVC(C=C, kernel=partial(gaussian, gamma=gamma / d)),
        "kernel ridge": lambda alpha, gamma: GaussianRidge(alpha, gamma / d),
        "neighbours": lambda count: KNeighborsClassifier(count),
    }[method]
    for values in product(*grid.values()):
        setting = dict(zip(grid, values, strict=True))
        yield setting, make(**setting).fit(A, labels).predict, {}


def _after(forest, rounds, A):
    return next(islice(forest.staged_predict(A), rounds - 1, None))
