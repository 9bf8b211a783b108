"""What a dual oracle returns."""

from dataclasses import dataclass

import numpy as np


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
