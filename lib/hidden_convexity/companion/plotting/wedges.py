"""Wedge products, the neurons that are cross products of data, and where they occur."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import BoundaryNorm
from matplotlib.patches import Arc, Polygon

from hidden_convexity.companion.plotting.style import (
    BLUE,
    FILLS,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SKY,
    floor_band,
    within_floor,
)
from hidden_convexity.foundations.wording import counted

MARKERS = ["o", "s", "^", "D"]
# Levels of |h| / beta, closer where it is near its limit.
NEAR_THE_LIMIT = [0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.995, 1]


def oriented_area(ax, a, b, names=("a", "b")):
    """The parallelogram of two vectors of the plane, turned from the first to the second."""
    _parallelogram(ax, a, b, names)
    middle = (a + b) / 2
    start, end = (np.degrees(np.arctan2(v[1], v[0])) for v in (a, b))
    left = (end - start) % 360 < 180
    arc = (start, end) if left else (end, start)
    ax.add_patch(Arc(middle, 0.5, 0.5, theta1=arc[0] - 90, theta2=arc[1] + 150, linewidth=1.2))
    tip = np.radians(arc[1] + 150 if left else arc[0] - 90)
    along = np.array([-np.sin(tip), np.cos(tip)]) * (1 if left else -1)
    head = middle + 0.25 * np.array([np.cos(tip), np.sin(tip)])
    ax.annotate("", head + 0.05 * along, head - 0.05 * along, arrowprops={"arrowstyle": "-|>"})
    ax.text(*middle, "+" if left else "\u2212", ha="center", va="center", fontsize=13)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def hodge_dual(ax, a, b, w, names=("a", "b")):
    """Two vectors of space, their parallelogram, and the vector w orthogonal to it, seen askew."""
    a, b, w = (_seen(v) for v in (a, b, w))
    _parallelogram(ax, a, b, names)
    _arrow(ax, w, GREEN)
    ax.text(w[0] + 0.08, w[1], rf"$\star({names[0]}\wedge {names[1]})$", color=GREEN, va="center")
    ax.autoscale_view()
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def _parallelogram(ax, a, b, names):
    corners = np.array([0 * a, a, a + b, b])
    left = a[0] * b[1] - a[1] * b[0] > 0
    ax.add_patch(Polygon(corners, facecolor=FILLS[0 if left else 1], edgecolor=GREY, linewidth=0.6))
    for v, name in zip((a, b), names, strict=True):
        _arrow(ax, v, "black")
        ax.text(*(v * (1 + 0.12 / np.linalg.norm(v))), f"${name}$", ha="center", va="center")
    ax.update_datalim(np.vstack([corners, 1.15 * a, 1.15 * b]))
    ax.autoscale_view()


def _arrow(ax, v, colour):
    style = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.5}
    ax.annotate("", v, (0, 0), arrowprops=style)
    ax.update_datalim([v, [0, 0]])


def _seen(points):
    """Parallel projection of points of space (..., 3) on the paper, from the right and above."""
    return points @ np.array([[0.9, -0.25], [0.45, 0.4], [0.0, 0.9]])


def neuron_as_area(ax, points, pair, x, grid, outputs):
    """A neuron that breaks along the line through two samples, and its output at x as an area.

    Outputs (k, k) are those on the grid of both coordinates (k,).
    """
    levels = np.linspace(0, outputs.max(), 9)[1:]
    ax.contourf(grid, grid, outputs, levels=[1e-9, outputs.max()], colors=[FILLS[0]])
    ax.contour(grid, grid, outputs, levels=levels, colors=SKY, linewidths=0.6)
    p, q = points[pair[0]], points[pair[1]]
    ax.axline(p, q, color=GREEN, linewidth=1.3)
    ax.add_patch(Polygon([p, q, x], facecolor=FILLS[1], edgecolor="black", linewidth=0.9))
    ax.plot(*points.T, "o", color=GREY, markersize=4)
    ax.plot(*np.array([p, q]).T, "o", color=GREEN, markersize=6)
    ax.plot(*x, "o", color=BLUE, markersize=6)
    away = (p + q) / 2 - x
    for point, name in ((p, "x_1"), (q, "x_2"), (x, "x")):
        shift = away if name != "x" else -away
        ax.text(*(point + 0.16 * shift / np.linalg.norm(away)), f"${name}$", ha="center")
    ax.set(xlim=grid[[0, -1]], ylim=grid[[0, -1]], aspect="equal", xticks=[], yticks=[])
    ax.set(xlabel="first feature", ylabel="second feature")
    return ax


def dual_around(ax, turn, values, beta, rows, axes, neurons):
    """nu.(Xu)_+ once around a unit ball of the plane, its limits, and where it may have kinks.

    Everything is given by the position of u in quarter turns: rows (orthogonal to a sample), axes
    (along a basis vector), neurons as pairs (position, sign).
    """
    ax.fill_between(turn[[0, -1]], -beta, beta, color=FILLS[0], linewidth=0)
    for angles, style, label in ((rows, "-", "sample's hyperplane"), (axes, ":", "axis")):
        ax.vlines(angles, -1.25 * beta, 1.25 * beta, color=GREY, linestyle=style, linewidth=0.6)
        ax.plot([], [], color=GREY, linestyle=style, linewidth=0.6, label=label)
    ax.plot(turn, values, color="black", linewidth=1.2)
    angles, signs = np.transpose(neurons)
    ax.plot(angles, beta * signs, "o", color=BLUE, label="optimal neurons")
    ax.set_yticks([-beta, 0, beta], [r"$-\beta$", "0", r"$+\beta$"])
    ax.set(xlim=turn[[0, -1]], ylim=(-1.25 * beta, 1.25 * beta), xticks=range(5))
    ax.set(xlabel="u around the unit ball (quarter turns)", ylabel=r"$\nu^\top (Xu)_+$")
    return ax


def excess_against_samples(ax, excess, floor):
    """Relative excess of the Lasso over the optimum, {d: (sizes, runs (sizes, seeds))}.

    Excesses at the floor or below it, where the solvers' tolerances are, are drawn in its band.
    """
    for (d, (n, runs)), marker, colour in zip(
        excess.items(), MARKERS, (BLUE, GREEN, PINK), strict=False
    ):
        runs = within_floor(runs, floor)
        every, alpha = np.repeat(n, runs.shape[1]), 0.5
        ax.plot(every, runs.ravel(), marker, color=colour, markersize=2.5, alpha=alpha)
        ax.plot(n, np.median(runs, axis=1), marker=marker, color=colour, markersize=4)
        ax.text(n[-1] * 1.1, np.median(runs[-1]), f"d = {d}", color=colour, va="center")
    ax.set(xscale="log", xlabel="number of samples n")
    every = sorted({int(size) for n, _ in excess.values() for size in n})
    ax.set_xticks(every, every)
    floor_band(ax, floor, "within the solvers' tolerances")
    ax.minorticks_off()
    ax.set_ylabel("Lasso / optimum \u2212 1")
    return ax


def dual_on_hemispheres(axes, maps, circles, neurons, tight):
    """|nu.(Xu)_+| / beta over both halves of the sphere, its hyperplanes, and the neurons.

    Maps are two triples (x, y, values) of grids in Lambert's equal-area projection; circles and
    neurons are given by (unit vectors (k, 3)), and `tight` counts each neuron's tight rows.
    """
    cmap = colormaps["Blues"]
    norm = BoundaryNorm(NEAR_THE_LIMIT, cmap.N, extend="max")
    for ax, (x, y, values), side in zip(axes, maps, (1, -1), strict=True):
        # Equal steps would draw the last tenth, where neurons are, in one colour.
        shade = ax.contourf(x, y, values, levels=NEAR_THE_LIMIT, cmap=cmap, norm=norm, extend="max")
        for circle in circles:
            ax.plot(*_flattened(circle, side), color="black", linewidth=0.7)
        for count, marker, colour in zip(
            range(3), ("o", "s", "D"), (PINK, SKY, GREEN), strict=True
        ):
            ax.plot(
                *_flattened(neurons[tight == count], side),
                marker,
                color=colour,
                markeredgecolor="white",
                markersize=8,
                label=counted(count, "tight row"),
            )
        ax.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
        ax.spines[:].set_visible(False)
        ax.set_xlabel(r"$u_3 \geq 0$" if side > 0 else r"$u_3 \leq 0$")
    axes[0].figure.colorbar(shade, ax=axes, shrink=0.7, label=r"$|\nu^\top (Xu)_+| \,/\, \beta$")
    return axes


def _flattened(u, side):
    """Lambert's projection of unit vectors (k, 3) on one side of the equator; NaN on the other."""
    height = side * u[:, 2]
    scale = np.where(height >= 0, np.sqrt(2 / (1 + np.maximum(height, 0))), np.nan)
    return u[:, 0] * scale, u[:, 1] * scale


