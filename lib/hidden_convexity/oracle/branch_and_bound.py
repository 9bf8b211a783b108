"""The proving dual oracle for few dimensions: its number of cells does not grow with n.

The faces of a cube, cut into boxes, cover the sphere. On the cone of each, a relaxation bounds
h(u) = nu.(Xu)_+ and -h; boxes that may still beat the best direction found by more than the
tolerance are halved. See `majorant` and `least_distance` for the bound, `boxes` for the tree,
`search` for one exploration of it and `stacks` for its open cells.
"""

import numpy as np

from hidden_convexity.foundations.validation import flag, positive_number, whole_number
from hidden_convexity.geometry.hyperplanes import (
    distances_moved,
    distinct_lines,
    row_lengths,
    row_space,
    unit_rows,
)
from hidden_convexity.oracle.ascent import Ascent, unit_directions
from hidden_convexity.oracle.cluster import checked_client
from hidden_convexity.oracle.maximum import EPS, DualMaximum, Remainders, dual_point
from hidden_convexity.oracle.search import Search

# A cell has 2^(rank - 1) corners; the proof is out of reach long before their number is.
MAX_RANK = 12
# Rounding of a product of a row with a corner, in eps for each dimension. Halving a side of a cell
# rounds the product with its centre once, and all halvings of a side after the 53rd change it by
# less than that; a corner is a sum away for each side. Steps of a relaxation, a few for each cut
# and dimension, are in it.
PATH_ROUNDING = 256
# Tolerances below this would split the neighbourhood of a maximum down to rounding.
FINEST = 1e-9


