"""The pictures of the notebooks, in one style. Functions draw what they are given on an axis.

One file a chapter; every function takes an axis and data, computes nothing, and returns the axis.
"""

from hidden_convexity.manifest import save_figure
from hidden_convexity.plotting.arrangements import (
    arrangement,
    chamber_growth,
    coverage,
    numbered_points,
    separating_line,
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
from hidden_convexity.plotting.wedges import (
    angle_distributions,
    break_lines,
    dual_around,
    dual_on_hemispheres,
    dual_vector,
    excess_against_draws,
    excess_against_samples,
    neuron_as_area,
    oriented_area,
    tight_shares,
)

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PINK",
    "SKY",
    "angle_distributions",
    "arrangement",
    "bound_line",
    "break_lines",
    "certified_gaps",
    "chamber_growth",
    "coverage",
    "descent_curves",
    "dual_around",
    "dual_on_circle",
    "dual_on_hemispheres",
    "dual_vector",
    "excess_against_draws",
    "excess_against_samples",
    "network_on_signal",
    "neuron_as_area",
    "numbered_points",
    "oriented_area",
    "save_figure",
    "separating_line",
    "tight_shares",
    "use_style",
    "value_against_width",
]
