"""The landscape of training: its minima, the chambers they belong to, and the ways down."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from hidden_convexity.companion.plotting.style import AMBER, BLUE, FILLS, GREEN, GREY, ORANGE, plane

# From the optimum, darkest, upwards.
HEIGHT = LinearSegmentedColormap.from_list("height", [BLUE, "#7FB8DC", "#DCEBF5", "#FFFFFF"])
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
    """Local minima against the optima of their own programs, both as excesses over the optimum.

    Excesses are P / optimum - 1, on logarithmic axes; those below the floor, where the certificate
    ends, are drawn in its corner. Minima with a neuron on a wall are amber squares, those without
    are green dots.
    """
    low, high = floor / 10, 3.0
    ax.fill_between([low, floor], low, floor, color=FILLS[0], linewidth=0)
    ax.text(1.6 * floor, floor / 10**0.5, "global optimum", color=BLUE, va="center")
    ax.plot([low, high], [low, high], color=GREY, linewidth=0.8, zorder=1)
    kinds = [(walls, "s", AMBER, "some on a wall"), (~walls, "o", GREEN, "no neuron on a wall")]
    for chosen, marker, colour, label in kinds:
        style = {"marker": marker, "color": colour, "mfc": "none", "markersize": 5}
        shown = np.maximum([optima[chosen], heights[chosen]], floor / 10**0.5)
        ax.plot(*shown, linestyle="none", label=label, **style)
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    ax.set_xlabel("optimum of its own program / optimum $-$ 1")
    ax.set_ylabel("P / optimum $-$ 1")
    ax.legend(loc="upper left")
    return ax


def excess_against_width(ax, widths, excesses, walls, floor):
    """How far local minima are above the optimum, (runs, widths), on a logarithmic axis.

    Excesses below the floor, where the certificate ends, are drawn in its band.
    """
    place = np.broadcast_to(np.arange(len(widths)), excesses.shape)
    _excesses(ax, place, excesses, walls, floor)
    ax.text(-0.4, floor / 10**0.5, "optimal", color=BLUE, va="center", ha="left")
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
    shown = np.maximum(excesses, floor / 10**0.5)
    ax.axhspan(floor / 10, floor, color=FILLS[0], linewidth=0)
    for chosen, marker, colour in [(walls, "s", AMBER), (~walls, "o", GREEN)]:
        style = {"marker": marker, "color": colour, "mfc": "none", "markersize": 4}
        ax.plot(place[chosen], shown[chosen], linestyle="none", **style)
    ax.set_yscale("log")
    ax.set_ylim(floor / 10, None)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel("P / optimum $-$ 1")


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
    program's."""
    ax.axhline(bound, color=GREY, linewidth=0.8, linestyle=":")
    styles = zip([ORANGE, ORANGE, BLUE], ["-", "--", "-"], strict=True)
    for (label, heights), (colour, dashes) in zip(curves.items(), styles, strict=True):
        ax.plot(share, heights, dashes, color=colour, label=label)
    ax.margins(x=0)
    ax.set(xlabel="share of the way", ylabel="training objective P", ylim=(0, None))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def excess_by_neurons(ax, pruned, trained, floor):
    """Excess over the optimum by number of neurons: pruned networks {m: excess}, descent's runs.

    The runs are {m: (k,)}. Excesses below the floor, where the certificate ends, are in its band.
    """
    ax.axhspan(floor / 10, floor, color=FILLS[0], linewidth=0)
    for k, (m, excess) in enumerate(trained.items()):
        label = None if k else "Adam, a run each"
        shown = np.maximum(excess, floor / 10**0.5)
        ax.plot(np.full(len(excess), m), shown, "v", color=ORANGE, mfc="none", ms=4, label=label)
    shown = np.maximum(list(pruned.values()), floor / 10**0.5)
    ax.plot(
        list(pruned), shown, "o-", color=BLUE, markersize=3, linewidth=1, label="pruned optimum"
    )
    ax.set(xscale="log", yscale="log", xlabel="number of neurons m")
    ax.set_xticks(list(trained), [str(m) for m in trained])
    ax.minorticks_off()
    ax.legend(loc="lower left")
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
