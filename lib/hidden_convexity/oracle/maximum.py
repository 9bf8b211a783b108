"""What a dual oracle returns."""

from dataclasses import dataclass

import numpy as np

# Entries of the largest temporary block: 8 MB of float64.
BLOCK = 1_000_000


@dataclass(frozen=True, repr=False)
class DualMaximum:
    """The maximum of |nu.(Xu)_+| over the unit ball, as far as an oracle found and proved it.

    Attributes
    ----------
    value : float
        Largest |nu.(Xu)_+| found, attained at `directions[0]`; 0 if there is no direction.
    bound : float
        Proven upper bound of the maximum: `value` if exact, inf if nothing was proven.
    directions : (k, d) ndarray
        Unit rows, local maximisers by decreasing |value|.
    values : (k,) ndarray
        Signed nu.(Xu)_+ at the directions.
    cells : int
        Cones that branch and bound had to bound for the proof; 0 for the other oracles.
    """

    value: float
    bound: float
    directions: np.ndarray
    values: np.ndarray
    cells: int = 0

    def __repr__(self):
        return (
            f"DualMaximum(value={self.value:.6g}, bound={self.bound:.6g}, "
            f"{len(self.values)} directions)"
        )


def heights(X, nu, directions):
    """nu.(Xu)_+ for each direction u (k, d), a block of samples at a time: (k,)."""
    total = np.zeros(len(directions))
    step = max(BLOCK // max(len(directions), 1), 1)
    for start in range(0, len(X), step):
        block = slice(start, start + step)
        total += nu[block] @ np.maximum(X[block] @ directions.T, 0.0)
    return total
