"""The hidden layer's data: every network of piecewise linear neurons is one over pooled rows.

A neuron's outputs are A phi(R u), with rows R (N, d), an average A (n, N) over the rows of each
sample, and phi(t) = (t)_+ - slope (-t)_+. So nu.(A phi(R u)) = c.(S u)_+ for the rows S = [R; -R]
and weights c = [A'nu; -slope A'nu]: what is proven of the ReLU on any rows holds for all of them.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True, eq=False)
class Pooling:
    """Rows, and how their activations make a sample's.

    Attributes
    ----------
    rows : (N, d) ndarray
        Data without patches, or the distinct non-zero patches; a zero one if there are no others.
    averages : (n, N) csr_array or None
        Weights of the rows in each sample; None for data without patches, where N = n.
    slope : float
        Of the activation below zero.
    """

    rows: np.ndarray
    averages: sparse.csr_array | None
    slope: float

    @classmethod
    def of(cls, X, slope):
        """Of samples X (n, d) or (n, K, d), in memory linear in the number of patches."""
        if X.ndim == 2:
            return cls(X, None, slope)
        n, patches, d = X.shape
        # Compared bytewise, so that only equal patches are one row; -0.0 + 0.0 is 0.0.
        flat = np.ascontiguousarray(X.reshape(-1, d)) + 0.0
        _, first, place = np.unique(
            flat.view(np.dtype((np.void, flat.itemsize * d))).ravel(),
            return_index=True,
            return_inverse=True,
        )
        rows = flat[first]
        counts = np.ones(len(flat))
        columns = place.reshape(-1)
        starts = np.arange(0, len(flat) + 1, patches)
        averages = sparse.csr_array((counts, columns, starts), shape=(n, len(rows)))
        averages.sum_duplicates()
        averages.data /= patches  # counts are exact: each weight is rounded once
        used = rows.any(axis=1)
        used[0] |= not used.any()  # one row at least
        return cls(rows[used], averages[:, used], slope)

    def pool(self, values):
        """A times values (N,) or (N, m)."""
        return values if self.averages is None else self.averages @ values

    def spread(self, nu):
        """A'nu (N,) for nu (n,)."""
        return nu if self.averages is None else self.averages.T @ nu

    @property
    def most_samples(self):
        """In how many samples a row is, at most."""
        if self.averages is None:
            return 1
        return int(np.bincount(self.averages.indices, minlength=1).max())

    def __repr__(self):
        samples = len(self.rows) if self.averages is None else self.averages.shape[0]
        return f"Pooling(n={samples}, rows={len(self.rows)}, slope={self.slope:g})"

    @property
    def signed_rows(self):
        """S, on which the dual constraint is that of ReLU neurons: R, or [R; -R] with a slope."""
        return self.rows if self.slope == 0 else np.concatenate([self.rows, -self.rows])

    def signed(self, nu):
        """c with nu.(A phi(R u)) = c.(S u)_+ for all u."""
        spread = self.spread(nu)
        return spread if self.slope == 0 else np.concatenate([spread, -self.slope * spread])


def activation(t, slope):
    """phi(t): t where t > 0, slope t elsewhere."""
    above = np.maximum(t, 0.0)
    return above if slope == 0 else above + slope * np.minimum(t, 0.0)


def pooled(values):
    """The average over patches of values (n, K, m), or values (n, m) as they are."""
    return values if values.ndim == 2 else values.mean(axis=1)