class BranchAndBound:
    """Bound the maximum of |nu.(Xu)_+| over ||u|| <= 1 from both sides, to a tolerance.

    Parameters
    ----------
    X : (n, d) array_like
        Data of rank at most 12 (in practice about 8), one sample a row; zero, repeated, opposite
        and dependent rows are welcome.
    random_starts : int
        Random starts of the ascents that precede the proof.
    max_cells : int
        Budget of each call. The 2 rank first cells, faces of the cube, are always bounded.
    max_seconds : float
        Budget of each call, looked at between pieces of work of up to a second.
    max_memory : float
        Bytes of open cells above which the tree is explored depth first only.
    rng : int, Generator or None
        Seed of the starts.
    progress : bool
        Show how many cells a call has bounded, if it takes more than a second.
    dropped : (n,) array_like or None
        How far the rows were moved by who reduced them to X (see `Coordinates`), which the bound
        is to include; None if they are the data.
    client : distributed.Client or None
        A Dask cluster whose workers explore the cells; None: threads of this process.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real matrix, its rank is too high, a budget is not positive, or
        `dropped` does not go with X, or the client is no synchronous client.
    ImportError
        If there is a client and distributed is not installed.

    Notes
    -----
    O(n) memory. A call whose budget ends returns the bound reached, which is valid; so is that
    of `found`, the attribute of the KeyboardInterrupt that Ctrl-C raises in a call.

    Unless a budget ends, results are the same to the last bit on threads, however many, and on
    clusters of up to four cores. On larger ones more cells are explored between two meetings, so
    that a better direction may be heard of later: the proof may then be another, as sharp.

    References
    ----------
    Theory: cell-bound.
    """

    def __init__(
        self,
        X,
        random_starts=32,
        max_cells=100_000_000,
        max_seconds=60.0,
        max_memory=1e9,
        rng=0,
        progress=False,
        dropped=None,
        client=None,
    ):
        self.client = checked_client(client)
        self.ascent = Ascent(X, random_starts, rng)
        self.climb = Ascent(X, 0)
        self.X = self.ascent.X
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
        self._basis = self._principal_axes(basis)
        self._merge_lines(dropped)

    def _principal_axes(self, basis):
        """Columns (d, rank): axes along which the rows are uncorrelated, for cones that fit."""
        reduced = self.X @ basis
        size = np.abs(reduced).max(initial=0.0)
        return basis @ np.linalg.eigh((reduced / (size or 1.0)).T @ (reduced / (size or 1.0)))[1]

    def _merge_lines(self, dropped):
        """One hyperplane per line of rows, or its two sides would be relaxed separately.

        A row -c e is c e for this purpose: (-t)_+ = (t)_+ - t.
        """
        self._sizes = row_lengths(self.X)
        unit = unit_rows(self.X)
        self._nonzero = np.flatnonzero(self._sizes)
        unit = unit[self._nonzero]
        first, self._line, self._flipped = distinct_lines(unit)
        lines = unit[first]
        self._lines = lines @ self._basis
        moved = np.zeros(len(self.X))
        shift = np.where(self._flipped, -1.0, 1.0)[:, None] * unit - lines[self._line]
        apart = np.linalg.norm(shift, axis=1) + 4 * EPS
        apart += distances_moved(lines, self._basis, self._lines)[self._line]
        moved[self._nonzero] = self._sizes[self._nonzero] * apart
        self._moved = Remainders(self.X, dropped, moved)

    def _with_axes(self, starts):
        """The caller's starts and the centres of the first cells: all there is if rank is 1."""
        return np.concatenate([unit_directions(starts, self.X), self._basis.T, -self._basis.T])

    @property
    def lines(self):
        """Whose rows and budgets a `Search` keeps to: with several outputs they are another's."""
        return self

    def __repr__(self):
        n, d = self.X.shape
        return f"BranchAndBound(n={n}, d={d}, rank={self.rank})"

    def __call__(self, nu, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """The maximum of |nu.(Xu)_+| up to the tolerance, with the local maximisers met.

        Parameters
        ----------
        nu : (n,) array_like
            Dual point.
        tolerance : float
            The proof stops at bound <= (1 + tolerance) max(value, level).
        level : float
            A value that matters: whatever lies below it need not be told apart.
        starts : (k, d) array_like or None
            Directions to ascend from as well.
        stop : float
            A value above it, where ascents reach none, ends the call: whoever asks has no use for
            the bound then. It is what had been proven so far.

        Returns
        -------
        DualMaximum
        """
        nu = dual_point(nu, self.X)
        found = self.ascent(nu, level=level, starts=self._with_axes(starts))
        scale = float(np.abs(nu) @ self._sizes)
        if scale == 0.0:
            return DualMaximum(0.0, self.allowance(nu), found.directions, found.values)
        return Search(self, nu, scale, max(tolerance, FINEST), level, found, stop).run()

    def allowance(self, nu):
        """What the bound at nu (n,) includes for rounding, moved rows and `dropped`.

        In units of sum |nu_i| ||x_i||, at corners of length sqrt(rank) at most, of which a point of
        the unit ball is a sum with coefficients that add up to 1 at most: n eps for sums of at most
        n products, in whatever order they are added, and 256 eps for each dimension for the
        products themselves and the steps of the relaxation. Rows that were moved to a line, into
        the row space or by a basis that is orthonormal to rounding only add |nu_i| times the
        distance.
        """
        nu = dual_point(nu, self.X)
        return self.rounding(nu) + self._moved.charge(nu)

    def rounding(self, nu):
        """The part of the `allowance` that is not for moved rows."""
        sums = (len(nu) + PATH_ROUNDING * self.rank) * np.sqrt(self.rank) * EPS
        return sums * float(np.abs(nu) @ self._sizes)

    def cover(self, nu, tolerance, max_cells=100_000):
        """The cells of a proof that M(nu) <= (1 + tolerance) times the maximum found: a picture.

        They are those that a call closes when it is given its own maximum from the start, cut into
        (rank - 1)! simplicial cones each.

        Parameters
        ----------
        nu : (n,) array_like
            Dual point, not zero on all non-zero rows.
        tolerance : float
            Relative, > 0.
        max_cells : int
            Most simplicial cones to keep.

        Returns
        -------
        vertices : (c, rank, d) ndarray
            Unit vectors; the cones they span cover the row space of X and overlap on their faces
            only.
        bounds : (c,) ndarray
            Proven bounds of |nu.(Xu)_+| on the unit vectors of each cone.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of these kinds, X has rank below 2, or `max_cells` are too few.
        """
        tolerance = positive_number(tolerance, "tolerance")
        max_cells = whole_number(max_cells, "max_cells", minimum=1)
        found = self(nu, tolerance)
        if self.rank < 2 or found.bound == 0.0:
            raise ValueError(
                f"a cover needs X of rank at least 2 and nu not zero, got rank {self.rank} and "
                f"|nu.(Xu)_+| <= {found.bound:.3g}"
            )
        nu = dual_point(nu, self.X)
        scale = float(np.abs(nu) @ self._sizes)
        return Search(self, nu, scale, max(tolerance, FINEST), 0.0, found).cover(max_cells)
