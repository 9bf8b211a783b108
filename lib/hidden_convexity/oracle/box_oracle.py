"""What the oracles that prove by boxes share: rows by the lines they span, and budgets."""

import numpy as np

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.validation import (
    data_matrix,
    flag,
    positive_number,
    whole_number,
)
from hidden_convexity.geometry.hyperplanes import (
    distances_moved,
    distinct_lines,
    row_lengths,
    row_space,
    unit_rows,
)
from hidden_convexity.oracle.ascent import unit_directions
from hidden_convexity.oracle.cluster import checked_client
from hidden_convexity.oracle.maximum import Remainders

# A cell has 2^(rank - 1) corners; the proof is out of reach long before their number is.
MAX_RANK = 12
# Rounding of a product of a row with a corner, in eps for each dimension. Halving a side of a cell
# rounds the product with its centre once, and all halvings of a side after the 53rd change it by
# less than that; a corner is a sum away for each side. Steps of a relaxation, a few for each cut
# and dimension, are in it.
PATH_ROUNDING = 256
# Tolerances below this would split the neighbourhood of a maximum down to rounding.
FINEST = 1e-9


class BoxOracle:
    """Rows, with one hyperplane for each line of them, and budgets.

    The two sides of a hyperplane that rows share would be relaxed separately. A row -c e is c e
    for this purpose: (-t)_+ = (t)_+ - t.

    Parameters
    ----------
    X, max_cells, max_seconds, max_memory, progress, dropped, client
        As for `BranchAndBound`.

    Attributes
    ----------
    basis : (d, rank) ndarray
        Axes of the row space along which the rows are uncorrelated, for cones that fit.
    lines : (k, rank) ndarray
        A unit vector along each line, in these axes.
    sizes : (n,) ndarray
        Lengths of the rows.
    nonzero : (m,) ndarray of int
        Rows that are not zero.
    line, flipped : (m,) ndarray
        Which line each of them is on, and whether it points against its vector.
    moved : Remainders
        How far rows were moved to a line, into the row space, or before.
    """

    def __init__(
        self,
        X,
        max_cells=100_000_000,
        max_seconds=60.0,
        max_memory=1e9,
        progress=False,
        dropped=None,
        client=None,
    ):
        self.client = checked_client(client)
        self.X = data_matrix(X)
        self.max_cells = whole_number(max_cells, "max_cells", minimum=1)
        self.max_seconds = positive_number(max_seconds, "max_seconds")
        self.max_memory = positive_number(max_memory, "max_memory")
        self.progress = flag(progress, "progress")
        basis = row_space(self.X)
        self.rank = basis.shape[1]
        if self.rank > MAX_RANK:
            raise ValueError(
                f"X must have rank at most {MAX_RANK} for a proof, got {self.rank}; use Ascent(X) "
                "to search without proof"
            )
        reduced = self.X @ basis
        reduced = reduced / (np.abs(reduced).max(initial=0.0) or 1.0)
        self.basis = basis @ np.linalg.eigh(reduced.T @ reduced)[1]
        self._merge_lines(dropped)

    def _merge_lines(self, dropped):
        self.sizes = row_lengths(self.X)
        self.nonzero = np.flatnonzero(self.sizes)
        unit = unit_rows(self.X)[self.nonzero]
        first, self.line, self.flipped = distinct_lines(unit)
        lines = unit[first]
        self.lines = lines @ self.basis
        moved = np.zeros(len(self.X))
        shift = np.where(self.flipped, -1.0, 1.0)[:, None] * unit - lines[self.line]
        apart = np.linalg.norm(shift, axis=1) + 4 * EPS
        apart += distances_moved(lines, self.basis, self.lines)[self.line]
        moved[self.nonzero] = self.sizes[self.nonzero] * apart
        self.moved = Remainders(self.X, dropped, moved)

    def with_axes(self, starts):
        """The caller's starts and the centres of the first cells: all there is if rank is 1."""
        return np.concatenate([unit_directions(starts, self.X), self.basis.T, -self.basis.T])

    def __repr__(self):
        n, d = self.X.shape
        return f"{type(self).__name__}(n={n}, d={d}, rank={self.rank})"
