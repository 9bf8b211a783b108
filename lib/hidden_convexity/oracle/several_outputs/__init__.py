"""Dual oracles for networks of several outputs: they maximise ||N'(Xu)_+|| over the unit ball.

A neuron that feeds c outputs is an atom (Xu)_+ q' with unit q, so the dual constraint of N (n, c)
is the largest ||N'(Xu)_+||, attained at q along N'(Xu)_+. Same signature as the oracles of one
output; `values` of their `DualMaximum` are these norms.
"""

from hidden_convexity.foundations.reach import LOWER_RANK, OutOfReach
from hidden_convexity.oracle.several_outputs.ascent import VectorAscent
from hidden_convexity.oracle.several_outputs.branch_and_bound import VectorBranchAndBound
from hidden_convexity.oracle.several_outputs.circle import VectorCircle

__all__ = ["VectorAscent", "VectorBranchAndBound", "VectorCircle", "vector_proving_oracle"]

# Largest rank in which a proof is tried: each dimension multiplies the cells by about ten.
PROVABLE_RANK = 6


def vector_proving_oracle(X, progress=False, dropped=None, client=None):
    """The oracle that proves M(N) for data in coordinates: cells, above the plane.

    Raises
    ------
    OutOfReach
        If the rank is above 6: the message says how to go on.
    """
    if X.shape[1] > PROVABLE_RANK:
        raise OutOfReach(
            f"a global proof for several outputs is out of reach at rank {X.shape[1]}: it takes "
            f"rank <= {PROVABLE_RANK}",
            {"search": "VectorAscent(X) to search without proof", "X": LOWER_RANK},
        )
    return VectorBranchAndBound(X, progress=progress, dropped=dropped, client=client)
