"""The pictures of the notebooks, in one style. Functions draw what they are given on an axis.

One file a chapter; every function takes an axis and data, computes nothing, and returns the axis.
"""

try:
    import matplotlib as _matplotlib
except ImportError as error:
    raise ImportError(
        'the plots are drawn by Matplotlib: pip install "hidden-convexity[notebooks]"'
    ) from error

from hidden_convexity.companion.manifest import save_figure
from hidden_convexity.companion.plotting.architectures import (
    active_shares,
    completed,
    fit_on_line,
    forecast_map,
    forecast_of_a_record,
    halves,
    rank_path,
    spectral_lines,
)
from hidden_convexity.companion.plotting.arrangements import (
    arrangement,
    chamber_growth,
    coverage,
    numbered_points,
    rays_and_gates,
    separating_line,
    sliced_arrangement,
)
from hidden_convexity.companion.plotting.benchmarks import (
    cells_of_a_proof,
    cells_of_outputs,
    gap_against_time,
    time_against_n,
    time_of_a_proof,
    times_to_gap,
)
from hidden_convexity.companion.plotting.convolution import (
    both_ways,
    difference_in_time,
    errors_in_place_and_moved,
    excesses_by_width,
    filter_stems,
    gains_along,
    kinks,
    means_in_time,
    output_weights,
    record_and_window,
    rectified_outputs,
    regions_of_classes,
    taps_along,
    tile,
)
from hidden_convexity.companion.plotting.experiments import (
    active_segments,
    decisions,
    denoisers,
    errors_against_noise,
    errors_against_ratio,
    errors_against_seconds,
    errors_along,
    errors_at_objectives,
    errors_by_case,
    errors_over_folds,
    errors_with_their_means,
    excess_against_time,
    objectives_against_time,
    spread_by_width,
    ways_by_dimension,
)
from hidden_convexity.companion.plotting.interactive import Interactive
from hidden_convexity.companion.plotting.landscape import (
    CORNERS,
    best_amplitudes,
    excess_against_missing,
    excess_against_width,
    excess_by_neurons,
    excess_of_runs,
    height_scale,
    height_slice,
    heights_along,
    heights_between,
    neurons_over_chambers,
    own_optima,
    two_optima,
)
from hidden_convexity.companion.plotting.line import (
    branches_by_zeros,
    breakpoint_levels,
    dual_along_line,
    error_against_penalty,
    fits_between_samples,
    forecasts,
    mirror,
    mirror_plane,
    steps_and_ramps,
)
from hidden_convexity.companion.plotting.living import Film, turning_polyhedron
from hidden_convexity.companion.plotting.recovery import (
    error_against_noise,
    isometry_values,
    recovery_band,
    recovery_collapse,
    recovery_map,
    recovery_rates,
    share_scale,
)
from hidden_convexity.companion.plotting.solvers import (
    circular_landscape,
    dual_landscape,
    dual_so_far,
    fit_so_far,
    image_scale,
    landscape_scale,
    neurons_on_map,
    proof_cells,
    ridges,
)
from hidden_convexity.companion.plotting.sparse import (
    against_measurements,
    compressibility,
    correlations,
    lost_stretch,
    paired_correlations,
    shrinkage,
    stretches,
)
from hidden_convexity.companion.plotting.style import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SKY,
    use_style,
)
from hidden_convexity.companion.plotting.training import (
    bound_line,
    certified_gaps,
    descent_curves,
    dual_on_circle,
    dual_with_walls,
    fit_with_ramps,
    network_on_signal,
    value_against_width,
    walls_with_neurons,
)
from hidden_convexity.companion.plotting.wedges import (
    angle_distributions,
    break_lines,
    dual_around,
    dual_on_hemispheres,
    excess_against_draws,
    excess_against_samples,
    hodge_dual,
    neuron_as_area,
    oriented_area,
    tight_shares,
)
from hidden_convexity.companion.plotting.zonotopes import (
    chamber_fills,
    fan,
    fill_names,
    named_vertices,
    neuron_directions,
    normal_cones,
    polyhedron,
    subset_sums,
    support_function,
    supporting_line,
    within_reach,
    zonogon,
)