def tight_shares(ax, n, shares, labels):
    """Share of neurons by number of tight rows, (counts, sizes), stacked against the size."""
    fills = [GREEN, SKY, PINK, "lightgrey"]
    bottom = np.zeros(len(n))
    for share, fill, label in zip(shares[::-1], fills, labels[::-1], strict=False):
        ax.bar(range(len(n)), share, bottom=bottom, color=fill, width=0.8, label=label)
        bottom = bottom + share
    ax.set_xticks(range(len(n)), n)
    ax.set_ylim(0, 1)
    return ax


def angle_distributions(ax, angles):
    """Shares of neurons up to each angle (degrees), {label: angles (k,)}; below 1e-3 at 1e-3."""
    colours = {"Adam": ORANGE, "certified optimum": BLUE, "random directions": GREY}
    for label, values in angles.items():
        ax.ecdf(np.maximum(values, 1e-3), color=colours[label], label=label)
    ax.set(xscale="log", ylim=(0, 1), xlabel="angle to the nearest cross product (degrees)")
    powers = range(-2, 2)
    names = [r"$\leq 10^{-3}$", *(f"$10^{{{power}}}$" for power in powers)]
    ax.set_xticks([1e-3, *(10.0**power for power in powers)], names)
    ax.set_ylabel("share of neurons")
    ax.legend(loc="upper left")
    return ax


