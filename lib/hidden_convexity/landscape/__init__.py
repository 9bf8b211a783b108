"""The landscape of P: its local minima, paths that never rise, and descent to rounding.

Read `minima` (a local minimum solves the convex program of its own pairs), `paths` (from any
network down to an optimum), then `newton` (descent, one smooth piece after another). Hands on
networks.
"""

from hidden_convexity.landscape.minima import (
    check_pair,
    convex_objective,
    in_cones,
    on_wall,
    subsampled_optimum,
    visited_pairs,
)

__all__ = [
    "check_pair",
    "convex_objective",
    "in_cones",
    "on_wall",
    "subsampled_optimum",
    "visited_pairs",
]
