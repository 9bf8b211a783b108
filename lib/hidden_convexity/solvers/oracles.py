"""The oracles of one training: who searches, who proves, and what a proof is worth."""

from typing import NamedTuple


class Oracles(NamedTuple):
    """What column generation asks of the dual.

    Attributes
    ----------
    search : oracle
        Finds violators, every round.
    proof : oracle
        Bounds M(nu) when the search finds none or nothing helps any more; may be the same. If its
        bound is infinite, the largest value found takes its place, and the scope must be
        "searched".
    scope : {"global", "searched", "sampled"}
        What the proof's maximum ranges over, and whether it is proven.
    loose : float
        Tolerance of a first proof, of which violators are taken that the search has missed; 0 to
        ask at once for what is needed.
    """

    search: object
    proof: object
    scope: str
    loose: float = 0.0
