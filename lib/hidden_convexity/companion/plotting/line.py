"""One variable: splines and their knots, mirrors, reflections of reflections, forecasts."""

import numpy as np
from matplotlib.patches import Arc, Rectangle

from hidden_convexity.companion.plotting.solvers import SIGNED
from hidden_convexity.companion.plotting.style import (
    AMBER,
    BLUE,
    FILLS,
    GREEN,
    GREY,
    ORANGE,
    PINK,
)


def dual_along_line(ax, u, ratios, knots, touching):
    """Correlation of the residual with the ramp from u, over beta, and the knots where it is +-1.

    Ratios (k,) at positions u (k,); knots and touching (q,) are positions and values there.
    """
    ax.fill_between(u[[0, -1]], -1, 1, color=FILLS[0], linewidth=0)
    for limit in (1, -1):
        ax.axhline(limit, color=BLUE, linewidth=1)
    ax.plot(u, ratios, color="black", linewidth=1.1)
    ax.plot(knots, touching, "o", color=BLUE, markersize=3.5, label="knots of the network")
    ax.set_yticks([-1, 0, 1], [r"$-\beta$", "0", r"$+\beta$"])
    ax.set(xlim=u[[0, -1]], ylim=(-1.25, 1.25), ylabel=r"$R(u)$")
    return ax


def fits_between_samples(axes, t, y, seen, fits, boxes):
    """Samples (n,) that a fit has seen or not, and fits, a dict of label to (grid, values).

    The first axis shows all of it, the others enlarge one box (low, high) x (low, high) each.
    """
    for ax in axes:
        ax.plot(t[seen], y[seen], "o", color=GREY, markersize=3, label="seen", zorder=3)
        held = {"color": GREY, "mfc": "white", "markersize": 3, "zorder": 3}
        ax.plot(t[~seen], y[~seen], "o", label="held out", **held)
        for (label, (grid, values)), colour in zip(fits.items(), (BLUE, PINK), strict=True):
            ax.plot(grid, values, color=colour, linewidth=1.2, label=label)
    whole, *enlarged = axes
    for letter, ax, (across, up) in zip("ABC", enlarged, boxes, strict=False):
        corner, size = (across[0], up[0]), (np.ptp(across), np.ptp(up))
        whole.add_patch(Rectangle(corner, *size, fill=False, linewidth=0.8, zorder=4))
        whole.annotate(letter, (across[1], up[1]), (2, 0), textcoords="offset points", va="top")
        ax.set(xlim=across, ylim=up, title=letter)
        ax.spines[["top", "right"]].set_visible(True)
    named = whole.get_legend_handles_labels()
    whole.figure.legend(*named, loc="outside upper left", ncols=4)
    return axes


def error_against_penalty(ax, curves):
    """Held-out errors against penalties, each in its own unit: (x, errors) of each fit above."""
    for (x, errors), colour in zip(curves, (BLUE, PINK), strict=True):
        ax.plot(x, errors, "o-", color=colour, markersize=3.5, linewidth=1)
    ax.set(xscale="log", yscale="log", xlabel="penalty (each in its own unit)")
    return ax


def mirror(ax, x, shifts, partner, at_data):
    """One branch ||x - t| - r| over the data, its mirror at t, and a point seen in it.

    The partner is the point of data at one zero; the arc leads to the other zero.
    """
    t, r = shifts
    ends = min(x.min(), t - r) - 4, max(x.max(), t + r) + 1.5
    grid = np.unique(np.concatenate([np.linspace(*ends, 200), [t - r, t, t + r]]))
    colour = AMBER if at_data else PINK
    ax.axhline(0, color="black", linewidth=0.8)
    ax.plot([t, t], [0, 1.35 * r], color=colour, linestyle="--", linewidth=1.2)
    ax.text(t, 1.4 * r, "mirror", color=colour, ha="center", va="bottom")
    ax.plot(grid, np.abs(np.abs(grid - t) - r), color=GREEN)
    ax.add_patch(Arc((t, 0), 2 * r, 1.1 * r, theta1=180, theta2=360, color=colour, linewidth=1))
    ax.plot(x, 0 * x, "o", color=GREY, markersize=6, zorder=4)
    image = 2 * t - partner
    if np.abs(x - image).min() > 1e-9:
        style = {"color": GREY, "markerfacecolor": "white", "markersize": 6, "zorder": 4}
        ax.plot(image, 0, "o", **style)
        ax.text(image, -0.2 * r, f"image of {partner:g}  ", color=GREY, ha="right", va="top")
    ax.set(xlim=ends, ylim=(-0.7 * r, 1.75 * r), yticks=[], xlabel="x")
    ax.tick_params(axis="x", length=0, pad=0)
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.set_xticks(x, [f"{one:g}" for one in x])
    return ax


