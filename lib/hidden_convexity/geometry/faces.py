"""Faces of a zonotope from the sides that its chambers and facets have of the lines of its rows.

A line has two sides. A vertex, or chamber, is on one side of each; an edge joins two vertices that
differ in one line; a facet is on no side of the lines that are parallel to it.
"""

import numpy as np

from hidden_convexity.geometry.hyperplanes import null_vectors
from hidden_convexity.geometry.packed_patterns import distinct_patterns


def edges(sides):
    """Pairs (E, 2) of vertices that an edge joins, for sides (m, G) bool of each vertex."""
    pairs = [np.zeros((0, 2), dtype=int)]
    for line in range(len(sides)):
        # Two chambers that differ in this line only.
        rest = sides.copy()
        rest[line] = False
        first, which = distinct_patterns(np.packbits(rest, axis=0).T)
        partner = first[which]
        second = np.flatnonzero(partner != np.arange(len(partner)))
        pairs.append(np.column_stack([partner[second], second]))
    return np.concatenate(pairs)


def facets(lines):
    """Normals (F, r) and the side (F, m) of each line: 1, -1, or 0 where it is parallel.

    The lines (m, r) are distinct, of unit length and full rank r; opposite facets come in two
    halves, in the same order.
    """
    m, r = lines.shape
    if r == 0:
        return np.zeros((0, r)), np.zeros((0, m))
    rays, tight, side = [], [], []
    for ray, at, products in null_vectors(lines):
        rays.append(ray)
        tight.append(at)
        side.append(np.where(at, 0, np.sign(products)))
    rays, tight, side = map(np.concatenate, (rays, tight, side))
    first = np.sort(distinct_patterns(np.packbits(tight, axis=1))[0])
    # Of a ray and its opposite, the one on the positive side of the first line it is off.
    up = np.take_along_axis(side, (side != 0).argmax(axis=1)[:, None], axis=1)[first]
    normals, side = up * rays[first], up * side[first]
    return np.concatenate([normals, -normals]), np.concatenate([side, -side])


def polygons(normals, facet_sides, sides, gates):
    """The facets of rank 3 as polygons of vertices, counter-clockwise seen from outside.

    Parameters
    ----------
    normals, facet_sides : (F, 3) and (F, m) ndarray
        As `facets` returns them.
    sides, gates : (m, G) ndarray of bool and (3, G) ndarray
        Of the vertices.

    Returns
    -------
    list of F ndarrays of int
    """
    found = []
    for normal, side in zip(normals, facet_sides, strict=True):
        off = side != 0
        members = np.flatnonzero((sides[off] == (side[off] > 0)[:, None]).all(axis=0))
        frame = np.linalg.svd(normal[None])[2][1:]
        frame[1] *= np.sign(np.linalg.det([*frame, normal]))
        found.append(around(frame @ gates[:, members], members))
    return found


def around(directions, vertices):
    """Vertices (k,) in the order of the angles of their directions (2, k), the smallest first."""
    polygon = vertices[np.argsort(np.arctan2(directions[1], directions[0]))]
    return np.roll(polygon, -polygon.argmin())
