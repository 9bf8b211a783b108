"""Zonotopes in the plane and in space: vertices, normal cones, and the distance between two."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Polygon, Wedge

from hidden_convexity.companion.plotting.style import (
    BLUE,
    CHAMBERS,
    FILLS,
    GREEN,
    GREY,
    PINK,
    plane,
    sample_hue,
)

CENTRED = {"ha": "center", "va": "center"}


def chamber_fills(gates):
    """A fill for each chamber (2, G) of the plane: neighbours differ, opposites share a hue."""
    order = np.argsort(np.arctan2(gates[1], gates[0]) % (2 * np.pi))
    fills, half = np.empty(len(order), dtype=object), len(order) // 2
    for k, chamber in enumerate(order):
        fills[chamber] = CHAMBERS[k % half % len(CHAMBERS)][k // half]
    return fills


def zonogon(ax, vertices, fill="#F2F2F2", edge="black", margin=1.1):
    """A planar zonotope: its vertices (G, 2) in order around it."""
    ax.add_patch(Polygon(vertices, facecolor=fill, edgecolor=edge, linewidth=1.1, zorder=2))
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    radius = margin * np.abs(vertices - centre).max()
    ax.set(aspect="equal", xticks=[], yticks=[], xlabel="first feature", ylabel="second feature")
    ax.set_xlim(centre[0] - radius, centre[0] + radius)
    ax.set_ylim(centre[1] - radius, centre[1] + radius)
    return ax


def subset_sums(ax, vertices, sums, rows):
    """The sums (2^n, 2) of all subsets of the rows (n, 2): few are vertices (G, 2), in blue.

    Each edge has the hue of the row that it is parallel to.
    """
    zonogon(ax, vertices)
    around = zip(vertices, np.roll(vertices, -1, axis=0), strict=True)
    for edge in map(np.array, around):
        step = edge[1] - edge[0]
        owner = np.argmin(np.abs(step[0] * rows[:, 1] - step[1] * rows[:, 0]))
        ax.plot(*edge.T, color=sample_hue(owner), linewidth=2.2, zorder=3)
    for k, x in enumerate(rows):
        hue = sample_hue(k)
        arrow = {"arrowstyle": "-|>", "color": hue, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", x, (0, 0), arrowprops=arrow, zorder=3)
        ax.text(*(x + 0.18 * x / np.linalg.norm(x)), f"$x_{k + 1}$", **CENTRED)
    ax.plot(*sums.T, "o", color="white", markeredgecolor="black", markersize=3.5, zorder=4)
    ax.plot(*vertices.T, "o", color=BLUE, markersize=5, zorder=5)
    return ax


def normal_cones(ax, vertices, cones, fills, reach=0.6):
    """A planar zonotope with the normal cone (2, 2) of each vertex (G, 2) attached to it."""
    for vertex, cone, fill in zip(vertices, cones, fills, strict=True):
        ax.add_patch(_sector(vertex, cone, reach, color=fill, linewidth=0, zorder=1))
        for ray in cone:
            ax.plot(*np.transpose([vertex, vertex + reach * ray]), color="black", linewidth=0.8)
    zonogon(ax, vertices, margin=1.42)
    for vertex, fill in zip(vertices, fills, strict=True):
        ax.plot(*vertex, "o", color=fill, markeredgecolor="black", markersize=6, zorder=3)
    return ax


def named_vertices(ax, vertices, names, fills):
    """A planar zonotope whose vertices (G, 2) are coloured and carry names."""
    zonogon(ax, vertices, margin=1.7)
    centre = vertices.mean(axis=0)
    for vertex, name, fill in zip(vertices, names, fills, strict=True):
        ax.plot(*vertex, "o", color=fill, markeredgecolor="black", markersize=7, zorder=3)
        _name_outward(ax, vertex, vertex - centre, 0.22, name)
    return ax


def fan(ax, cones, names, fills):
    """Normal cones (2, 2) in the plane, all moved to the origin, with the names of their vertices.

    The cones come in order around the origin.
    """
    for cone, name, fill in zip(cones, names, fills, strict=True):
        ax.add_patch(_sector((0, 0), cone, 1.0, color=fill, linewidth=0))
        for ray in cone:
            ax.plot(*np.outer(ray, [0, 1]), color="black", linewidth=0.8)
        middle = cone.sum(axis=0) / np.linalg.norm(cone.sum(axis=0))
        _name_outward(ax, middle, middle, 0.1, name)
    return plane(ax, 1.7, "first weight", "second weight")


def neuron_directions(ax, weights):
    """The directions of neurons (m, 2) as arrows in the plane of weights."""
    for w in weights:
        arrow = {"arrowstyle": "-|>", "color": "black", "linewidth": 1.8, "shrinkA": 0}
        ax.annotate("", 1.1 * w / np.linalg.norm(w), (0, 0), arrowprops=arrow, zorder=4)
    return ax


def supporting_line(ax, vertices, u, touching, fill):
    """A planar zonotope, a direction u and the line across it that touches the vertex (2,)."""
    zonogon(ax, vertices, margin=1.3)
    unit = u / np.linalg.norm(u)
    along, reach = np.array([-unit[1], unit[0]]), np.abs(vertices).max()
    ax.plot(*(touching + np.outer([-2, 2], along * reach)).T, color="black", linewidth=0.9)
    foot = unit * (touching @ unit)
    arrow = {"arrowstyle": "-|>", "color": GREEN, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", 0.45 * foot, (0, 0), arrowprops=arrow, zorder=4)
    ax.text(*(0.45 * foot + 0.14 * along), "$u$", color=GREEN, **CENTRED)
    ax.plot(*np.transpose([(0, 0), foot]), color=BLUE, linewidth=1, linestyle="--", zorder=3)
    ax.text(*(0.8 * foot + 0.3 * along), "$h_Z(u)$", color=BLUE, **CENTRED)
    ax.plot(*touching, "o", color=fill, markeredgecolor="black", markersize=8, zorder=5)
    ax.plot(0, 0, "o", color="black", markersize=3, zorder=5)
    return ax


def support_function(ax, angles, values, cones, fills):
    """h_Z on the unit circle, coloured by the normal cone (2, 2) that each direction is in."""
    for cone, fill in zip(cones, fills, strict=True):
        low, high = np.sort(np.degrees(np.arctan2(cone[:, 1], cone[:, 0])) % 360)
        spans = [(low, high)] if high - low < 180 else [(high, 360), (0, low)]
        for first, last in spans:
            ax.axvspan(first, last, color=fill, linewidth=0)
    ax.plot(np.degrees(angles), values, color="black")
    ax.set_xlim(0, 360)
    ax.margins(y=0.1)
    ax.set_xticks(range(0, 361, 60))
    ax.set_xlabel("angle of u (degrees)")
    ax.set_ylabel("$h_Z(u)$")
    return ax


def _name_outward(ax, point, outward, distance, name):
    """Text beside a point, on the side that a vector points to."""
    outward = outward / np.linalg.norm(outward)
    beside = abs(outward[0]) > 0.3
    ax.text(
        *(point + distance * outward),
        name,
        fontsize=7,
        ha=("left" if outward[0] > 0 else "right") if beside else "center",
        va="center" if beside else "bottom" if outward[1] > 0 else "top",
    )


def _sector(apex, cone, radius, **style):
    """The part of a cone of two rays within a radius; the cone is less than a half-plane."""
    first, second = np.degrees(np.arctan2(cone[:, 1], cone[:, 0]))
    if (second - first) % 360 > 180:
        first, second = second, first
    return Wedge(apex, radius, first, second, **style)


def polyhedron(ax, polygons, fills, direction=(20, -50)):
    """A convex polyhedron: polygons (k, 3), counter-clockwise from outside, and their fills.

    It is seen from a direction given by its elevation and azimuth in degrees.
    """
    elevation, azimuth = np.radians(direction)
    eye = np.array([np.cos(azimuth), np.sin(azimuth), np.tan(elevation)]) * np.cos(elevation)
    normals = np.array([np.cross(p[1] - p[0], p[2] - p[1]) for p in polygons])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    # A lamp above the viewer's left shoulder; faces turned away from it keep most of their colour.
    lamp = eye + np.array([np.sin(azimuth), -np.cos(azimuth), 0.0]) * 0.7 + [0, 0, 0.9]
    light = 0.7 + 0.3 * np.clip(normals @ lamp / np.linalg.norm(lamp), 0, 1)
    # What is in front of a convex solid hides nothing of it: no face needs sorting.
    front = np.flatnonzero(normals @ eye > 0)
    across = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    onto = np.array([across, np.cross(eye, across)]).T
    for k in front:
        colour = light[k] * np.array(to_rgb(fills[k]))
        face = Polygon(polygons[k] @ onto, facecolor=colour, edgecolor="black", linewidth=0.4)
        ax.add_patch(face)
    ax.update_datalim(np.concatenate(polygons) @ onto)
    ax.autoscale_view()
    ax.set(aspect="equal")
    ax.set_axis_off()
    return ax


def fill_names(fig, names):
    """What the fills of a figure mean, {fill: name}, below it."""
    marks = [Patch(facecolor=fill, edgecolor="black", linewidth=0.4) for fill in names]
    fig.legend(marks, list(names.values()), loc="outside lower center", ncols=len(names))
    return fig


def within_reach(ax, inner, outer, rim, vertices, nearest, beyond):
    """Whether one planar zonotope lies within a distance of another, and where it just does.

    The polygons inner and outer (k, 2), the rim (k, 2) at this distance around the outer one, and
    the vertices (m, 2) of the inner one that are at the rim, or beyond (m,) it, joined with their
    nearest points (m, 2) of the outer one.
    """
    ax.add_patch(Polygon(rim, facecolor=FILLS[0], edgecolor=BLUE, linewidth=1.1))
    ax.add_patch(Polygon(outer, facecolor="white", edgecolor=GREY, linewidth=0.9))
    ax.add_patch(Polygon(inner, facecolor=(0, 0, 0, 0.08), edgecolor="black", linewidth=1.3))
    for vertex, foot, out in zip(vertices, nearest, beyond, strict=True):
        arrow = {"arrowstyle": "-|>", "color": PINK if out else GREEN, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", vertex, foot, arrowprops=arrow, zorder=4)
        ax.plot(*vertex, "o", color=PINK if out else BLUE, markersize=5, zorder=5)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.autoscale_view()
    return ax