def mirror_plane(ax, zeros, ratios, x, tight):
    """nu.g / beta for all branches with zeros p <= q, and the lines between whose crossings it is
    linear: p or q at a data point, or the mirror (p + q) / 2 at one. Returns the axis and the map.

    Ratios (k, k) on the grid of both zeros (k,), NaN for p > q; tight (m, 2) are branches at +-1.
    """
    shade = ax.pcolormesh(
        zeros, zeros, ratios, cmap=SIGNED, vmin=-1, vmax=1, shading="gouraud", rasterized=True
    )
    low, high = zeros[[0, -1]]
    for point in x:
        ax.plot([point, point], [point, high], color=GREY, linewidth=0.7)
        ax.plot([low, point], [point, point], color=GREY, linewidth=0.7)
        far = min(high - point, point - low)
        ax.plot([point, point - far], [point, point + far], color=AMBER, linewidth=0.9)
    ax.plot([low, high], [low, high], color="black", linewidth=0.8)
    ax.plot(*tight.T, "o", color="white", markeredgecolor="black", markersize=5, zorder=5)
    ax.set(aspect="equal", xlim=(low, high), ylim=(low, high))
    ax.set(xlabel="first zero p", ylabel="second zero q")
    return ax, shade


def breakpoint_levels(ax, x, levels):
    """Where networks of 2, 3, ... layers may bend: a list of positions (q,), one row each."""
    for row, positions in enumerate(levels):
        old = levels[row - 1] if row else x
        new = np.abs(positions[:, None] - old).min(axis=1) > 1e-9
        ax.vlines(positions[new], -row - 0.3, -row + 0.3, color=GREEN, linewidth=0.8)
        ax.vlines(positions[~new], -row - 0.3, -row + 0.3, color=GREY, linewidth=0.8)
    ax.plot(x, np.full(len(x), 0.55), "o", color=GREY, markersize=6, clip_on=False)
    ax.set_yticks(
        -np.arange(len(levels)),
        [f"{row + 2} layers: {len(one)}" for row, one in enumerate(levels)],
    )
    ax.set(ylim=(0.4 - len(levels), 0.9), xlabel="x")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def steps_and_ramps(ax, t, y, steps, ramps):
    """A signal (n,), a threshold network on it, and a ReLU network."""
    ax.plot(t, y, color=GREY, linewidth=1, label="signal")
    ax.step(t, steps, color=GREEN, where="mid", linewidth=1.2, label="threshold network")
    ax.plot(t, ramps, color=BLUE, linewidth=1.2, label="ReLU network")
    ax.legend(loc="upper right")
    return ax


def branches_by_zeros(ax, x, optimal, places, pinned, heaps):
    """Branches as points (first zero, second zero): the optimum's, and Adam's, pinned or not.

    Adam's places (k, 2) hold so many branches each (k,); what is more than one is written beside.
    Limits leave room for the optimum and all that is pinned.
    """
    low = min(x[0], *optimal[:, 0], *places[pinned][:, 0]) - 1
    high = max(x[-1], *optimal[:, 1], *places[pinned][:, 1]) + 1
    for point in x:
        ax.plot([point, point], [point, high], color=GREY, linewidth=0.4)
        ax.plot([low, point], [point, point], color=GREY, linewidth=0.4)
        far = min(high - point, point - low)
        ax.plot([point, point - far], [point, point + far], color=AMBER, linewidth=0.5)
    ax.plot([low, high], [low, high], color="black", linewidth=0.8)
    ax.plot(*optimal.T, "o", color=BLUE, markersize=11, mfc="none", label="optimum")
    adams = {"color": ORANGE, "linestyle": "none", "marker": "o", "markersize": 4}
    ax.plot(*places[pinned].T, **adams, label="Adam, on a mirror")
    ax.plot(*places[~pinned].T, **adams, mfc="none", label="Adam, elsewhere")
    for place, heap in zip(places[heaps > 1], heaps[heaps > 1], strict=True):
        box = {"boxstyle": "round,pad=0.1", "color": "white", "alpha": 0.85}
        at = {"textcoords": "offset points", "va": "center", "bbox": box}
        ax.annotate(f"{heap} branches", place, (9, 0), color=ORANGE, size=8, **at)
    ax.set(aspect="equal", xlim=(low, x[-1] + 2), ylim=(0, high))
    ax.set(xlabel="first zero p", ylabel="second zero q")
    ax.legend(loc="lower right")
    return ax


def forecasts(ax, seen, later, grid, curves):
    """Pairs (input, target) seen and later, (n, 2) each, and forecasts, a dict of label to (k,)."""
    ax.plot(*later.T, "o", color=GREY, mfc="white", markersize=3, label="later years")
    ax.plot(*seen.T, "o", color=GREY, markersize=3, label="training years")
    for (label, values), colour, style in zip(
        curves.items(), (PINK, BLUE, GREEN), ("--", "-", ":"), strict=True
    ):
        ax.plot(grid, values, color=colour, linestyle=style, label=label)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax
