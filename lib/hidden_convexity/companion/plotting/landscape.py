"""The landscape of training: its minima, the chambers they belong to, and the ways down."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from hidden_convexity.companion.plotting.arrangements import arrangement
from hidden_convexity.companion.plotting.style import (
    AMBER,
    BLUE,
    CHAMBERS,
    FILLS,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SKY,
    floor_band,
    plane,
    within_floor,
)

# From the optimum, darkest, upwards.
HEIGHT = LinearSegmentedColormap.from_list("height", [BLUE, "#7FB8DC", "#DCEBF5", "#FFFFFF"])
# Fills of chambers by the sign of the neurons there, plus first.
SIGNS = [dict(CHAMBERS)[hue] for hue in (SKY, PINK)]
# Corners of the triangle in which a slice through three networks is drawn.
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])


def best_amplitudes(ax, degrees, heights, walls, spans, optima, minima):
    """P of the best network of one neuron against its angle, chamber by chamber.

    Angles are in degrees. Each chamber is a span (from, to) with the optimum of its own convex
    program, drawn as a level; the minima (angle, height) are those of the curve.
    """
    for k, ((low, high), level) in enumerate(zip(spans, optima, strict=True)):
        ax.axvspan(low, high, color=FILLS[k % 2], linewidth=0)
        label = "optimum of each chamber's program" if k == 0 else None
        ax.plot([low, high], [level, level], color=BLUE, solid_capstyle="butt", label=label)
    for wall in walls:
        ax.axvline(wall, color=AMBER, linewidth=0.6)
    ax.plot(degrees, heights, color="black", linewidth=1.1, label="best P at this angle")
    ax.plot(*minima, "o", color=ORANGE, label="local minima", zorder=4)
    ax.set_xlim(degrees[0], degrees[-1])
    ax.set_xticks(np.arange(degrees[0], degrees[-1] + 1, 60))
    ax.set_xlabel("angle of w (degrees)")
    ax.set_ylabel("training objective P")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.2)
    return ax


def own_optima(ax, optima, heights, walls, floor):
    """Local minima (n,) in ascending order, each beside the optimum (n,) of its own program.

    Both are excesses over the global optimum, P / optimum - 1; those below the floor, where the
    certificate ends, are drawn in its band. Minima with a neuron on a wall are amber squares, those
    without are green dots; the optima are blue steps.
    """
    run = np.arange(1, len(heights) + 1)
    own, shown = within_floor(np.array([optima, heights]), floor)
    found = np.count_nonzero(heights < floor)
    edges = np.append(run, run[-1] + 1) - 0.5
    ax.stairs(own, edges, baseline=None, color=BLUE, linewidth=3, alpha=0.45)
    ax.plot([], [], color=BLUE, linewidth=3, alpha=0.45, label="optimum of its own program")
    kinds = [(walls, "s", AMBER, "some on a wall"), (~walls, "o", GREEN, "no neuron on a wall")]
    for chosen, marker, colour, label in kinds:
        style = {"color": colour, "mfc": "none", "markersize": 3, "mew": 0.9}
        ax.plot(run[chosen], shown[chosen], marker, label=f"P, {label}", **style)
    proven = f"{found} runs: optimal, to $10^{{{np.log10(floor):.0f}}}$"
    floor_band(ax, floor, proven)
    ax.set(xlim=(0, len(run) + 1), ylim=(floor / 10, 3.0))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("runs of Adam, from the lowest P to the highest")
    ax.set_ylabel("P / optimum $-$ 1")
    ax.legend(loc="upper left")
    return ax


def excess_against_width(ax, widths, excesses, walls, floor):
    """How far local minima are above the optimum, (runs, widths), on a logarithmic axis.

    Excesses below the floor, where the certificate ends, are drawn in its band. Walls, bool of the
    same shape, says which have a neuron on a wall; with None all are runs of descent, in orange.
    """
    place = np.broadcast_to(np.arange(len(widths)), excesses.shape)
    _excesses(ax, place, excesses, walls, floor)
    ax.set_xlim(-0.5, len(widths) - 0.5)
    ax.set_xticks(range(len(widths)), [str(m) for m in widths])
    ax.set_xlabel("number of neurons m")
    return ax


def excess_against_missing(ax, missing, excesses, walls, floor):
    """The same against how many optimal neurons a minimum has no neuron in the pairs of."""
    _excesses(ax, missing, excesses, walls, floor)
    ax.set_xlabel("optimal neurons missing")
    return ax


def _excesses(ax, place, excesses, walls, floor):
    rng = np.random.default_rng(0)  # spreads dots sideways, so that equal ones are seen
    place = place + rng.uniform(-0.25, 0.25, size=place.shape)
    shown = within_floor(excesses, floor)
    if walls is None:
        kinds = [(np.full(shown.shape, True), "o", ORANGE, "one run")]
    else:
        kinds = [(walls, "s", AMBER, "some neuron on a wall")]
        kinds += [(~walls, "o", GREEN, "none on a wall")]
    for chosen, marker, colour, label in kinds:
        style = {"color": colour, "mfc": "none", "markersize": 4}
        if chosen.any():
            ax.plot(place[chosen], shown[chosen], marker, label=label, **style)
    floor_band(ax, floor, "optimal")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel("P / optimum $-$ 1")


def neurons_over_chambers(ax, X, gates, signs, optimal, tracks, radius):
    """The plane of weights: the chambers that an optimum uses, and a run's neurons on their way.

    Samples X (n, 2) make the walls. Gates (2, G) lie in the optimum's chambers, signs (G,) are of
    its neurons there, which are `optimal` (m*, 3): balanced weights and output sign, as are the
    tracks (T, m, 3). Lengths are drawn so that the radius is that of the disc.
    """
    fills = np.where(signs > 0, *SIGNS)
    arrangement(ax, X, gates, fills=fills, names=False)
    for *w, sign in optimal:
        ax.plot(*np.divide(w, radius), "o", color=BLUE, markersize=12, mfc="none", mew=1.4)
        _write_sign(ax, 1.13 * np.divide(w, np.linalg.norm(w)), sign, BLUE)
    for track in np.moveaxis(tracks, 1, 0):
        places = track[:, :2].T / radius
        ax.plot(*places, color=ORANGE, linewidth=0.8, zorder=4)
        ax.plot(*places[:, 0], "o", color=ORANGE, mfc="white", markersize=3, zorder=4)
        ax.plot(*places[:, -1], "o", color=ORANGE, markersize=7.5, zorder=5)
        _write_sign(ax, places[:, -1], track[-1, 2], "white")
    return ax


def _write_sign(ax, place, number, colour):
    text = "+" if number > 0 else "\N{MINUS SIGN}"
    ax.text(*place, text, color=colour, weight="bold", ha="center", va="center", zorder=6)


def excess_of_runs(ax, steps, excesses, now):
    """P / optimum - 1 of two runs, {label: (T,)}, against the step, with a dot at index `now`."""
    for (label, excess), dashes in zip(excesses.items(), ["-", "--"], strict=True):
        ax.plot(steps, excess, dashes, color=ORANGE, linewidth=1.2, label=label)
        ax.plot(steps[now], excess[now], "o", color=ORANGE, markersize=5)
    ax.set(yscale="log", xlabel="step of Adam", ylabel="P / optimum $-$ 1")
    ax.legend(loc="lower left")
    return ax


def heights_along(ax, t, path, bound, straight=None, stages=()):
    """P along a path (T,), over a lower bound, and along the straight line of the weights (T,).

    Stages name the unit intervals of t.
    """
    ax.axhline(bound, color=GREY, linewidth=0.8, linestyle=":")
    if straight is not None:
        ax.plot(t, straight, color=ORANGE, label="straight line of the weights")
    ax.plot(t, path, color=BLUE, label="path of the convex program")
    for k, name in enumerate(stages):
        if k:
            ax.axvline(k, color=GREY, linewidth=0.6)
        ax.text(
            k + 0.5,
            1.0,
            name,
            color=GREY,
            ha="center",
            va="bottom",
            transform=ax.get_xaxis_transform(),
        )
    ax.margins(x=0)
    ax.set_xlabel("position t")
    ax.set_ylabel("training objective P")
    return ax


def heights_between(ax, share, curves, bound):
    """P along ways between the same two networks, {label: (T,)}: two of weights, then the convex
    program's. The last two, which hardly rise, are enlarged below."""
    low = ax.inset_axes([0.2, 0.12, 0.5, 0.27])
    styles = zip(
        [ORANGE, ORANGE, BLUE], ["-", "--", "-"], [[ax], [ax, low], [ax, low]], strict=True
    )
    for (label, heights), (colour, dashes, places) in zip(curves.items(), styles, strict=True):
        for place in places:
            place.plot(share, heights, dashes, color=colour, label=label)
    for place in (ax, low):
        place.axhline(bound, color=GREY, linewidth=0.8, linestyle=":")
        place.margins(x=0)
    low.text(1.04, 0.5, "the lower two,\nenlarged", va="center", transform=low.transAxes)
    ax.set(xlabel="share of the way", ylabel="training objective P", ylim=(0, None))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def excess_by_neurons(ax, pruned, trained, floor):
    """Excess over the optimum by number of neurons: pruned networks {m: excess}, descent's runs.

    The runs are {m: (k,)}. Excesses below the floor, where the certificate ends, are in its band.
    """
    for k, (m, excess) in enumerate(trained.items()):
        label = None if k else "Adam, a run each"
        spread = m * np.geomspace(0.92, 1.09, len(excess))  # so that equal ones are seen
        shown = within_floor(np.sort(excess), floor)
        ax.plot(spread, shown, "v", color=ORANGE, mfc="none", ms=4, label=label)
    shown = within_floor(np.array(list(pruned.values())), floor)
    ax.plot(
        list(pruned), shown, "o-", color=BLUE, markersize=3, linewidth=1, label="pruned optimum"
    )
    floor_band(ax, floor, "optimal")
    ax.set(xscale="log", xlabel="number of neurons m", ylim=(floor / 10, 2.0))
    ticks = sorted({1, 2, *trained})
    ax.set_xticks(ticks, [str(m) for m in ticks])
    ax.minorticks_off()
    ax.legend(loc="upper right")
    return ax


