"""The landscape of P: its local minima, paths that never rise, and descent to rounding.

Read `minima` (a local minimum solves the convex program of its own pairs), `paths` (from any
network down to an optimum), `alignment` (the barrier between two networks), `optimal_set` (all
optima, a polytope) and `shrinking` (fewer neurons than that), then `newton` (descent, one smooth
piece after another). Hands on networks.
"""

from hidden_convexity.landscape.minima import (
    check_pair,
    convex_objective,
    in_cones,
    on_wall,
    subsampled_optimum,
    visited_pairs,
)
from hidden_convexity.landscape.optimal_set import OptimalSet, optimal_set
from hidden_convexity.landscape.shrinking import prune_below

__all__ = [
    "OptimalSet",
    "check_pair",
    "convex_objective",
    "in_cones",
    "on_wall",
    "optimal_set",
    "prune_below",
    "subsampled_optimum",
    "visited_pairs",
]
