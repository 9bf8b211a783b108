"""Cases of several outputs: kinds of iris, ten classes of digits, and the proof of their bound."""

from dataclasses import dataclass

import numpy as np

from benchmarks.networks import Network

CLASSES = 10


def one_hot(labels, classes=CLASSES, dtype=float):
    """Labels (n,), ten digits unless told, as targets (n, classes)."""
    return np.eye(classes, dtype=dtype)[labels]


@dataclass(frozen=True)
class Outputs(Network):
    """A case whose neurons feed all of several outputs; iris and digits have softmax loss.

    Parameters
    ----------
    outputs : int
        Of random data; the others have as many as classes.
    """

    outputs: int = 3

    def _iris(self):
        """The last d - 1 measurements, in standard deviations, and a bias."""
        from sklearn.datasets import load_iris

        found = load_iris()
        order = np.random.default_rng(0).permutation(len(found.data))[: self.n]
        inputs = found.data[order, 1 - self.d :]
        inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
        return np.column_stack([inputs, np.ones(len(inputs))]), one_hot(found.target[order], 3)

    def _targets(self, labels):
        return one_hot(labels)

    def _plane(self):
        """Each output is a wave of a direction and a frequency of its own."""
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(self.n, self.d - 1))
        waves = rng.normal(size=(self.d - 1, self.outputs))
        y = np.sin(2 * inputs @ waves) + 0.1 * rng.normal(size=(self.n, self.outputs))
        return np.column_stack([inputs, np.ones(self.n)]), y


OURS = ("ours", "adam_pooled")


def _cells(d, n, c):
    """The proof alone, at the residual of a trained network."""
    name, programs = f"cells-d{d}-n{n}-c{c}", ("cells",)
    return Outputs(name, d, n, programs, tol=1e-3, outputs=c)


OUTPUTS = [
    *(Outputs(f"iris-d{d}", d, 150, OURS, 0.01, 1e-4, "iris", loss="softmax") for d in (3, 4)),
    Outputs("digits-ten", 4, 1_797, OURS, 0.1, 1e-3, "digits", 2, loss="softmax"),
    Outputs("outputs-d3-n10000", 3, 10_000, OURS, 0.05, 1e-4),
    *(_cells(3, n, c) for n in (100, 1_000, 10_000, 100_000) for c in (1, 3, 10, 30)),
    _cells(4, 10_000, 10),
]
