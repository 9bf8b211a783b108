"""Data in the plane, the hyperplanes of weights they define, and the chambers between."""

import numpy as np
from matplotlib.patches import Wedge

from hidden_convexity.companion.plotting.style import BLUE, FILLS, GREEN, GREY, SKY, plane


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
    return plane(ax, 1.25 * np.abs(X).max(), "first feature", "second feature")


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
    return plane(ax, radius, "first feature", "second feature")


def arrangement(ax, X, gates=None, u=None, fills=None, names=True):
    """The lines {u : x_i.u = 0} in the plane of weights, and the chambers between them.

    The chambers of the given gates (2, G) are filled, alternating colours or the given ones; the
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
    return plane(ax, 1.25, "first weight", "second weight")


def sliced_arrangement(ax, X):
    """The planes {u : x_i.u = 0} of samples (n, 3) as lines in the slice u_3 = 1."""
    for x in X:
        ax.axline((0, -x[2] / x[1]), slope=-x[0] / x[1], color="black", linewidth=0.8)
    ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    ax.set(xlabel="first weight", ylabel="second weight (third = 1)")
    return ax


def rays_and_gates(ax, rays, gates):
    """Rays (2, r) of an arrangement as black squares, gates (2, G) as green dots."""
    ax.plot(*rays, "s", color="black", markersize=4, label="rays")
    ax.plot(*gates, "o", color=GREEN, markersize=4, label="gates")
    return ax


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
