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
from hidden_convexity.plotting.benchmarks import cells_of_a_proof, gap_against_time, time_against_n
from hidden_convexity.plotting.interactive import Interactive
from hidden_convexity.plotting.solvers import (
    dual_landscape,
    dual_so_far,
    fit_so_far,
    landscape_scale,
    neurons_on_map,
    proof_cells,
    ridges,
)
from hidden_convexity.plotting.style import AMBER, BLUE, GREEN, GREY, ORANGE, PINK, SKY, use_style
from hidden_convexity.plotting.training import (
    bound_line,
    certified_gaps,
    descent_curves,
    dual_on_circle,
    network_on_signal,
    value_against_width,
)
from hidden_convexity.plotting.zonotopes import (
    chamber_fills,
    fan,
    named_vertices,
    neuron_directions,
    normal_cones,
    polyhedron,
    rotatable_polyhedron,
    subset_sums,
    support_function,
    supporting_line,
    within_reach,
    zonogon,
)

__all__ = [
    "AMBER",
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PINK",
    "SKY",
    "Interactive",
    "arrangement",
    "bound_line",
    "cells_of_a_proof",
    "certified_gaps",
    "chamber_fills",
    "chamber_growth",
    "coverage",
    "descent_curves",
    "dual_landscape",
    "dual_on_circle",
    "dual_so_far",
    "fan",
    "fit_so_far",
    "gap_against_time",
    "landscape_scale",
    "named_vertices",
    "network_on_signal",
    "neuron_directions",
    "neurons_on_map",
    "normal_cones",
    "numbered_points",
    "polyhedron",
    "proof_cells",
    "rays_and_gates",
    "ridges",
    "rotatable_polyhedron",
    "save_figure",
    "separating_line",
    "sliced_arrangement",
    "subset_sums",
    "support_function",
    "supporting_line",
    "time_against_n",
    "use_style",
    "value_against_width",
    "within_reach",
    "zonogon",
]
