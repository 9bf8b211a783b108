"""The pictures of the notebooks, in one style. Functions draw what they are given on an axis."""

import matplotlib as mpl
import numpy as np
from matplotlib.patches import Circle as Disc
from matplotlib.patches import Wedge

from hidden_convexity.manifest import save_figure

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PINK",
    "SKY",
    "arrangement",
    "bound_line",
    "certified_gaps",
    "chamber_growth",
    "coverage",
    "descent_curves",
    "dual_on_circle",
    "network_on_signal",
    "numbered_points",
    "save_figure",
    "separating_line",
    "use_style",
    "value_against_width",
]

# Okabe and Ito (2008), distinguishable with any common colour vision. One colour, one meaning:
# blue for what is certified or active, orange for what descent found, green for one neuron's
# weights, grey for data.
BLUE, ORANGE, GREEN, PINK, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
GREY = "#666666"
# Light fills: blue for what is allowed or active; chambers alternate between the two.
FILLS = ["#DCEBF5", "#FFF3CC"]


def use_style():
    """Set the style of every figure: readable at the width of a page column, nothing superfluous.

    Sizes are for figures 7 inches wide, two columns of a page; notebooks show them at 100 dpi.
    """
    mpl.rcParams.update(
        {
            "figure.figsize": (7.0, 2.8),
            "figure.dpi": 100,
            "savefig.dpi": 100,
            "figure.constrained_layout.use": True,
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.titlesize": 9,
            "axes.labelsize": 9,
            "legend.fontsize": 8,
            "xtick.labelsize": 8,
            "ytick.labelsize": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.8,
            "legend.frameon": False,
            "lines.linewidth": 1.5,
            "axes.prop_cycle": mpl.cycler(color=[BLUE, ORANGE, GREEN, PINK, SKY, GREY]),
        }
    )


def network_on_signal(ax, t, y, fit, knots=(), label="certified global optimum"):
    """A signal (n,), a network's output on it (n,), and the places where the output bends."""
    ax.plot(t, y, color=GREY, linewidth=1, label="signal")
    ax.plot(t, fit, color=BLUE, label=label)
    if len(knots):
        level = np.full(len(knots), ax.get_ylim()[0])
        ax.plot(knots, level, "|", color=BLUE, markersize=8, clip_on=False, label="kinks")
    ax.legend(loc="upper right")
    return ax


def bound_line(ax, value, label="global optimum, certified"):
    """A horizontal line below which no network gets."""
    ax.axhline(value, color=BLUE, label=label)
    return ax


def descent_curves(ax, runs, lower_bound):
    """Objective of several descent runs against the step, above the proven bound.

    The runs are a list of (steps, objectives).
    """
    for k, (steps, objectives) in enumerate(runs):
        label = f"Adam, {len(runs)} seeds" if k == 0 else None
        ax.plot(steps, objectives, color=ORANGE, linewidth=0.9, alpha=0.8, label=label)
    bound_line(ax, lower_bound)
    ax.set_yscale("log")
    ax.set_xlabel("step")
    ax.set_ylabel("training objective P")
    ax.legend(loc="upper right")
    return ax


def certified_gaps(ax, true, certified):
    """Per run: the true relative gap, and certified ones, a dict of label to gaps, above it."""
    run = np.arange(len(true))
    for (label, gaps), marker, colour in zip(
        certified.items(), ["v", "^", "s"], [PINK, GREEN, SKY], strict=False
    ):
        ax.plot(run, gaps, marker, color=colour, markersize=4.5, label=label)
    ax.plot(run, true, "o", color=ORANGE, markersize=4, label="true gap")
    ax.set_yscale("log")
    ax.set_xticks(run)
    ax.set_xlabel("seed")
    ax.set_ylabel("relative gap")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, columnspacing=1.0)
    return ax


def numbered_points(ax, X, active=None):
    """Samples in the plane as arrows from the origin, numbered from 1; active ones in blue."""
    active = np.ones(len(X), dtype=bool) if active is None else active
    for k, (x, on) in enumerate(zip(X, active, strict=True)):
        colour = BLUE if on else GREY
        ax.annotate("", x, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 0})
        ax.text(
            *(x + 0.16 * x / np.linalg.norm(x)),
            f"$x_{k + 1}$",
            color=colour,
            ha="center",
            va="center",
        )
    return _plane(ax, 1.25 * np.abs(X).max(), "first feature", "second feature")


def separating_line(ax, X, u):
    """Data in the plane and the line {x : x.u = 0} of a neuron u; its active side is shaded."""
    radius = 1.25 * np.abs(X).max()
    angle = np.degrees(np.arctan2(u[1], u[0]))
    ax.add_patch(Wedge((0, 0), 3 * radius, angle - 90, angle + 90, color=FILLS[0], zorder=0))
    along = np.array([-u[1], u[0]]) / np.linalg.norm(u)
    ax.plot(*np.outer(along, [-3 * radius, 3 * radius]), color="black", linewidth=1)
    numbered_points(ax, X, X @ u > 0)
    normal = 0.5 * radius * u / np.linalg.norm(u)
    ax.annotate("", normal, (0, 0), arrowprops={"arrowstyle": "-|>", "color": GREEN, "shrinkA": 0})
    ax.text(*(1.15 * normal), "$u$", color=GREEN, ha="center", va="center")
    return _plane(ax, radius, "first feature", "second feature")


