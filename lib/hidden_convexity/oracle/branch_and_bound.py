"""The proving dual oracle for few dimensions: its number of cells does not grow with n.

The faces of a cube, cut into boxes, cover the sphere. On the cone of each, a relaxation bounds
h(u) = nu.(Xu)_+ and -h; boxes that may still beat the best direction found by more than the
tolerance are halved. See `majorant` and `least_distance` for the bound, `boxes` for the tree,
`search` for one exploration of it and `stacks` for its open cells.
"""

import numpy as np

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.validation import positive_number, whole_number
from hidden_convexity.oracle.ascent import Ascent
from hidden_convexity.oracle.box_oracle import FINEST, PATH_ROUNDING, BoxOracle
from hidden_convexity.oracle.maximum import DualMaximum, dual_point
from hidden_convexity.oracle.search import Search


class BranchAndBound(BoxOracle):
    """Bound the maximum of |nu.(Xu)_+| over ||u|| <= 1 from both sides, to a tolerance.

    Parameters
    ----------
    X : (n, d) array_like
        Data of rank at most 12 (in practice about 8), one sample a row; zero, repeated, opposite
        and dependent rows are welcome.
    random_starts : int
        Random starts of the ascents that precede the proof.
    rng : int, Generator or None
        Seed of the starts.
    max_cells : int
        Budget of each call. The 2 rank first cells, faces of the cube, are always bounded.
    max_seconds : float
        Budget of each call, looked at between pieces of work of up to a second.
    max_memory : float
        Bytes of open cells above which the tree is explored depth first only.
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

    def __init__(self, X, random_starts=32, rng=0, **options):
        super().__init__(X, **options)
        self.ascent = Ascent(self.X, random_starts, rng)
        self.climb = self.ascent.from_given()

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
            A value above it, and above all that the first ascents reach, ends the call: whoever
            asks has no use for a sharp bound then. It is at most half as large again.

        Returns
        -------
        DualMaximum
        """
        nu = dual_point(nu, self.X)
        found = self.ascent(nu, level=level, starts=self.with_axes(starts))
        scale = float(np.abs(nu) @ self.sizes)
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
        return self.rounding(nu) + self.moved.charge(nu)

    def rounding(self, nu):
        """The part of the `allowance` that is not for moved rows."""
        sums = (len(nu) + PATH_ROUNDING * self.rank) * np.sqrt(self.rank) * EPS
        return sums * float(np.abs(nu) @ self.sizes)

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
        scale = float(np.abs(nu) @ self.sizes)
        return Search(self, nu, scale, max(tolerance, FINEST), 0.0, found).cover(max_cells)
