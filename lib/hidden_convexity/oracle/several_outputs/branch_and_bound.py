"""The proving oracle for several outputs: cells whose number grows neither with n nor with c."""

import numpy as np

from hidden_convexity.foundations.blas import one_blas_thread
from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.oracle.branch_and_bound import FINEST, PATH_ROUNDING, BranchAndBound
from hidden_convexity.oracle.maximum import EPS, DualMaximum, dual_matrix
from hidden_convexity.oracle.several_outputs.ascent import VectorAscent
from hidden_convexity.oracle.several_outputs.search import VectorSearch

# Budget of a call: a minute was seen to end before the proof for ten classes of images did.
SECONDS = 600.0


class VectorBranchAndBound:
    """Bound the maximum of ||N'(Xu)_+|| over ||u|| <= 1 from both sides, to a tolerance.

    Parameters
    ----------
    X : (n, d) array_like
        Data of rank at most 12 (in practice about 5), one sample a row; zero, repeated, opposite
        and dependent rows are welcome.
    random_starts : int
        Random starts of the ascents that precede the proof.
    **options
        As for `BranchAndBound`, which prepares the rows: `max_cells`, `max_seconds`, `rng`,
        `progress`, `dropped` and `client`. The default budget is ten minutes.

    Raises
    ------
    TypeError, ValueError
        As `BranchAndBound`.

    Notes
    -----
    A call whose budget ends returns the bound reached, which is valid.

    References
    ----------
    Theory: cell-bound-outputs.
    """

    def __init__(self, X, random_starts=64, **options):
        self.lines = BranchAndBound(X, random_starts=0, **{"max_seconds": SECONDS} | options)
        self.X, self.rank = self.lines.X, self.lines.rank
        self.ascent = VectorAscent(self.X, random_starts, options.get("rng", 0))
        self.climb = VectorAscent(self.X, 0)

    def __repr__(self):
        n, d = self.X.shape
        return f"VectorBranchAndBound(n={n}, d={d}, rank={self.rank})"

    @property
    def max_seconds(self):
        """Budget of a call."""
        return self.lines.max_seconds

    @max_seconds.setter
    def max_seconds(self, seconds):
        self.lines.max_seconds = seconds

    def __call__(self, N, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """The maximum of ||N'(Xu)_+|| up to the tolerance, with the local maximisers met.

        Parameters
        ----------
        N : (n, c) array_like
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
        N = dual_matrix(N, self.X)
        with one_blas_thread():
            found = self.ascent(N, level=level, starts=self.lines._with_axes(starts))
            scale = float(row_lengths(N) @ self.lines._sizes)
            if scale == 0.0:
                return DualMaximum(0.0, self.allowance(N), found.directions, found.values)
            known = max(tolerance, FINEST), level, found, stop
            return VectorSearch(self, N, scale, *known).run()

    def allowance(self, N):
        """What the bound at N (n, c) includes for rounding, moved rows and `dropped`.

        That of one output, in units of sum ||l_i|| ||x_i|| for the rows l_i of N, and 2 c eps more
        for norms of c entries.
        """
        N = dual_matrix(N, self.X)
        lengths = (1 + (N.shape[1] + 4) * EPS) * row_lengths(N)
        return self.rounding(N) + self.lines._moved.charge(lengths)

    def rounding(self, N):
        """The part of the `allowance` that is not for moved rows."""
        sums = (len(N) + 2 * N.shape[1] + PATH_ROUNDING * self.rank) * np.sqrt(self.rank) * EPS
        return sums * float(row_lengths(N) @ self.lines._sizes)
