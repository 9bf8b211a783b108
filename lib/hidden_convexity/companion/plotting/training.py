"""What training finds, and what is proven of it."""

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from hidden_convexity.companion.plotting.sparse import correlations
from hidden_convexity.companion.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SKY,
    floor_band,
    plane,
    sample_hue,
)


def network_on_signal(ax, t, y, fit, knots=(), label="certified global optimum", ticks="kinks"):
    """A signal (n,), a network's output on it (n,), and the places where the output bends."""
    ax.plot(t, y, color=GREY, linewidth=1, label="signal")
    ax.plot(t, fit, color=BLUE, label=label)
    if len(knots):
        level = np.full(len(knots), ax.get_ylim()[0])
        ax.plot(knots, level, "|", color=BLUE, markersize=8, clip_on=False, label=ticks)
    ax.legend(loc="upper right")
    return ax


def bound_line(ax, value, label="global optimum, certified"):
    """A horizontal line below which no network gets."""
    ax.axhline(value, color=BLUE, label=label)
    return ax


def descent_curves(ax, runs, certified):
    """How far above a proven bound several descent runs are, P / bound - 1, against the step.

    The runs are a list of (steps, excesses); the certified optimum has an excess below the number
    `certified`, and its band is shaded.
    """
    for steps, excesses in runs:
        ax.plot(steps, excesses, color=ORANGE, linewidth=0.9, alpha=0.8)
    floor_band(ax, certified, "certified global optimum")
    ax.yaxis.set_major_locator(LogLocator(base=100))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.margins(x=0)
    right = {"ha": "right", "va": "center", "transform": ax.get_yaxis_transform()}
    ax.text(0.97, 10.0, f"Adam, {len(runs)} seeds", color=ORANGE, **right)
    ax.set_xlabel("step")
    ax.set_ylabel("P / proven bound $-$ 1")
    return ax


def certified_gaps(ax, true, certified):
    """Per run: the true relative gap, and certified ones, a dict of label to gaps, on or above it.

    The marks are hollow, and the last ones so large that a dot within them is seen.
    """
    run = np.arange(len(true))
    ax.plot(run, true, "o", color=ORANGE, markersize=3.5, label="true gap")
    for (label, gaps), marker, size, colour in zip(
        certified.items(), ["v", "^", "s"], [5, 5, 8], [PINK, GREEN, SKY], strict=False
    ):
        ax.plot(run, gaps, marker, color=colour, mfc="none", markersize=size, label=label)
    ax.set_yscale("log")
    ax.set_xticks(run)
    ax.set_xlabel("seed")
    ax.set_ylabel("relative gap")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, columnspacing=1.0)
    return ax


def dual_on_circle(ax, angles, values, beta, neuron_angles, neuron_signs):
    """nu.(Xu)_+ around the circle of unit weights u, its limits +-beta, and the neurons.

    Angles are in radians and go once around. Neurons sit where the curve touches the limit of
    their sign.
    """
    first = np.degrees(angles[0])
    degrees = (np.degrees(neuron_angles) - first) % 360 + first
    correlations(
        ax, np.degrees(angles), values, beta, degrees, neuron_signs, label="optimal neurons"
    )
    ax.set_xticks(range(0, 360, 60))
    ax.set_xlabel("angle of u (degrees)")
    ax.set_ylabel(r"$\nu^\top (Xu)_+$")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def value_against_width(ax, widths, values, optimum, enough):
    """Objectives (starts, widths) of non-convex training against the width, over the optimum.

    The starts of a width stand side by side in the order of their objectives, so that a level is
    as long as the share of starts that end there.
    """
    shift = np.linspace(-0.38, 0.38, len(values))[:, None]
    bound_line(ax, optimum, "convex optimum")
    ax.plot(
        (np.asarray(widths) + shift).T.ravel(),
        np.sort(values, axis=0).T.ravel(),
        "o",
        color=ORANGE,
        markersize=2,
        label="non-convex training, one start each",
    )
    named = "as many neurons as the convex solution, or more"
    ax.axvline(enough - 0.5, color=GREY, linestyle=":", label=f"from here on: {named}")
    ax.set_xticks(widths)
    ax.set_xlabel("number of neurons m")
    ax.set_ylabel("training objective P")
    ax.legend()
    return ax


def fit_with_ramps(ax, t, y, grid, fit, ramps, owners):
    """Samples (n,), a network's output on a grid (k,), and each neuron's ramp (k, m).

    A ramp has the colour of the sample owners[j] at which it starts, black if owners[j] is -1.
    """
    for ramp, owner in zip(ramps.T, owners, strict=True):
        ax.plot(grid, ramp, color=sample_hue(owner), linewidth=0.9)
    ax.plot(grid, fit, color=BLUE, linewidth=1.8)
    for k, point in enumerate(zip(t, y, strict=True)):
        ax.plot(*point, "o", color=sample_hue(k), markeredgecolor="black", zorder=3)
    ax.set(xlabel="input t", ylabel="target y", ylim=(-3, 3))
    return ax


def walls_with_neurons(ax, X, weights, owners):
    """The lines {u : x_i.u = 0} of samples (n, 2) in their hues, and neurons (m, 2) as arrows."""
    for k, x in enumerate(X):
        along = np.array([-x[1], x[0]]) / np.linalg.norm(x)
        ax.plot(*np.outer(along, [-1, 1]), color=sample_hue(k), linewidth=1.2)
    for w, owner in zip(weights, owners, strict=True):
        arrow = {"arrowstyle": "-|>", "color": sample_hue(owner), "linewidth": 2.2, "shrinkA": 0}
        ax.annotate("", 1.1 * w / np.linalg.norm(w), (0, 0), arrowprops=arrow, zorder=4)
    return plane(ax, 1.25, "first weight", "second weight")


def dual_with_walls(ax, angles, values, beta, neuron_angles, neuron_signs, owners, walls):
    """`dual_on_circle` with a tick at both angles of each wall, and neurons in the walls' hues."""
    dual_on_circle(ax, angles, values, beta, neuron_angles[:0], neuron_signs[:0])
    ax.get_legend().remove()
    first = np.degrees(angles[0])
    for k, wall in enumerate(np.degrees(walls)):
        for angle in ((wall - first) % 360 + first, (wall + 180 - first) % 360 + first):
            ax.axvline(angle, ymax=0.08, color=sample_hue(k), linewidth=2)
    for angle, sign, owner in zip(np.degrees(neuron_angles), neuron_signs, owners, strict=True):
        place = (angle - first) % 360 + first, beta * np.sign(sign)
        ax.plot(*place, "o", color=sample_hue(owner), markeredgecolor="black", zorder=3)
    ax.set_ylim(-1.5 * beta, 1.25 * beta)
    ax.set_xticks(range(0, 360, 90))
    return ax
