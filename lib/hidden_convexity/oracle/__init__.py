"""Dual oracles: they maximise |nu.(Xu)_+| over the unit ball, the constraint of the dual problem.

One signature: an oracle is built on X, and `oracle(nu, tolerance, level, starts)` returns a
`DualMaximum`, the largest value found, a proven upper bound, and local maximisers. Every bound is
one in exact arithmetic: `oracle.allowance(nu)` says how much of it is there for rounding, and each
oracle's says why that is enough.
"""

from hidden_convexity.arrangement import Arrangement, count_chambers
from hidden_convexity.hyperplanes import coordinates
from hidden_convexity.oracle.ascent import Ascent
from hidden_convexity.oracle.branch_and_bound import BranchAndBound
from hidden_convexity.oracle.circle import Circle
from hidden_convexity.oracle.exhaustive import Exhaustive
from hidden_convexity.oracle.maximum import DualMaximum

__all__ = [
    "Ascent",
    "BranchAndBound",
    "Circle",
    "DualMaximum",
    "Exhaustive",
    "coordinates",
    "proving_oracle",
    "searching_oracle",
]

# Largest rank in which branch and bound is tried. At rank 8 it ends within its budget for a few
# hundred samples and a loose tolerance; each dimension multiplies the cells by five to twenty.
PROVABLE_RANK = 8
# From this rank on, chambers that are gone through one by one sooner than bounded; and the most
# that can be. Measured: at rank 5, 10,000 chambers take as long as their bounds; at rank 8 branch
# and bound takes more than a minute already for the 11,624 chambers of 14 samples.
LISTED_FROM_RANK, FEW, LISTABLE = 6, 30_000, 100_000


def searching_oracle(X, dropped=None):
    """The oracle that looks for violators: exact in the plane, ascents elsewhere."""
    return Circle(X, dropped) if X.shape[1] == 2 else Ascent(X)


def proving_oracle(X, exact=False, progress=False, dropped=None):
    """The oracle that proves M(nu) for these data.

    Parameters
    ----------
    X : (n, d) ndarray
        Data in `coordinates`, d >= 2.
    exact : bool
        Prefer an exact maximum to a fast bound where the chambers are few.
    progress : bool
        Show a progress bar during each call of branch and bound.
    dropped : (n,) ndarray or None
        How far the rows were moved by `coordinates`, which every bound is to include.

    Returns
    -------
    Circle, BranchAndBound or Exhaustive
        In the plane a sweep; up to rank 8 branch and bound, unless the rank is above 5 and the
        chambers are few; above that, all chambers.

    Raises
    ------
    ValueError
        If the rank is above 8 and the chambers are too many to list.
    """
    if X.shape[1] == 2:
        return Circle(X, dropped)
    listed = FEW if X.shape[1] <= PROVABLE_RANK else LISTABLE
    if (exact or X.shape[1] >= LISTED_FROM_RANK) and count_chambers(*X.shape) <= listed:
        return Exhaustive(Arrangement.enumerate(X), dropped)
    if X.shape[1] <= PROVABLE_RANK:
        return BranchAndBound(X, progress=progress, dropped=dropped)
    raise ValueError(
        f"a global proof is out of reach for {len(X)} samples of rank {X.shape[1]}: it takes rank "
        f"<= {PROVABLE_RANK} or at most {LISTABLE:,} chambers. Use proof=False to search without "
        "proof, or patterns=Arrangement.sample(X, count) to train over sampled patterns"
    )
