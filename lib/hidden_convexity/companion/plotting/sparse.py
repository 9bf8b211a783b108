"""A signal in few atoms: what is kept, what is recovered, and the certificate of each."""

import numpy as np
from matplotlib.patches import Circle, Rectangle

from hidden_convexity.companion.plotting.style import BLUE, FILLS, GREY, PINK, SKY


def stretches(ax, values, starts, length):
    """A signal (n,) against the number of the sample, and numbered stretches of it, shaded."""
    ax.plot(values, color=GREY, linewidth=0.8)
    for k, start in enumerate(starts):
        ax.axvspan(start, start + length, color=FILLS[0], linewidth=0, zorder=0)
        place = {"ha": "center", "va": "bottom", "transform": ax.get_xaxis_transform()}
        ax.text(start + length / 2, 1.01, f"beat {k + 1}", color=BLUE, **place)
    ax.margins(x=0)
    ax.set_xlabel("time (samples)")
    ax.set_ylabel("amplitude (as recorded)")
    return ax


def compressibility(ax, errors):
    """Relative error of the best approximation by k atoms, k = 0, 1, ..., of each dictionary."""
    for (label, values), colour, style in zip(
        errors.items(), [BLUE, SKY, GREY], ["-", "--", ":"], strict=False
    ):
        ax.plot(values, color=colour, linestyle=style, label=label)
    ax.set_yscale("log")
    ax.margins(x=0)
    ax.set_xlabel("atoms kept")
    ax.set_ylabel("relative error")
    ax.legend(loc="lower left")
    return ax


def shrinkage(ax, before, after, beta):
    """Coefficients (p,) of an estimate against those of the data, on the graph of the threshold."""
    reach = 1.05 * np.abs(before).max()
    ax.axvspan(-beta, beta, color=FILLS[0], linewidth=0)
    ax.plot([-reach, reach], [-reach, reach], color=GREY, linestyle=":", label="unchanged")
    graph = np.array([-reach, -beta, beta, reach])
    ax.plot(graph, np.sign(graph) * (np.abs(graph) - beta), color="black", linewidth=0.9)
    ax.plot(before, after, "o", color=BLUE, markersize=3.5, label="atoms")
    ax.set_xlabel(r"$a_j^\top y$, coefficient of the data")
    ax.set_ylabel("$z_j$, of the Lasso")
    ax.legend(loc="upper left")
    return ax


def correlations(ax, positions, values, beta, chosen, signs, label=None):
    """Correlations of the dual variable with atoms in order, their limits, and the chosen atoms.

    Atoms at the positions `chosen` sit where the curve touches the limit beta of their sign.
    """
    span = positions[[0, -1]]
    ax.fill_between(span, -beta, beta, color=FILLS[0], linewidth=0)
    ax.plot(positions, values, color="black", linewidth=1.1)
    for limit in (beta, -beta):
        ax.axhline(limit, color=BLUE, linewidth=1)
    ax.plot(chosen, beta * np.sign(signs), "o", color=BLUE, label=label)
    ax.set_yticks([-beta, 0, beta], [r"$-\beta$", "0", r"$+\beta$"])
    ax.set_xlim(*span)
    return ax


def paired_correlations(ax, pairs, beta, active, disc):
    """Correlations (p, 2) of each atom with two residuals, within a square or a disc.

    Atoms that are active in either signal are blue: they lie on the boundary.
    """
    if disc:
        allowed = Circle((0, 0), beta, facecolor=FILLS[0], edgecolor=BLUE)
    else:
        allowed = Rectangle((-beta, -beta), 2 * beta, 2 * beta, facecolor=FILLS[0], edgecolor=BLUE)
    ax.add_patch(allowed)
    ax.plot(*pairs[~active].T, "o", color=GREY, markersize=2.5, alpha=0.7, label="silent atoms")
    ax.plot(*pairs[active].T, "o", color=BLUE, markersize=3.5, clip_on=False, label="active atoms")
    ax.set(xlim=(-1.1 * beta, 1.1 * beta), ylim=(-1.1 * beta, 1.1 * beta), aspect="equal")
    ax.set_xticks([-beta, 0, beta], [r"$-\beta$", "0", r"$+\beta$"])
    ax.set_yticks([-beta, 0, beta], [r"$-\beta$", "0", r"$+\beta$"])
    ax.set_xlabel(r"$a_j^\top \nu_1$, first beat")
    ax.set_ylabel(r"$a_j^\top \nu_2$, second beat")
    return ax


def lost_stretch(ax, t, truth, filled, simple, lost):
    """A signal (n,) of which the samples `lost` (n,) bool are missing, and two ways to fill in.

    The estimates `filled` and `simple` are drawn over the lost stretch only.
    """
    ax.axvspan(*t[lost][[0, -1]], color=FILLS[1], linewidth=0)
    ax.plot(t, truth, color=GREY, linewidth=1, label="signal")
    ax.plot(t[lost], simple[lost], color=PINK, linestyle="--", label="mean of the others")
    ax.plot(t[lost], filled[lost], color=BLUE, label="nuclear norm")
    ax.margins(x=0)
    ax.set_xlabel("time (samples)")
    return ax


def against_measurements(ax, counts, curves, colours=(BLUE, PINK, GREY)):
    """Several quantities {label: values (k,)} against k numbers of measurements."""
    for (label, values), colour, marker in zip(
        curves.items(), colours, ["o", "s", "^"], strict=False
    ):
        ax.plot(counts, values, marker=marker, color=colour, markersize=3.5, label=label)
    ax.set_xlabel("number of measurements n")
    ax.legend()
    return ax
