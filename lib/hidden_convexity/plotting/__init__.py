"""The pictures of the notebooks, in one style. Functions draw what they are given on an axis.

One file a chapter; every function takes an axis and data, computes nothing, and returns the axis.
"""

from hidden_convexity.manifest import save_figure
from hidden_convexity.plotting.arrangements import (
    arrangement,
    chamber_growth,
    coverage,
    numbered_points,
    rays_and_gates,
    separating_line,
    sliced_arrangement,
)
from hidden_convexity.plotting.benchmarks import (
    cells_of_a_proof,
    gap_against_time,
    time_against_n,
)
from hidden_convexity.plotting.style import BLUE, GREEN, GREY, ORANGE, PINK, SKY, use_style
from hidden_convexity.plotting.training import (
    bound_line,
    certified_gaps,
    descent_curves,
    dual_on_circle,
    network_on_signal,
    value_against_width,
)

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PINK",
    "SKY",
    "arrangement",
    "bound_line",
    "cells_of_a_proof",
    "certified_gaps",
    "chamber_growth",
    "coverage",
    "descent_curves",
    "dual_on_circle",
    "gap_against_time",
    "network_on_signal",
    "numbered_points",
    "rays_and_gates",
    "save_figure",
    "separating_line",
    "sliced_arrangement",
    "time_against_n",
    "use_style",
    "value_against_width",
]
