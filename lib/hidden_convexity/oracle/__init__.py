"""Dual oracles: they maximise |nu.(Xu)_+| over the unit ball, the constraint of the dual problem.

One signature: an oracle is built on X, and `oracle(nu, tolerance, level, starts, stop)` returns a
`DualMaximum`, the largest value found, a proven upper bound, and local maximisers. Read `maximum`,
`circle` (exact in the plane), `exhaustive` (listed chambers), `ascent` (searches), then
`branch_and_bound` with its `boxes` and `majorant`: it proves; `several_outputs` does so for
||N'(Xu)_+||, on the same boxes with a `majorant` of its own. Hands on bounds of M(nu).
"""

from hidden_convexity.foundations.reach import LOWER_RANK, OutOfReach
from hidden_convexity.geometry.arrangement import Arrangement, count_chambers
from hidden_convexity.geometry.hyperplanes import coordinates, distinct_lines, unit_rows
from hidden_convexity.oracle.ascent import Ascent
from hidden_convexity.oracle.bounded_or_listed import BoundedOrListed
from hidden_convexity.oracle.branch_and_bound import BranchAndBound
from hidden_convexity.oracle.circle import Circle
from hidden_convexity.oracle.exhaustive import Exhaustive
from hidden_convexity.oracle.maximum import DualMaximum

__all__ = [
    "Ascent",
    "BoundedOrListed",
    "BranchAndBound",
    "Circle",
    "DualMaximum",
    "Exhaustive",
    "coordinates",
    "proving_oracle",
    "searching_oracle",
]

# Largest rank in which branch and bound is tried: a rank more multiplies the cells. The benchmark's
# case of rank 8 has 500 samples, 0.2 beta_max and a gap of 1%.
PROVABLE_RANK = 8
# Chambers that are sooner gone through than bounded, at rank 3 and above, and the most that can be.
# Measured at 0.1 to 0.001 beta_max: at rank 3 and 10,000 chambers both take 0.05 s, and bounds then
# do not grow with n. At rank 4 to 6 and 60,000 to 110,000 chambers both take 0.3 to 1 s where the
# data are generic and beta large; otherwise bounds end without a proof after seconds. Samples that
# are nearly copies of one another make thin cells for bounds, and no difference to chambers.
FEW_IN_SPACE, FEW, LISTABLE = 10_000, 100_000, 1_000_000
# Chambers up to which they are gone through in a search as well. Measured at 0.1 and 0.001
# beta_max, a training then takes up to twice as long as by ascents, 0.03 s more at 900 chambers, up
# to 0.2 s at 2,000; at 5,000 seconds. Ascents take 10 s to compile, once.
SEARCHED = 2_500


def searching_oracle(X, dropped=None):
    """The oracle that looks for violators: exact in the plane, ascents elsewhere."""
    return Circle(X, dropped) if X.shape[1] == 2 else Ascent(X)


def proving_oracle(X, exact=False, progress=False, dropped=None, client=None):
    """The oracle that proves M(nu) for these data.

    Parameters
    ----------
    X : (n, d) ndarray
        Data in `coordinates`, d >= 2.
    exact : bool
        Prefer an exact maximum to a fast bound where the chambers are few.
    progress : bool
        Show a progress bar during each call.
    dropped : (n,) ndarray or None
        How far the rows were moved by `coordinates`, which every bound is to include.
    client : distributed.Client or None
        A Dask cluster for the cells of branch and bound; see there.

    Returns
    -------
    Circle, Exhaustive, BranchAndBound or BoundedOrListed
        In the plane a sweep; above it all chambers if they are few, up to rank 8 branch and bound
        if they are many, and in between the one and then the other.

    Raises
    ------
    OutOfReach
        If the rank is above 8 and the chambers are too many to list.
    """
    if X.shape[1] == 2:
        return Circle(X, dropped)
    unit, rank = unit_rows(X), X.shape[1]
    lines = distinct_lines(unit[unit.any(axis=1)])[0]
    count = count_chambers(len(lines), rank)
    few = FEW if exact or rank > 3 else FEW_IN_SPACE
    if count <= few or (rank > PROVABLE_RANK and count <= LISTABLE):
        return Exhaustive(Arrangement.enumerate(X), dropped, progress)
    if rank > PROVABLE_RANK:
        raise OutOfReach(
            f"a global proof is out of reach for {len(X)} samples of rank {rank}: it takes rank "
            f"<= {PROVABLE_RANK} or at most {LISTABLE:,} chambers",
            {"search": "searching_oracle(X) to search without proof", "X": LOWER_RANK},
        )
    if rank > 3 and count <= LISTABLE:
        return BoundedOrListed(X, progress, dropped, client)
    return BranchAndBound(X, progress=progress, dropped=dropped, client=client)