def height_slice(ax, x, y, heights, names, outside=None, top=2.5):
    """A map of P or C, in units of the optimum, on the plane through three networks.

    The networks are the `CORNERS`, the optimum last. Where `outside` holds, a cone is left.
    """
    levels = np.geomspace(1.0, top, 31)
    ax.contourf(
        x, y, np.clip(heights, 1.0, top), levels=levels, cmap=HEIGHT, norm=LogNorm(1.0, top)
    )
    ax.contour(x, y, heights, levels=levels[1::2], colors="black", linewidths=0.3, alpha=0.6)
    if outside is not None:
        veil = ax.contourf(
            x, y, outside.astype(float), levels=[0.5, 1.5], colors=["#FFFFFFB0"], hatches=["//"]
        )
        veil.set_edgecolor("#BBBBBB")
        veil.set_linewidth(0.0)
        ax.contour(x, y, outside.astype(float), levels=[0.5], colors="black", linewidths=0.9)
    ax.plot(*CORNERS[[0, 1, 2, 0]].T, color="black", linewidth=0.7, linestyle="--")
    for corner, name, colour in zip(CORNERS, names, [ORANGE, ORANGE, BLUE], strict=True):
        ax.plot(*corner, "o", color=colour, markeredgecolor="white", markersize=7, zorder=5)
        up = 9 if corner[1] > 0 else -9
        ax.annotate(
            name,
            corner,
            (0, up),
            textcoords="offset points",
            ha="center",
            va="bottom" if up > 0 else "top",
            zorder=6,
            bbox={"boxstyle": "round,pad=0.15", "color": "white", "alpha": 0.8},
        )
    ax.set(aspect="equal", xticks=[], yticks=[])
    return ax


def height_scale(axes):
    """One colour bar for the slices on several axes."""
    bar = axes[0].figure.colorbar(
        axes[0].collections[0], ax=list(axes), shrink=0.85, aspect=25, pad=0.02
    )
    bar.ax.yaxis.set_major_locator(FixedLocator([1, 1.25, 1.5, 2, 2.5]))
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.set_label("objective / global optimum")
    bar.outline.set_linewidth(0.5)
    return axes


def two_optima(ax, X, one, other):
    """Samples (n, 2) as crosses, and the weights (m, 2) of two networks' neurons as arrows."""
    ax.plot(*X.T, "x", color=GREY, markersize=6, zorder=3)
    for weights, colour in ((one, BLUE), (other, GREEN)):
        for w in weights:
            ax.annotate(
                "", w, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 0}
            )
    return plane(ax, 1.2 * np.abs(X).max(), "first feature", "second feature")
