"""The exact dual oracle over listed chambers: a projection onto each cone that may matter.

On the chamber of pattern D, nu.(Xu)_+ = a.u with a = X^T D nu, whose maximum over the chamber's
closed cone K and the unit ball is ||Proj_K(a)||. Since that is at most what the wall that a is
furthest beyond leaves of a, cones are taken in the order of these lengths, and the rest is cleared
as soon as they fall below what has been found.

The bound rests on no projection being precise: with S z >= 0 on the cone, a.u <= ||a + S^T m|| for
any m >= 0.
"""

import numpy as np

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.nonnegative import nonnegative_least_squares
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.foundations.validation import flag
from hidden_convexity.geometry.arrangement import count_chambers
from hidden_convexity.geometry.cones import project_each
from hidden_convexity.geometry.hyperplanes import distances_moved, row_lengths, row_space, unit_rows
from hidden_convexity.oracle.maximum import DualMaximum, Remainders, dual_point, heights

# Chambers unpacked at a time: entries of an (n, chambers) float64 block, 32 MB.
BLOCK = 4_000_000
# Entries of all patterns up to which they stay unpacked: a training on a hundred samples at most
# asks again and again, and a quarter of each call was unpacking.
KEPT = 500_000
# Cones projected on at first, and then twice as many each time: the largest bounds tell the most.
# The first ones also are where other local maxima above the level are found.
FIRST = 1024
# Of these so many in any case, even below the level: the largest is the value if none is above.
KNOWN = 64
# A neighbour's multiplier above minus this share of the point's length is rounding of zero.
LOCAL = 1e-12
# A projection longer by this share than nu.(Xu)_+ in its direction has left its cone: it was ended
# early, since normal equations of nearly dependent rows are as good as singular.
OUTSIDE = 1e-9
# A projection whose multipliers add up to this times its length is off its walls by rounding that
# many times larger than its own: a direction along it is then put on them.
OFF = 10.0
# A direction further than this from a wall is not on it, whatever a projection ended early says.
NEAR_WALL = 1e-3
# A projection this much shorter than its point is what rounding has left of zero.
VANISHED = 1e-12
# How far the nearest listed chamber may be from a point of the sphere, if the list is not known to
# be complete: thinner chambers may have been left out. `Arrangement.enumerate` leaves out those
# that are thinner than about 1e-14.
THIN = 1e-13


