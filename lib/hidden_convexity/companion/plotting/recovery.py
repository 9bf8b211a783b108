"""When the network of least norm is the one that made the data."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import NullFormatter

from hidden_convexity.companion.plotting.style import BLUE, GREY, ORANGE, PINK

# From never to always.
SHARE = LinearSegmentedColormap.from_list("share", ["#FFFFFF", "#DCEBF5", BLUE])


def recovery_map(ax, dimensions, samples, shares, title):
    """Share of successes (samples, dimensions) as a map, 0 white and 1 blue, with n = 2 d."""
    # Edges in the colour of their cell: otherwise a viewer may show seams between cells.
    style = {"cmap": SHARE, "vmin": 0, "vmax": 1, "edgecolors": "face", "linewidth": 0.3}
    ax.pcolormesh(dimensions, samples, shares, shading="nearest", **style)
    half = (dimensions[1] - dimensions[0]) / 2
    ends = np.array([dimensions[0] - half, dimensions[-1] + half])
    step = (samples[1] - samples[0]) / 2
    ax.plot(ends, 2 * ends, color="black", linestyle="--", linewidth=1)
    ax.set(xlim=ends, ylim=(samples[0] - step, samples[-1] + step))
    ax.set_title(title)
    ax.set_xlabel("dimension d")
    ax.set_ylabel("samples n")
    return ax


def recovery_band(ax, dimensions, first, last):
    """Samples at which a transition is predicted to begin and to have ended, over a map."""
    for samples in (first, last):
        ax.plot(dimensions, samples, color="black", linewidth=0.8)
    return ax


def recovery_collapse(ax, distance, shares, curve):
    """Measured shares at their distance from n = 2 d, in units of sqrt(n), and a predicted curve.

    The curve is a pair of arrays, distances and shares.
    """
    ax.plot(*curve, color="black", linewidth=1, label="Wendel's formula")
    ax.plot(distance, shares, "o", color=BLUE, markersize=4, mfc="none", label="measured")
    ax.set(xlim=(-4, 4), ylim=(-0.03, 1.03))
    ax.set_xlabel(r"$(n - 2d)\,/\sqrt{n - 1}$")
    ax.set_title("share recovered, by distance")
    ax.legend(loc="lower right")
    return ax


def share_scale(axes):
    """One colour bar for the maps on several axes."""
    bar = axes[0].figure.colorbar(axes[0].collections[0], ax=list(axes), aspect=25, pad=0.02)
    bar.set_label("share of instances recovered")
    bar.set_ticks([0, 0.5, 1])
    bar.outline.set_linewidth(0.5)
    return axes


def isometry_values(ax, ratios, values, recovered):
    """The value that neural isometry bounds by 1, per instance, against n / d.

    Instances of one n / d stand side by side in the order of their values.
    """
    place = np.array(ratios, dtype=float)
    for ratio in np.unique(place):
        same = np.flatnonzero(ratios == ratio)
        half = 0.007 * len(same)
        place[same[np.argsort(values[same])]] += np.linspace(-half, half, len(same))
    for chosen, marker, colour, label in [
        (recovered, "o", BLUE, "recovered"),
        (~recovered, "x", ORANGE, "not recovered"),
    ]:
        ax.plot(
            place[chosen],
            values[chosen],
            marker,
            color=colour,
            mfc="none",
            markersize=3.5,
            label=label,
            alpha=0.7,
        )
    ax.axhline(1, color="black", linewidth=1)
    ax.set_yscale("log")
    ax.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("samples per dimension, n / d")
    ax.set_ylabel(r"$\max_g \|X^\top D_g \nu\|$")
    ax.legend(loc="upper right")
    return ax


def recovery_rates(ax, ratios, rates):
    """Shares of recovered instances against n / d; rates {label: (values, kind)}.

    The kind is "gated" (dashed) or "ReLU" (solid); the number of planted neurons sets the colour:
    the first label of a kind is blue, the second pink.
    """
    colours = {"gated": iter([BLUE, PINK]), "ReLU": iter([BLUE, PINK])}
    for label, (values, kind) in rates.items():
        style = {"linestyle": "--" if kind == "gated" else "-", "marker": "o", "markersize": 3}
        ax.plot(ratios, values, color=next(colours[kind]), label=label, **style)
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel("samples per dimension, n / d")
    ax.set_ylabel("share recovered")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def error_against_noise(ax, noise, errors, proportional):
    """Relative errors of trained networks (repeats, noises), and a line in proportion to noise."""
    ax.plot(noise, proportional, color=GREY, linestyle=":", label="proportional to the noise")
    for k, row in enumerate(errors):
        label = "certified optimum, one a data set" if k == 0 else None
        ax.plot(noise, row, "o", color=BLUE, markersize=4, mfc="none", label=label)
    ax.set(xscale="log", yscale="log")
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(r"noise $\sigma$ (standard deviation per sample)")
    ax.set_ylabel("relative error on new inputs")
    ax.legend(loc="upper left")
    return ax