def break_lines(ax, points, labels, neurons, tight, grid, outputs):
    """Two classes in the plane, a network's outputs on the grid, and where its neurons break.

    Neurons (m, 3) are w with the bias last; tight (n, m) says which samples are on whose line.
    """
    ax.contourf(*grid, outputs, levels=[-1e9, 0, 1e9], colors=FILLS[::-1])
    ax.contour(*grid, outputs, levels=[0], colors="black", linewidths=1.6)
    pinned = tight.sum(axis=0) >= 2
    for w, through_two in zip(neurons, pinned, strict=True):
        normal = w[:2] / (w[:2] @ w[:2])
        style = (GREEN, "-") if through_two else (GREY, "--")
        foot = -w[2] * normal
        along = foot[0] - w[1], foot[1] + w[0]
        ax.axline(foot, along, color=style[0], linestyle=style[1], linewidth=1)
    for label, marker, colour in ((-1, "s", ORANGE), (1, "o", BLUE)):
        name = f"class {label:+d}".replace("-", "\u2212")
        ax.plot(*points[labels == label].T, marker, color=colour, markersize=3, label=name)
    on_line = tight[:, pinned].any(axis=1)
    ax.plot(*points[on_line].T, "o", color="none", markeredgecolor=GREEN, markersize=9)
    ax.plot([], [], color=GREEN, linewidth=1, label="breaks through two samples")
    ax.plot([], [], color=GREY, linestyle="--", linewidth=1, label="other breaks")
    ax.plot([], [], color="black", linewidth=1.6, label="decision boundary")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    ax.set(xlim=grid[0][[0, -1]], ylim=grid[1][[0, -1]])
    return ax


def excess_against_draws(ax, draws, excess, floor):
    """Relative excess over the optimum of random draws: a dict of label to runs (draws, seeds).

    Two labels at most, whose marks stand side by side. Excesses up to the floor are in its band.
    """
    for (label, runs), colour, marker, shift in zip(
        excess.items(), (GREEN, PINK), ("o", "s"), (0.95, 1.05), strict=False
    ):
        place, runs = shift * np.asarray(draws), within_floor(runs, floor)
        every = np.repeat(place, runs.shape[1])
        ax.plot(every, runs.ravel(), marker, color=colour, markersize=3, mfc="none")
        ax.plot(place, np.median(runs, axis=1), color=colour, label=label)
    floor_band(ax, floor, f"{floor:g} or less")
    ax.set(xscale="log", xlabel="directions drawn")
    ax.set_ylabel("objective / optimum \u2212 1")
    return ax