class Exhaustive:
    """Maximise |nu.(Xu)_+| over the unit ball and the closed cones of an arrangement's chambers.

    Parameters
    ----------
    arrangement : Arrangement
        Enumerated: the maximum is M(nu). Sampled: it is the maximum over these chambers only.
    dropped : (n,) array_like or None
        How far the rows were moved by who reduced them to the arrangement's X (see `Coordinates`),
        which the bound is to include; None if they are the data.
    progress : bool
        Show how many chambers a call has gone through, if it takes more than a second.

    Raises
    ------
    TypeError, ValueError
        If `dropped` does not go with the arrangement.

    References
    ----------
    Theory: chamber-projection.
    """

    def __init__(self, arrangement, dropped=None, progress=False):
        self.arrangement = arrangement
        self.progress = flag(progress, "progress")
        self.X = arrangement.X
        self._lengths, unit = row_lengths(self.X), unit_rows(self.X)
        nonzero = np.flatnonzero(self._lengths)
        _, first, line = np.unique(
            arrangement._line[nonzero], return_index=True, return_inverse=True
        )
        self._nonzero, self._owner = nonzero, line
        first = nonzero[first]
        # The cones are those of one row a line; others of the line have been moved to it.
        self._walls, self._unit = first, unit[first]
        few = len(arrangement) * len(self.X) <= KEPT
        self._kept = self._unpacked(slice(None)) if few else None
        self._cones = np.ascontiguousarray(self._kept[1].T > 0) if few else None
        moved = np.zeros(len(self.X))
        side = np.where(arrangement._flipped[nonzero] == arrangement._flipped[first[line]], 1, -1)
        apart = np.linalg.norm(side[:, None] * unit[nonzero] - unit[first[line]], axis=1)
        shared = first[line] != nonzero
        moved[nonzero] = self._lengths[nonzero] * (apart + 4 * EPS) * shared
        self._thin = 0.0
        if arrangement.complete:
            if arrangement.rank < self.X.shape[1]:
                basis = row_space(self._unit)
                moved += distances_moved(self.X, basis, self.X @ basis)
            # Each listed chamber has a gate that is clearly inside, and there are never more
            # chambers than in general position: with so many the list is complete.
            complete = len(arrangement) == count_chambers(len(first), arrangement.rank)
            self._thin = 0.0 if complete else THIN
        self._moved = Remainders(self.X, dropped, moved)

    def __repr__(self):
        return f"Exhaustive({self.arrangement!r})"

    def __call__(self, nu, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """Maximum over the chambers, with the maximiser of every cone that had to be visited.

        Parameters
        ----------
        nu : (n,) array_like
            Dual point.
        tolerance : float
            Cones that can beat the best found by at most this factor are not visited.
        level : float
            Cones that cannot exceed it are not visited.
        starts, stop
            Part of the common signature; this oracle starts nowhere, and goes through all chambers.

        Returns
        -------
        DualMaximum
        """
        nu, level = dual_point(nu, self.X), max(float(level), 0.0)
        points, sizes, ceilings = self._points(nu)
        # Sorting all of a few thousand costs as much as projecting on those that matter.
        above = ceilings > (1 + tolerance) * level
        if np.count_nonzero(above) < KNOWN:
            above[:] = True
        order = np.flatnonzero(above)
        order = order[np.argsort(-ceilings[order], kind="stable")]
        bound = float(ceilings.max(initial=0.0, where=~above))
        reached, found, first, most = level, [], 0, FIRST
        with progress_bar(self.progress, desc="proof", unit="cone") as bar:
            while first < len(order):
                chosen, enough = order[first : first + most], (1 + tolerance) * reached
                known = 0 if found else KNOWN
                chosen = chosen[: max(np.count_nonzero(ceilings[chosen] > enough), known)]
                if not len(chosen):
                    bound = max(bound, float(ceilings[order[first]]))
                    break
                least = np.full(len(chosen), level)
                least[:known] = 0.0
                lengths, bounds, *cones = self._project(chosen, points, sizes, nu, enough, least)
                bound = max(bound, float(bounds.max()))
                reached = max(reached, float(lengths.max()))
                # Of those below the level the longest may be the best there is.
                kept = (lengths > 0) & (lengths >= min(level, lengths.max()))
                found.append([one[kept] for one in (chosen, lengths, *cones)])
                first += len(chosen)
                most = min(2 * most, max(BLOCK // len(nu), 1))
                bar.update(len(chosen))
        chosen, *found = map(np.concatenate, zip(*found, strict=True))
        if self.arrangement.complete:  # of a few cones the neighbours do not count
            local = self._local(nu, chosen, sizes, *found)
            found = [one[local] for one in found]
        directions = self._directions(*found)
        values = heights(self.X, nu, directions)
        kept = _distinct(directions, values)
        directions, values = directions[kept], values[kept]
        if self.arrangement.complete:
            return DualMaximum.proven(self.X, nu, bound + self.allowance(nu), directions, values)
        # A maximiser on a wall may be just outside of its cone, where h is that of another one.
        best = float(np.abs(values).max(initial=0.0))
        return DualMaximum(best, max(best, bound + self.allowance(nu)), directions, values)

    def allowance(self, nu):
        """What the bound at nu (n,) includes for rounding, moved rows and `dropped`.

        In units of sum |nu_i| ||x_i||: (n + 4) eps for the sums a = X^T D nu and their lengths, in
        whatever order they are added; and 1e-13 if the list has fewer chambers than general
        position would have, as thin ones may be missing. Rows on the line of another one add
        |nu_i| times their distance from it. What the projections' own sums round, (n + 6) eps for
        each unit of their multipliers, is added where they are made.
        """
        nu = dual_point(nu, self.X)
        size = float(np.abs(nu) @ self._lengths)
        return ((len(nu) + 4) * EPS + self._thin) * size + self._moved.charge(nu)

    def _unpacked(self, chambers):
        """Patterns (n, g) of some chambers, and on which side of their walls they are (m, g)."""
        patterns = self.arrangement.unpack(chambers)
        return patterns, np.where(patterns[self._walls], 1.0, -1.0)

    def _points(self, nu):
        """The points a (2G, d) of all cones, their lengths, and bounds on those of the projections.

        Those of +nu.(Xu)_+ in all chambers, then those of -nu.(Xu)_+. A bound is what one wall
        leaves: at m = -s x.a > 0, where s x is the unit normal of the wall that a is furthest
        beyond, it is ||a + m s x||. Its square is ||a||^2 - m^2 up to rounding in units of eps
        ||a||^2: 2 (d + 2) for m, 4 for the length of x, and 8 for the squares.
        """
        G, d = len(self.arrangement), self.X.shape[1]
        parts, beyond = np.empty((d, G)), np.empty((2, G))
        step = max(BLOCK // len(self.X), 1)
        for start in range(0, G, step):
            block = slice(start, start + step)
            patterns, sides = self._kept or self._unpacked(block)
            parts[:, block] = (nu[:, None] * self.X).T @ patterns
            inward = sides * (self._unit @ parts[:, block])
            beyond[0, block] = -inward.min(axis=0, initial=0.0)
            beyond[1, block] = inward.max(axis=0, initial=0.0)
        points = np.concatenate([parts.T, -parts.T])
        sizes = np.tile(row_lengths(parts.T), 2)
        share = beyond.ravel() / np.where(sizes > 0, sizes, 1.0)
        left = np.maximum(1.0 - share**2, 0.0) + (2 * d + 16) * EPS
        return points, sizes, sizes * np.sqrt(left)

    def _project(self, chosen, points, sizes, nu, enough, least):
        """Projections of points a (2G, d) of sizes (2G,) onto their cones, for some of them (k,).

        Each is a + S^T m with some m >= 0, S the inward unit rows, and so at least as long as the
        maximum of a.u over the cone: one that rounding ends early bounds it still. If it is longer
        than enough, and than nu.(Xu)_+ in its direction u, a slower method takes its place. What
        is shorter than least (k,) need not be the projection, and has the length 0.

        Returns
        -------
        lengths, bounds : (k,) ndarray
            Of the projections, and with what the sums themselves round.
        projected : (k, d) ndarray
        tight, counts, multipliers : (k, d), (k,) and (k, d) ndarray
            Numbers of the walls of which they are made, how many, and m.
        """
        points, shape = points[chosen], (len(chosen), points.shape[1])
        patterns, owner = self._cones, chosen % len(self.arrangement)
        if patterns is None:
            patterns = np.ascontiguousarray(self._unpacked(owner)[1].T > 0)
            owner = np.arange(len(chosen))
        tight, counts = np.zeros(shape, dtype=np.int64), np.zeros(len(points), dtype=np.int64)
        projected, multipliers = np.empty(shape), np.zeros(shape)
        cones = self._unit, patterns, owner
        project_each(*cones, points, tight, counts, projected, multipliers, least)
        lengths = row_lengths(projected)
        long = np.flatnonzero(lengths > enough)
        reached = np.abs(heights(self.X, nu, projected[long])) / lengths[long]
        for j in long[reached < (1 - OUTSIDE) * lengths[long]]:
            inward = np.where(patterns[owner[j], :, None], self._unit, -self._unit)
            positive = nonnegative_least_squares(inward.T, -points[j])
            support = np.flatnonzero(positive)[: shape[1]]
            counts[j], tight[j, : len(support)] = len(support), support
            multipliers[j, : len(support)] = positive[support]
            projected[j] = points[j] + positive[support] @ inward[support]
            lengths[j] = row_lengths(projected[j : j + 1])[0]
        bounds = lengths + (len(self._unit) + 6) * EPS * multipliers.sum(axis=1)
        # What is left of a polar vector is rounding.
        vanished = (lengths <= VANISHED * sizes[chosen]) | (lengths < least)
        projected[vanished], lengths[vanished] = 0.0, 0.0
        return lengths, bounds, projected, tight, counts, multipliers

    def _local(self, nu, chosen, sizes, lengths, projected, tight, counts, multipliers):
        """Whether +-nu.(Xu)_+ has a local maximum where some cones (k,) have their own: (k,) bool.

        On z = a + sum of m_i s_i x_i, s_i the side of unit row i, the neighbour across the wall of
        i has a - s_i c_i x_i for a, c_i being nu's share of that row's line, and so -(m_i + c_i) in
        the place of m_i: its own maximum is there as well if that is not negative. The longest
        projection is the best there is.
        """
        shares = np.bincount(
            self._owner, nu[self._nonzero] * self._lengths[self._nonzero], len(self._walls)
        )
        signs = np.where(chosen < len(self.arrangement), 1.0, -1.0)
        added = multipliers + signs[:, None] * shares[tight]
        held = added <= LOCAL * sizes[chosen, None]
        unused = np.arange(tight.shape[1]) >= counts[:, None]
        return (held | unused).all(axis=1) | (lengths == lengths.max(initial=0.0))

    def _directions(self, lengths, projected, tight, counts, multipliers):
        """Unit vectors along projections (k, d), on the walls that are tight at them.

        A projection much shorter than its multipliers is off these walls by their rounding, and
        nu.(Xu)_+ may fall off steeply there.
        """
        directions = projected / lengths[:, None]
        off = multipliers.sum(axis=1) > OFF * lengths
        for count in np.unique(counts[off]):
            here = np.flatnonzero(off & (counts == count))
            span = np.linalg.qr(self._unit[tight[here, :count]].mT)[0]
            apart = (span @ (span.mT @ directions[here, :, None]))[..., 0]
            directions[here] -= np.where(row_lengths(apart)[:, None] <= NEAR_WALL, apart, 0.0)
        return directions / row_lengths(directions)[:, None]


def _distinct(directions, values):
    """Sort by |value| and keep one of equal directions with one sign: neighbours share walls."""
    order = np.argsort(-np.abs(values), kind="stable")
    key = np.column_stack([np.sign(values), directions])[order].round(9)
    # A stable sort: the first of equal ones comes first. np.unique takes three times as long.
    together = np.lexsort(key.T)
    new = np.ones(len(key), dtype=bool)
    new[1:] = (key[together[1:]] != key[together[:-1]]).any(axis=1)
    return order[np.sort(together[new])]
