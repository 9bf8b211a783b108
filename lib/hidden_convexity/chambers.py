"""All chambers of a central arrangement of rank r, met along its great circles.

Any r - 2 independent hyperplanes meet in a plane, which cuts the unit sphere in a great circle. The
other hyperplanes cut this circle into arcs, and every edge of a chamber is such an arc. So we walk
along each circle, from one crossing to the next: a pattern changes by the lines that are crossed,
and the chambers around an arc differ in the lines that contain the circle.

Chambers are met several times, once for each edge. A hash table of bit-packed patterns keeps one
copy, so memory is in proportion to the distinct chambers.
"""

from itertools import combinations, islice, product

import numpy as np
from numba import njit

from hidden_convexity.hyperplanes import SAME_LINE, unit_rows

# Let the rows of A contain a circle, and B be a computed basis of its plane. A unit row x has x B
# exact up to ROUNDING (1 + ||x A^+||): B solves A B = 0 up to rounding, and x amplifies that error.
ROUNDING = 64 * np.finfo(float).eps
# Pairs of a circle and a line that are looked at together: arrays of 4 MB, which fit in a cache.
CHUNK = 500_000


def half_of_chambers(normals):
    """The chambers on the positive side of the first hyperplane; the others are their opposites.

    Parameters
    ----------
    normals : (m, r) ndarray
        Distinct unit normals of full rank r >= 1.

    Returns
    -------
    bits : (P, ceil(m / 8)) ndarray of uint8
        Distinct patterns as `numpy.packbits` packs them: on which side of each hyperplane.
    gates : (r, P) ndarray
        Unit vectors inside the chambers: the mean of the rays at both ends of all edges.

    Notes
    -----
    Up to rounding: where nearly parallel normals leave the order of crossings undecided, a pattern
    that does not exist can be proposed. Its gate lies elsewhere and tells.
    """
    m, r = normals.shape
    if r == 1:
        side = np.sign(normals[0])
        return np.packbits(normals * side > 0, axis=0).T, side[:, None]
    table = _Table(m, r)
    choices = np.array(list(product((False, True), repeat=r - 2))).reshape(2 ** (r - 2), r - 2)
    seen = set()
    for products, errors, planes, spans in _circles(normals, CHUNK // len(choices)):
        contain = np.hypot(products[..., 0], products[..., 1]) <= errors
        few = contain.sum(axis=1) == r - 2
        if few.any():
            lines = np.nonzero(contain[few])[1].reshape(np.count_nonzero(few), r - 2)
            table.walk(products[few], errors[few], contain[few], planes[few], lines, choices)
        # More lines than needed contain the circle: their own arrangement, of rank r - 2, tells
        # the chambers around it. Other subsets of these lines lead to the same circle.
        for circle in np.flatnonzero(~few):
            lines = np.flatnonzero(contain[circle])
            if lines.tobytes() not in seen:
                seen.add(lines.tobytes())
                around = _sides(half_of_chambers(unit_rows(normals[lines] @ spans[circle].T))[0])
                one = slice(circle, circle + 1)
                around = around[:, : len(lines)]
                around = np.concatenate([around, ~around])
                table.walk(
                    products[one], errors[one], contain[one], planes[one], lines[None], around
                )
    return table.chambers()


def _sides(bits):
    """Unpack bits, padding included."""
    return np.unpackbits(bits, axis=1).astype(bool)


def _circles(normals, chunk):
    """Chunks of k great circles, one for each r - 2 independent normals A.

    Products (k, m, 2) of the normals with a basis of the circle's plane, their errors (k, m), the
    bases (k, 2, r) and orthonormal bases (k, r - 2, r) of the rows of A.
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


class _Table:
    """Distinct patterns, each with the sum of the rays that it was met between.

    A pattern's key is the exclusive or of its active lines' random keys, so a crossing updates it
    in one operation. Keys only say where to look: equal patterns are equal in every bit.
    """

    def __init__(self, m, r):
        self.line_keys = np.random.default_rng(0).integers(-(2**63), 2**63, size=m)
        self.everywhere = np.packbits(np.ones(m, dtype=bool))
        self.count = 0
        self.bits = np.empty((0, len(self.everywhere)), dtype=np.uint8)
        self.keys = np.empty(0, dtype=np.int64)
        self.rays = np.empty((0, r))

    def walk(self, products, errors, contain, planes, lines, choices):
        """Walk half-way around k circles, and add the chambers around each arc.

        Half of a circle is enough: the other half meets the opposite chambers.

        Parameters
        ----------
        products, errors, planes
            Of `_circles`, for these circles.
        contain : (k, m) ndarray of bool
            Which lines contain the circle. Each circle has equally many, t.
        lines : (k, t) ndarray of int
            The same lines by number.
        choices : (c, t) ndarray of bool
            Sides of these lines taken by the chambers around the circle.
        """
        crossing = contain.shape[1] - lines.shape[1]
        size = np.hypot(products[..., 0], products[..., 1])
        # The point at which a line's side turns active is (p_2, -p_1) / |p|, for the product p.
        rising = np.arctan2(-products[..., 0], products[..., 1])
        rises = (rising >= 0) & (rising < np.pi)
        angle = np.where(contain, np.inf, np.mod(rising, np.pi))
        order = np.argsort(angle, axis=1)[:, :crossing]
        angle = np.take_along_axis(angle, order, axis=1)
        sign = np.take_along_axis(np.where(rises, 1.0, -1.0), order, axis=1)
        size = np.take_along_axis(size, order, axis=1)
        error = np.take_along_axis(errors, order, axis=1) / size
        products = np.take_along_axis(products, order[..., None], axis=1)
        points = np.stack([products[..., 1], -products[..., 0]], axis=2) * (sign / size)[..., None]
        # Arc a leads from crossing a to a + 1, the last one to the antipode of the first. Crossings
        # that are one up to their errors have no arc between them.
        ends = np.concatenate([points[:, 1:], -points[:, :1]], axis=1)
        length = np.diff(angle, axis=1, append=angle[:, :1] + np.pi)
        arcs = length > error + np.roll(error, -1, axis=1)
        before = ~rises & ~contain
        self._reserve(np.count_nonzero(arcs) * len(choices))
        self.count = _walk(
            order,
            arcs,
            (points + ends) @ planes,
            np.packbits(before, axis=1),
            np.bitwise_xor.reduce(np.where(before, self.line_keys, 0), axis=1),
            lines,
            choices,
            self.line_keys,
            self.everywhere,
            (self.slots, self.keys, self.bits, self.rays),
            self.count,
        )

    def _reserve(self, more):
        """Make room for `more` chambers; what is reserved and not used costs no memory."""
        if self.count + more <= len(self.keys):
            return
        room = max(self.count + more, 2 * len(self.keys))
        for name in ("bits", "keys", "rays"):
            old = getattr(self, name)
            new = np.empty((room, *old.shape[1:]), dtype=old.dtype)
            new[: self.count] = old[: self.count]
            setattr(self, name, new)
        self.slots = np.full(2 ** int(2 * room).bit_length(), -1)
        _fill(self.slots, self.keys[: self.count])

    def chambers(self):
        """The distinct patterns and their gates."""
        gates = np.ascontiguousarray(self.rays[: self.count].T)
        return self.bits[: self.count], gates / np.linalg.norm(gates, axis=0)


@njit(cache=True, nogil=True)
def _fill(slots, keys):
    """Enter distinct patterns into an empty table by their keys."""
    for chamber in range(len(keys)):
        slot = keys[chamber] & (len(slots) - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = chamber


@njit(cache=True, nogil=True)
def _flip(pattern, line):
    """Change the side of one line in packed bits."""
    pattern[line >> 3] ^= np.uint8(128 >> (line & 7))


@njit(cache=True, nogil=True)
def _equal(one, other):
    for k in range(len(one)):
        if one[k] != other[k]:
            return False
    return True


@njit(cache=True, nogil=True)
def _walk(order, arcs, rays, before, before_key, lines, choices, line_keys, everywhere, table, count):
    """Add the chambers around the arcs of some circles to a table; returns the new count.

    Crossings `order` (k, q), `arcs` (k, q) that have a length, the sum of the rays at both ends
    (k, q, r), patterns `before` the first crossing and their keys; the rest as in `_Table.walk`.
    """
    slots, keys, bits, sums = table
    opposite_key = 0
    for key in line_keys:
        opposite_key ^= key
    pattern, chamber_pattern = np.empty_like(everywhere), np.empty_like(everywhere)
    for circle in range(len(order)):
        pattern[:] = before[circle]
        key = before_key[circle]
        for arc in range(order.shape[1]):
            _flip(pattern, order[circle, arc])
            key ^= line_keys[order[circle, arc]]
            if not arcs[circle, arc]:
                continue
            for choice in choices:
                chamber_pattern[:] = pattern
                chamber_key = key
                for k in range(len(choice)):
                    if choice[k]:
                        _flip(chamber_pattern, lines[circle, k])
                        chamber_key ^= line_keys[lines[circle, k]]
                side = 1.0
                if not chamber_pattern[0] & 128:
                    side = -1.0
                    chamber_pattern ^= everywhere
                    chamber_key ^= opposite_key
                slot = chamber_key & (len(slots) - 1)
                while slots[slot] >= 0 and not (
                    keys[slots[slot]] == chamber_key and _equal(bits[slots[slot]], chamber_pattern)
                ):
                    slot = (slot + 1) & (len(slots) - 1)
                if slots[slot] < 0:
                    slots[slot] = count
                    keys[count], bits[count], sums[count] = chamber_key, chamber_pattern, 0.0
                    count += 1
                chamber = slots[slot]
                for k in range(sums.shape[1]):
                    sums[chamber, k] += side * rays[circle, arc, k]
    return count
