"""Classifiers of images, and the ladders (`choice.py`) that validation chooses from.

What is fitted to A (n, d) and labels (n,) takes a list of points {name: value} and returns, for
each, what predicts labels, and facts to be stored with it.
"""

from functools import partial

import numpy as np
from scipy.linalg import solve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from benchmarks.experiments.choice import TENS, Ladder, decades
from benchmarks.experiments.classics import forests
from benchmarks.outputs import one_hot
from hidden_convexity.solvers.fixed_gates.gated import gated_beta_max, train_gated_path

# For grey values from 0 to 1, which are not to be scaled, on some hundred digits. A gamma is in
# units of one over the number of pixels. One neighbour is the fewest, and two leaves are.
LADDERS = {
    "logistic": {"C": Ladder(decades(-4, 6, TENS), low=0.1, high=1e3)},
    "SVM": {
        "C": Ladder(decades(-3, 5, TENS), low=0.1, high=100.0),
        "gamma": Ladder(decades(-3, 4), low=1.0, high=100.0),
    },
    "kernel ridge": {
        "alpha": Ladder(decades(-9, 3, TENS), low=1e-3, high=1.0),
        "gamma": Ladder(decades(-3, 4), low=1.0, high=100.0),
    },
    "boosting": {
        "leaves": Ladder((2, 4, 8, 16, 32), low=4, high=16, natural=(2,)),
        "rounds": Ladder((15, 30, 60, 120, 240, 480), low=30, high=120),
    },
    "neighbours": {"count": Ladder((1, 2, 4, 8, 16, 32), low=1, high=16, natural=(1,))},
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
        self.seen = A
        self.weights = solve(kernel, one_hot(labels), assume_a="pos", overwrite_a=True)
        return self

    def predict(self, A):
        return (gaussian(A, self.seen, self.gamma) @ self.weights).argmax(axis=1)


def gaussian(A, B, gamma):
    """Gaussian kernel of rows, whose distances are in single precision."""
    A, B = (np.asarray(part, dtype=np.float32) for part in (A, B))
    squares = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2 * A @ B.T
    return np.exp(-gamma * np.maximum(squares, 0)).astype(float)


def classic(method, A, labels):
    """A classifier that is no network, fitted."""
    d = A.shape[1]
    make = {
        "logistic": lambda C: LogisticRegression(C=C, max_iter=2_000),
        "SVM": lambda C, gamma: SVC(C=C, kernel=partial(gaussian, gamma=gamma / d)),
        "kernel ridge": lambda alpha, gamma: GaussianRidge(alpha, gamma / d),
        "boosting": forests(HistGradientBoostingClassifier, learning_rate=RATE, max_bins=LEVELS),
        "neighbours": lambda count: KNeighborsClassifier(count),
    }[method]
    return lambda points: [(make(**point).fit(A, labels).predict, {}) for point in points]


def gated(A, labels, gates, tol):
    """Gated networks, fitted along a path; `share` is of the weight decay at which all are zero.

    Each is the start of the next one, also of those that are asked for later.
    """
    Y = one_hot(labels, dtype=A.dtype)
    most = gated_beta_max(A, Y, gates, "softmax")
    path = {}

    def fitted(points):
        shares = [point["share"] for point in points]
        nearest = min((one for one in path if one > max(shares)), default=None)
        decays = [share * most for share in shares]
        found = train_gated_path(
            A, Y, gates, decays, loss="softmax", tol=tol, start=path.get(nearest)
        )
        path.update(zip(shares, found, strict=True))
        return [(answers(one.predict), _facts(one)) for one in found]

    return fitted


def answers(outputs):
    """What predicts labels (n,), those of the largest outputs (n, c)."""
    return lambda A: outputs(A).argmax(axis=1)


def _facts(solution):
    return {
        "objective": solution.objective,
        "lower_bound": solution.lower_bound,
        "neurons": len(solution),
    }
