"""All chambers of a central arrangement of rank r, met along its great circles.

Any r - 2 independent hyperplanes meet in a plane, which cuts the unit sphere in a great circle. The
other hyperplanes cut this circle into arcs, and every edge of a chamber is such an arc. So we walk
along each circle, from one crossing to the next. The pattern changes by the line that is crossed;
the chambers around an arc differ in the lines whose hyperplanes contain the circle.

A chamber is met once for each of its edges. A hash table of bit-packed patterns keeps one copy, so
memory is in proportion to the number of distinct chambers.
"""

from itertools import combinations, islice, product

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.loops import assign, fill
from hidden_convexity.geometry.hyperplanes import SAME_LINE, unit_rows

# Let B be the computed basis of the plane in which the hyperplanes of the rows of A meet. For a
# unit row x, x B is exact up to ROUNDING (1 + ||x A^+||): A B is zero up to rounding, and what is
# left is seen by x that much amplified.
ROUNDING = 32 * EPS
# Chambers that are met, with repetition, before the table makes room for more.
CHUNK = 500_000


def half_of_chambers(normals):
    """The chambers on the positive side of the first hyperplane; the others are their opposites.

    Parameters
    ----------
    normals : (m, r) ndarray
        Distinct unit normals of full rank r >= 1.

    Returns
    -------
    bits : (G, ceil(m / 8)) ndarray of uint8
        Distinct patterns as `numpy.packbits` packs them: which side of each hyperplane.
    gates : (r, G) ndarray
        Unit vectors inside the chambers: the mean of the rays at the ends of their edges.

    Notes
    -----
    Where nearly parallel normals leave the order of crossings to rounding, a pattern that does not
    exist may be proposed. Its gate is not inside, which the caller has to check.
    """
    m, r = normals.shape
    if r == 1:
        gate = np.sign(normals[0])
        return np.packbits(normals @ gate > 0)[None], gate[:, None]
    table = _Table(m, r)
    all_sides = np.array(list(product((False, True), repeat=r - 2)), dtype=bool)
    met = set()
    for products, errors, planes, spans in _circles(normals, CHUNK // len(all_sides)):
        contain = np.hypot(products[..., 0], products[..., 1]) <= errors
        simple = contain.sum(axis=1) == r - 2
        lines = (np.flatnonzero(contain[simple]) % m).reshape(np.count_nonzero(simple), r - 2)
        table.add(products[simple], errors[simple], planes[simple], lines, all_sides)
        # Where more hyperplanes contain the circle, their own arrangement, of rank r - 2, tells the
        # chambers around it. Other subsets of them lead to the same circle.
        for circle in np.flatnonzero(~simple):
            lines = np.flatnonzero(contain[circle])
            if lines.tobytes() not in met:
                met.add(lines.tobytes())
                half, _ = half_of_chambers(unit_rows(normals[lines] @ spans[circle].T))
                sides = np.unpackbits(half, axis=1, count=len(lines)).astype(bool)
                one = slice(circle, circle + 1)
                sides = np.concatenate([sides, ~sides])
                table.add(products[one], errors[one], planes[one], lines[None], sides)
    return table.chambers()


def _circles(normals, chunk):
    """Great circles, some k at a time, one for each r - 2 independent normals A.

    Products (k, m, 2) of the normals with a basis of the circle's plane, their errors (k, m), these
    bases (k, 2, r), and bases (k, r - 2, r) of the span of A.
    """
    m, r = normals.shape
    subsets = combinations(range(m), r - 2)
    while batch := list(islice(subsets, max(chunk // m, 1))):
        rows = normals[np.array(batch, dtype=int).reshape(len(batch), r - 2)]
        _, singular, basis = np.linalg.svd(rows, full_matrices=True)
        independent = singular.min(axis=1, initial=1.0) > SAME_LINE
        spans, planes = basis[independent, :-2], basis[independent, -2:]
        coefficients = normals @ spans.mT / singular[independent, None]
        errors = ROUNDING * (1 + np.linalg.norm(coefficients, axis=2))
        yield normals @ planes.mT, errors, planes, spans


def _arcs(products, errors, lines):
    """Half-way around k circles: what is crossed, in order, and the arcs between crossings.

    Half is enough: the other half meets the opposite chambers.

    Returns
    -------
    order : (k, q) ndarray of int
        The lines that are crossed. Arc a follows crossing a.
    exists : (k, q) ndarray of bool
        Whether arc a has a length. Crossings that are equal up to their errors are one.
    middles : (k, q, 2) ndarray
        The sum of the two ends of arc a, unit vectors.
    before : (k, m) ndarray of bool
        Active lines before the first crossing; the lines that contain the circle are not.
    """
    x, y = products[..., 0], products[..., 1]
    # The product of (x, y) with (cos t, sin t) turns positive at the angle of (y, -x).
    angle = np.arctan2(-x, y)
    turns_active = (angle >= 0) & (angle < np.pi)
    before = ~turns_active
    angle = np.mod(angle, np.pi)
    np.put_along_axis(before, lines, False, axis=1)
    np.put_along_axis(angle, lines, np.inf, axis=1)
    order = np.ascontiguousarray(np.argsort(angle, axis=1)[:, : x.shape[1] - lines.shape[1]])
    x, y, angle, errors, turns_active = (
        np.take_along_axis(values, order, axis=1) for values in (x, y, angle, errors, turns_active)
    )
    size = np.hypot(x, y)
    points = np.stack([y, -x], axis=2) * (np.where(turns_active, 1.0, -1.0) / size)[..., None]
    # The last arc ends half-way around, at the antipode of the first crossing.
    ends = np.concatenate([points[:, 1:], -points[:, :1]], axis=1)
    length = np.diff(angle, axis=1, append=angle[:, :1] + np.pi)
    error = errors / size
    return order, length > error + np.roll(error, -1, axis=1), points + ends, before


class _Table:
    """Distinct patterns, each with the sum of the rays at the ends of its chamber's edges.

    The hash of a pattern is the exclusive or of random keys, one for each active line, so a
    crossing updates it in one operation. It only says where to look: equality is of all bits.
    """

    def __init__(self, m, r):
        self.line_keys = np.random.default_rng(0).integers(-(2**63), 2**63, size=m)
        self.all_lines = np.packbits(np.ones(m, dtype=bool))
        self.count = 0
        self.bits = np.empty((0, len(self.all_lines)), dtype=np.uint8)
        self.hashes = np.empty(0, dtype=np.int64)
        self.rays = np.empty((0, r))
        self.slots = np.empty(0, dtype=np.int64)

    def add(self, products, errors, planes, lines, sides):
        """Add the chambers around the arcs of k circles.

        Parameters
        ----------
        products, errors, planes
            Of `_circles`.
        lines : (k, t) ndarray of int
            Lines whose hyperplanes contain the circle.
        sides : (c, t) ndarray of bool
            Their sides in each chamber around the circle.
        """
        order, exists, middles, before = _arcs(products, errors, lines)
        self._reserve(np.count_nonzero(exists) * len(sides))
        self.count = _walk(
            order,
            exists,
            middles @ planes,
            np.packbits(before, axis=1),
            np.bitwise_xor.reduce(np.where(before, self.line_keys, 0), axis=1),
            lines,
            sides,
            self.line_keys,
            self.all_lines,
            (self.slots, self.hashes, self.bits, self.rays),
            self.count,
        )

    def _reserve(self, more):
        """Make room for `more` patterns; memory that is reserved and not used costs nothing."""
        if self.count + more <= len(self.hashes):
            return
        room = max(self.count + more, 2 * len(self.hashes))
        for name in ("bits", "hashes", "rays"):
            old = getattr(self, name)
            new = np.empty((room, *old.shape[1:]), dtype=old.dtype)
            new[: self.count] = old[: self.count]
            setattr(self, name, new)
        self.slots = np.full(2 ** int(2 * room).bit_length(), -1)
        _fill(self.slots, self.hashes[: self.count])

    def chambers(self):
        """The distinct patterns and their gates."""
        gates = self.rays[: self.count].T
        return self.bits[: self.count], gates / np.linalg.norm(gates, axis=0)


@njit(cache=True, nogil=True)
def _fill(slots, hashes):
    """Enter distinct patterns into a table of free slots, -1; its size is a power of two."""
    for chamber in range(len(hashes)):
        slot = hashes[chamber] & (len(slots) - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = chamber


@njit(cache=True, nogil=True)
def _equal(one, other):
    for k in range(len(one)):
        if one[k] != other[k]:
            return False
    return True


@njit(cache=True, nogil=True)
def _flip(pattern, line):
    """Change the side of one line in packed bits."""
    pattern[line >> 3] ^= np.uint8(128 >> (line & 7))


@njit(cache=True, nogil=True)
def _walk(
    order, exists, rays, before, before_hash, lines, sides, line_keys, all_lines, table, count
):
    """Walk along circles and add the chambers around their arcs; returns the number of chambers.

    As in `_arcs` and `_Table.add`, with `before` packed (k, bytes) and its hashes (k,), and rays
    (k, q, r), the sum of those at both ends of an arc.
    """
    slots, hashes, bits, sums = table
    all_hash = 0
    for key in line_keys:
        all_hash ^= key
    on_arc, pattern = np.empty_like(all_lines), np.empty_like(all_lines)
    for circle in range(order.shape[0]):
        assign(on_arc, before[circle])
        arc_hash = before_hash[circle]
        for arc in range(order.shape[1]):
            _flip(on_arc, order[circle, arc])
            arc_hash ^= line_keys[order[circle, arc]]
            if not exists[circle, arc]:
                continue
            for choice in range(sides.shape[0]):
                assign(pattern, on_arc)
                pattern_hash = arc_hash
                for k in range(sides.shape[1]):
                    if sides[choice, k]:
                        _flip(pattern, lines[circle, k])
                        pattern_hash ^= line_keys[lines[circle, k]]
                sign = 1.0
                if not pattern[0] & 128:  # the opposite chamber is on the positive side of line 0
                    sign = -1.0
                    for k in range(len(pattern)):
                        pattern[k] ^= all_lines[k]
                    pattern_hash ^= all_hash
                slot = pattern_hash & (len(slots) - 1)
                while slots[slot] >= 0 and not (
                    hashes[slots[slot]] == pattern_hash and _equal(bits[slots[slot]], pattern)
                ):
                    slot = (slot + 1) & (len(slots) - 1)
                if slots[slot] < 0:
                    slots[slot] = count
                    hashes[count] = pattern_hash
                    assign(bits[count], pattern)
                    fill(sums[count], 0.0)
                    count += 1
                chamber = slots[slot]
                for k in range(sums.shape[1]):
                    sums[chamber, k] += sign * rays[circle, arc, k]
    return count
