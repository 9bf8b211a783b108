"""How a certified optimum is found and proven: the dual constraint as a landscape, and its cells.

Maps are equal-area (Lambert azimuthal) projections of the half sphere of unit weights, u_3 >= 0.
"""

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap

from hidden_convexity.companion.plotting.style import AMBER, BLUE, GREY, PINK

# From the limit of negative neurons over zero to that of positive ones, darkest at the limits.
SIGNED = LinearSegmentedColormap.from_list(
    "signed", ["#7A2F5B", PINK, "#F3E3EC", "#FFFFFF", "#DCEBF5", "#56A0CF", "#003F66"]
)
# How far from the unit circle a height of beta is drawn.
RELIEF = 0.4
# Longest piece of an arc, in radians, that is drawn as a straight line.
PIECE = 0.05


def circular_landscape(ax, directions, ratios, crests, neurons, signs):
    """nu.(Xu)_+ / beta as a relief on the unit circle, with its limits, crests and neurons.

    Directions (k, 2) go once around, and ratios (k,) are the heights there. Crests (c, 2) are unit
    vectors orthogonal to a sample at which the slope turns away from the limit; neurons (m, 2) are
    unit vectors, and `signs` tells which limit each attains.
    """
    for part, fill in ((np.maximum(ratios, 0), "#DCEBF5"), (np.minimum(ratios, 0), "#F3E3EC")):
        ring = np.concatenate([_raised(directions, part), directions[::-1]])
        ax.fill(*ring.T, color=fill, linewidth=0, zorder=0)
    for limit, colour in ((1.0, BLUE), (-1.0, PINK)):
        ax.plot(*(directions * (1 + RELIEF * limit)).T, color=colour, linewidth=1)
    ax.plot(*directions.T, color=GREY, linewidth=0.8)
    for u in crests:
        ends = np.outer([1 - RELIEF, 1 + RELIEF], u)
        ax.plot(*ends.T, color="black", linewidth=0.6, alpha=0.6, zorder=1)
    ax.plot(*_raised(directions, ratios).T, color="black", linewidth=1.1)
    ax.plot(
        *_raised(neurons, np.sign(signs)).T,
        "o",
        color="white",
        markeredgecolor="black",
        markersize=6,
        zorder=5,
    )
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def _raised(directions, ratios):
    return directions * (1 + RELIEF * ratios)[:, None]


def _project(directions):
    """Lambert's map of unit vectors (..., 3) with u_3 >= 0 onto the disc of radius 1."""
    return directions[..., :2] / np.sqrt(1.0 + directions[..., 2:])


def _hemisphere(ax, title):
    turn = np.linspace(0, 2 * np.pi, 361)
    ax.plot(np.cos(turn), np.sin(turn), color="black", linewidth=0.8, zorder=4)
    ax.set_aspect("equal")
    ax.set_xlim(-1.02, 1.02)
    ax.set_ylim(-1.02, 1.02)
    ax.axis("off")
    ax.set_title(title)
    return ax


def dual_landscape(ax, directions, ratios, title):
    """nu.(Xu)_+ / beta on a grid of unit vectors (a, b, 3), as a map; white is 0."""
    x, y = np.moveaxis(_project(directions), -1, 0)
    ax.pcolormesh(
        x, y, ratios, cmap=SIGNED, vmin=-1, vmax=1, shading="gouraud", rasterized=True, zorder=0
    )
    return _hemisphere(ax, title)


def ridges(ax, arcs):
    """Curves on the sphere, each (k, 3), where the landscape has a crest; NaN interrupts one."""
    lines = [_project(arc) for arc in arcs]
    ax.add_collection(LineCollection(lines, colors="black", linewidths=0.4, alpha=0.6, zorder=2))
    return ax


def neurons_on_map(ax, directions):
    """Optimal neurons (k, 3) as white discs."""
    x, y = _project(directions).T
    ax.plot(x, y, "o", color="white", markeredgecolor="black", markersize=6, zorder=5)
    return ax


def proof_cells(ax, vertices):
    """The outlines of the cones of a proof, vertices (c, 3, 3)."""
    shapes = [_project(_outline(cone)) for cone in vertices]
    ax.add_collection(
        PolyCollection(shapes, facecolors="none", edgecolors="black", linewidths=0.5, zorder=2)
    )
    return ax


def _outline(cone):
    """The boundary of a spherical triangle as points (k, 3), more of them on longer sides."""
    sides = []
    for start, end in zip(cone, np.roll(cone, -1, axis=0), strict=True):
        angle = np.arccos(np.clip(start @ end, -1, 1))
        share = np.linspace(0, 1, max(int(angle / PIECE), 1), endpoint=False)[:, None]
        side = (1 - share) * start + share * end
        sides.append(side / np.linalg.norm(side, axis=1, keepdims=True))
    return np.concatenate(sides)


def landscape_scale(axes):
    """One colour bar for the landscapes on several axes."""
    return _scale(axes, axes[0].collections[0], r"$\nu^\top (Xu)_+ \,/\, \beta$", shrink=0.8)


def image_scale(axes, label):
    """One colour bar for the images on several axes, pointed where values lie beyond its ends."""
    images = [image for ax in axes for image in ax.images]
    largest = max(np.abs(image.get_array()).max() for image in images)
    beyond = largest > images[0].get_clim()[1] * (1 + 1e-9)  # not where only roundoff does
    return _scale(axes, images[0], label, extend="both" if beyond else "neither")


def _scale(axes, drawn, label, **style):
    bar = axes[0].figure.colorbar(drawn, ax=list(axes), aspect=25, pad=0.02, **style)
    bar.set_label(label)
    bar.outline.set_linewidth(0.5)
    return axes


def fit_so_far(ax, t, y, fit, title):
    """A signal and the output of a network on the way to its optimum."""
    ax.plot(t, y, color=GREY, linewidth=0.8)
    ax.plot(t, fit, color=BLUE, linewidth=1.2)
    ax.set_title(title)
    return ax


def dual_so_far(ax, angles, ratios):
    """|nu.(Xu)_+| / beta around the circle, on a logarithmic axis, and where it exceeds 1."""
    degrees = np.degrees(angles)
    floor = np.full(len(ratios), 1.0)
    ax.fill_between(degrees, floor, np.maximum(ratios, floor), color=AMBER, linewidth=0)
    ax.plot(degrees, ratios, color="black", linewidth=0.8)
    ax.axhline(1, color=BLUE, linewidth=1)
    ax.set_yscale("log")
    ax.set_xlim(degrees[0], degrees[-1])
    ax.set_xticks([0, 180, 360])
    return ax
