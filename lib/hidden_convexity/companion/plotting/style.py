"""The one style of all figures: colours, sizes, and the frame of a picture of the plane."""

import matplotlib as mpl
import numpy as np
from matplotlib.patches import Circle as Disc

# Okabe and Ito (2008), distinguishable with any common colour vision. One colour, one meaning:
# blue for what is certified or active, orange for what descent found, green for one neuron's
# weights, amber for one sample's hyperplane, grey for data.
BLUE, ORANGE, GREEN, PINK, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
AMBER, GREY = "#E69F00", "#666666"
# Light fills: blue for what is allowed or active; chambers alternate between the two.
FILLS = ["#DCEBF5", "#FFF3CC"]
# Fills of single chambers, where each needs its own: five hues of the same palette, each full and
# pale for two opposite chambers.
CHAMBERS = [
    (AMBER, "#F7DFAD"),
    (SKY, "#CBE7F8"),
    ("#F0E442", "#FBF8C9"),
    (GREEN, "#ADDFD2"),
    (PINK, "#F1D9E6"),
]
# One hue a sample, as long as there are few.
HUES = (AMBER, SKY, GREEN, PINK, GREY)


def use_style():
    """Set the style of every figure: readable at the width of a page column, nothing superfluous.

    Sizes are for figures 7 inches wide, two columns of a page; notebooks show them at 100 dpi.
    """
    mpl.rcParams.update(
        {
            "figure.figsize": (7.0, 2.8),
            "figure.dpi": 100,
            "savefig.dpi": 100,
            "svg.hashsalt": "hidden-convexity",  # the same names in each drawing
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


def plane(ax, radius, xlabel, ylabel):
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


def floor_band(ax, floor, name, side="left"):
    """A named band for what is too small to be told from zero, below what is already drawn."""
    ax.set_yscale("log")
    ax.axhspan(floor / 10, floor, color=FILLS[0], linewidth=0, zorder=0)
    ax.axhline(floor, color=BLUE)
    ax.set_ylim(floor / 10, None)
    where = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    at, inwards = {"left": (0, 4), "right": (1, -4)}[side]
    style = {"ha": side, "va": "top", "color": BLUE, "fontsize": 8}
    ax.annotate(name, (at, floor), (inwards, -3), **style, **where)
    return ax


def within_floor(values, floor):
    """Values as they are drawn on axes with a `floor_band`: those up to the floor inside of it."""
    # In the lower half of the band: its name is in the upper one.
    return np.where(values > floor, values, floor / 10**0.75)


def sample_hue(sample):
    """The colour of one of a few samples, and of what belongs to it; black for -1, to none."""
    return "black" if sample < 0 else HUES[sample % len(HUES)]
