"""The proving oracle for several outputs: cells whose number grows neither with n nor with c."""

import numpy as np

from hidden_convexity.foundations.blas import one_blas_thread
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.oracle.box_oracle import FINEST, PATH_ROUNDING, BoxOracle
from hidden_convexity.oracle.maximum import DualMaximum, dual_matrix
from hidden_convexity.oracle.several_outputs.ascent import VectorAscent
from hidden_convexity.oracle.several_outputs.search import VectorSearch

# Budget of a call: a minute was seen to end before the proof for ten classes of images did.
SECONDS = 600.0


class VectorBranchAndBound(BoxOracle):
    """Bound the maximum of ||N'(Xu)_+|| over ||u|| <= 1 from both sides, to a tolerance.

    Parameters
    ----------
    X : (n, d) array_like
        Data of rank at most 12 (in practice about 5), one sample a row; zero, repeated, opposite
        and dependent rows are welcome.
    random_starts : int
        Random starts of the ascents that precede the proof.
    rng : int, Generator or None
        Seed of the starts.
    **options
        As for `BranchAndBound`: budgets, `progress`, `dropped` and `client`. By default a call has
        ten minutes.

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

    def __init__(self, X, random_starts=64, rng=0, **options):
        super().__init__(X, **{"max_seconds": SECONDS} | options)
        self.ascent = VectorAscent(self.X, random_starts, rng)
        self.climb = self.ascent.from_given()

    def __call__(self, N, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """The maximum of ||N'(Xu)_+|| up to the tolerance, with the local maximisers met.

        Parameters
        ----------
        N : (n, c) array_like
            Dual point.
        tolerance, level, starts, stop
            As for `BranchAndBound`.

        Returns
        -------
        DualMaximum
        """
        N = dual_matrix(N, self.X)
        with one_blas_thread():
            found = self.ascent(N, level=level, starts=self.with_axes(starts))
            scale = float(row_lengths(N) @ self.sizes)
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
        return self.rounding(N) + self.moved.charge(lengths)

    def rounding(self, N):
        """The part of the `allowance` that is not for moved rows."""
        sums = (len(N) + 2 * N.shape[1] + PATH_ROUNDING * self.rank) * np.sqrt(self.rank) * EPS
        return sums * float(row_lengths(N) @ self.sizes)