def arrangement(ax, X, gates=None, u=None, fills=None, names=True):
    """The lines {u : x_i.u = 0} in the plane of weights, and the chambers between them.

    The chambers of the given gates (2, P) are filled, alternating colours or the given ones; the
    direction u (2,) is drawn as an arrow.
    """
    edges = np.sort(np.arctan2(X[:, 0], -X[:, 1]) % np.pi)
    edges = np.unique(np.concatenate([edges, edges + np.pi]).round(12))
    gates = np.zeros((2, 0)) if gates is None else gates
    order = np.argsort(np.arctan2(gates[1], gates[0]) % (2 * np.pi))
    for k, gate in enumerate(order):
        angle = np.arctan2(gates[1, gate], gates[0, gate]) % (2 * np.pi)
        above = edges[np.searchsorted(edges, angle) % len(edges)]
        below = edges[np.searchsorted(edges, angle) - 1]
        fill = FILLS[k % 2] if fills is None else fills[gate]
        ax.add_patch(Wedge((0, 0), 1.0, *np.degrees([below, above]), color=fill, linewidth=0))
    for k, x in enumerate(X):
        along = np.array([-x[1], x[0]]) / np.linalg.norm(x)
        ax.plot(*np.outer(along, [-1, 1]), color="black", linewidth=0.8)
        if names:
            end = along if along[1] > 0 else -along
            ax.text(*(1.12 * end), f"$x_{k + 1}$", ha="center", va="center")
    if u is not None:
        tip = 0.75 * np.asarray(u) / np.linalg.norm(u)
        ax.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": GREEN, "shrinkA": 0})
        ax.text(*(1.15 * tip), "$u$", color=GREEN, ha="center", va="center")
    return _plane(ax, 1.25, "first weight", "second weight")


def chamber_growth(ax, n, counts):
    """Number of chambers against n for several ranks {rank: counts}, and all 2^n sign patterns."""
    for (rank, values), marker in zip(counts.items(), ["o", "s", "^", "D"], strict=False):
        ax.plot(n, values, marker=marker, color=BLUE, linewidth=1, markersize=3)
        ax.text(n[-1] + 0.5, values[-1], f"rank {rank}", color=BLUE, va="center")
    ax.plot(n, 2.0 ** np.asarray(n), color=GREY, linestyle=":")
    ax.text(n[-1] + 0.5, 2.0 ** n[-1], "all $2^n$ subsets", color=GREY, va="center")
    ax.set_yscale("log")
    ax.set_xlabel("number of samples n")
    ax.set_ylabel("number of patterns")
    return ax


def coverage(ax, draws, found, total, references):
    """Chambers met by random directions, runs (r, k) at k numbers of draws, against the total.

    The references {label: values (k,)} are what the runs are compared with.
    """
    for k, one in enumerate(found):
        label = "met, one line a run" if k == 0 else None
        ax.plot(draws, one, color=SKY, linewidth=0.9, label=label)
    for (label, values), style in zip(references.items(), [":", "--"], strict=False):
        ax.plot(draws, values, linestyle=style, color="black", linewidth=1.1, label=label)
    ax.axhline(total, color=BLUE, linewidth=1, label=f"all {total:,} chambers")
    ax.set_xscale("log")
    ax.set_xlabel("random directions drawn")
    ax.set_ylabel("distinct chambers met")
    ax.legend(loc="lower right")
    return ax


def dual_on_circle(ax, angles, values, beta, neuron_angles, neuron_signs):
    """nu.(Xu)_+ around the circle of unit weights u, its limits +-beta, and the neurons.

    Angles are in radians and go once around. Neurons sit where the curve touches the limit of
    their sign.
    """
    first, last = np.degrees(angles[[0, -1]])
    ax.fill_between([first, last], -beta, beta, color=FILLS[0], linewidth=0)
    ax.plot(np.degrees(angles), values, color="black", linewidth=1.1)
    for limit in (beta, -beta):
        ax.axhline(limit, color=BLUE, linewidth=1)
    degrees = (np.degrees(neuron_angles) - first) % 360 + first
    ax.plot(degrees, beta * np.sign(neuron_signs), "o", color=BLUE, label="optimal neurons")
    ax.set_yticks([-beta, 0, beta], [r"$-\beta$", "0", r"$+\beta$"])
    ax.set_xlim(first, last)
    ax.set_xticks(range(0, 360, 60))
    ax.set_xlabel("angle of u (degrees)")
    ax.set_ylabel(r"$\nu^\top (Xu)_+$")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def value_against_width(ax, widths, values, optimum, enough):
    """Objectives (starts, widths) of non-convex training against the width, over the optimum."""
    shift = np.linspace(-0.15, 0.15, len(values))[:, None]
    ax.plot(
        (np.asarray(widths) + shift).T.ravel(),
        values.T.ravel(),
        "o",
        color=ORANGE,
        markersize=3,
        alpha=0.6,
        label="non-convex training, one start each",
    )
    bound_line(ax, optimum, "convex optimum")
    ax.axvline(enough, color=GREY, linestyle=":", label="neurons of the convex solution")
    ax.set_xticks(widths)
    ax.set_xlabel("number of neurons m")
    ax.set_ylabel("training objective P")
    ax.legend()
    return ax


def _plane(ax, radius, xlabel, ylabel):
    """Equal axes of a plane around the origin, without frame or numbers: only directions matter."""
    ax.add_patch(Disc((0, 0), 0.02 * radius, color="black", zorder=3))
    ax.set_aspect("equal")
    ax.set_xlim(-radius, radius)
    ax.set_ylim(-radius, radius)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return ax
