"""The proving dual oracle between few chambers and many: bounds first, then chambers.

Generic data are bounded within seconds, whatever their number. Near copies of samples, or little
weight decay, can take branch and bound for ever; their chambers are as many as those of other data.
"""

import numpy as np

from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.oracle.box_oracle import FINEST
from hidden_convexity.oracle.branch_and_bound import BranchAndBound
from hidden_convexity.oracle.exhaustive import Exhaustive

# Seconds for branch and bound: about as long as it takes to list a million chambers and to go
# through them once.
PATIENCE = 10.0


class BoundedOrListed:
    """Bound the maximum of |nu.(Xu)_+| over ||u|| <= 1 by branch and bound, or go through chambers.

    The first call that branch and bound does not finish lists the chambers, for itself and for all
    that follow.

    Parameters
    ----------
    X : (n, d) ndarray
        Data with at most a million chambers.
    progress : bool
        Show a progress bar during each call.
    dropped : (n,) ndarray or None
        How far the rows were moved by who reduced them, which every bound is to include.
    client : distributed.Client or None
        As for `BranchAndBound`; chambers are listed here.
    """

    def __init__(self, X, progress=False, dropped=None, client=None):
        self.X, self._dropped = X, dropped
        options = {"progress": progress, "dropped": dropped, "client": client}
        self._bounds = BranchAndBound(X, max_seconds=PATIENCE, **options)
        self._chambers = None

    @property
    def max_seconds(self):
        """Budget of a call. One of less than branch and bound's share is all for it."""
        return self._bounds.max_seconds

    @max_seconds.setter
    def max_seconds(self, seconds):
        self._bounds.max_seconds = min(seconds, PATIENCE)

    def __repr__(self):
        return f"BoundedOrListed(n={len(self.X)}, d={self.X.shape[1]})"

    def __call__(self, nu, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """The maximum of |nu.(Xu)_+| up to the tolerance; as `BranchAndBound`.

        Returns
        -------
        DualMaximum
        """
        if self._chambers is None:
            found = self._bounds(nu, tolerance, level, starts, stop)
            # Twice the tolerance is for its rounding.
            enough = (1 + 2 * max(tolerance, FINEST)) * max(found.value, level)
            stopped = found.value > stop
            if found.bound <= enough or stopped or self.max_seconds < PATIENCE:
                return found
            self._chambers = Exhaustive(
                Arrangement.enumerate(self.X), self._dropped, self._bounds.progress
            )
        return self._chambers(nu, tolerance, level, starts)

    def allowance(self, nu):
        """What the bound at nu (n,) includes: that of the oracle which is asked."""
        return (self._chambers or self._bounds).allowance(nu)
