"""What a dual oracle returns, and what it has to know about rows that were moved."""

from dataclasses import dataclass

import numpy as np

from hidden_convexity.foundations.compensated import carry
from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.double_precision import EPS, TINY
from hidden_convexity.foundations.validation import real_array
from hidden_convexity.problem.gap import ContradictedProof

# Entries of the largest temporary block, 0.8 MB of float64: it stays in the cache.
BLOCK = 100_000


@dataclass(frozen=True, repr=False)
class DualMaximum:
    """The maximum of |nu.(Xu)_+| over the unit ball, as far as an oracle found and proved it.

    Attributes
    ----------
    value : float
        Largest |nu.(Xu)_+| found, evaluated at `directions[0]`; 0 if there is no direction.
    bound : float
        Proven upper bound of the maximum, at least `value`: it includes the oracle's `allowance`
        for rounding. Infinity if nothing was proven.
    directions : (k, d) ndarray
        Unit rows, local maximisers by decreasing |value|.
    values : (k,) ndarray
        Signed nu.(Xu)_+ at the directions, up to rounding.
    cells : int
        Cones that branch and bound had to bound for the proof; 0 for the other oracles.

    Raises
    ------
    ContradictedProof
        If the bound is below the value: an error of the oracle.
    """

    value: float
    bound: float
    directions: np.ndarray
    values: np.ndarray
    cells: int = 0

    def __post_init__(self):
        if not self.bound >= self.value:
            raise ContradictedProof(
                f"M(nu) <= {self.bound!r} was proven, but |nu.(Xu)_+| = {self.value!r} is attained",
                "the X and the nu that the oracle was given",
            )

    @classmethod
    def proven(cls, X, nu, bound, directions, values, cells=0):
        """The maximum with its value evaluated, for a bound that includes the allowance.

        The value is a sum of n products and has a rounding error of its own, so a bound may be
        below it by that, and is then raised to it; one that is further below is contradicted.
        """
        value, rounding = attained(X, nu, directions[:1])
        if value - rounding <= bound < value:
            bound = value
        return cls(value, float(bound), directions, values, cells)

    def __repr__(self):
        return (
            f"DualMaximum(value={self.value:.6g}, bound={self.bound:.6g}, "
            f"{len(self.values)} directions)"
        )


class Remainders:
    """What the rows were moved by before a bound was computed, charged to it.

    Moving x_i by a distance changes |sum nu_i (x_i.u)_+| on the unit ball by at most |nu_i| times
    that distance; of several outputs nu_i is a vector, and |nu_i| its norm.

    Parameters
    ----------
    X : (n, r) ndarray
        The rows that the oracle was given.
    dropped : (n,) array_like or None
        How far they are from the data; see `Coordinates`.
    moved : (n,) ndarray
        How far the oracle moves them itself.
    """

    def __init__(self, X, dropped, moved):
        if dropped is not None:
            dropped = real_array(dropped, "dropped", ndim=1)
            if len(dropped) != len(X) or dropped.min(initial=0.0) < 0:
                raise ValueError(
                    f"dropped must hold one distance >= 0 per row of X: {len(X)}, got shape "
                    f"{dropped.shape}"
                )
            moved = moved + dropped
        self._rows = np.flatnonzero(moved)
        self._distances = moved[self._rows]

    def charge(self, nu):
        """sum |nu_i| distance_i, from above."""
        n = len(self._rows)
        return (1 + (n + 1) * EPS) * float(np.abs(nu[self._rows]) @ self._distances)


def dual_point(nu, X):
    """Return nu as a float vector (n,) that pairs with the rows of X, or say what is wrong."""
    nu = real_array(nu, "nu", ndim=1)
    if len(nu) != len(X):
        raise ValueError(f"nu must have one entry per row of X: {len(X)}, got {len(nu)}")
    return nu


def dual_matrix(N, X):
    """Return N as a float matrix (n, c) that pairs with the rows of X, or say what is wrong."""
    N = real_array(N, "N", ndim=2)
    if len(N) != len(X) or N.shape[1] == 0:
        raise ValueError(
            f"N must be ({len(X)}, c), a row per row of X and a column per output; got {N.shape}"
        )
    return N


@njit(cache=True, nogil=True)
def height(X, nu, u):
    """nu.(Xu)_+ at one direction by a compensated sum, and sum |nu_i| sum_k |x_ik u_k|."""
    total = lost = size = 0.0
    for i in range(X.shape[0]):
        product = length = 0.0
        for k in range(X.shape[1]):
            part = X[i, k] * u[k]
            product += part
            length += abs(part)
        size += abs(nu[i]) * length
        total, lost = carry(total, lost, nu[i] * max(product, 0.0))
    return total + lost, size


def attained(X, nu, directions):
    """|nu.(Xu)_+| at a direction (1, d), or 0 for none (0, d), and how far rounding may put it off.

    Products of d terms, times nu, and a length of u that is 1 to a few eps. Of nu (n, c) it is
    ||nu'(Xu)_+||, a root of c squares. A product may vanish.
    """
    if len(directions) == 0:
        return 0.0, 0.0
    columns = np.ascontiguousarray(nu.reshape(len(nu), -1).T)
    found = np.array([height(X, column, directions[0]) for column in columns])
    value, size = np.hypot.reduce(found, axis=0).tolist()
    relative = (X.shape[1] + 6 + 2 * (len(columns) - 1)) * EPS
    return value, (relative + (len(X) * EPS) ** 2) * size + X.size * len(columns) * TINY


def heights(X, nu, directions):
    """nu.(Xu)_+ for each direction u (k, d), a block of samples at a time: (k,)."""
    total = np.zeros(len(directions))
    step = max(BLOCK // max(len(directions), 1), 1)
    for start in range(0, len(X), step):
        block = slice(start, start + step)
        total += nu[block] @ np.maximum(X[block] @ directions.T, 0.0)
    return total
