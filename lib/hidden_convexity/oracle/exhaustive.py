"""The exact dual oracle over listed chambers: a projection onto each cone that may matter.

On the chamber of pattern D, nu.(Xu)_+ = a.u with a = X^T D nu, whose maximum over the chamber's
closed cone K and the unit ball is ||Proj_K(a)||. Since that is at most ||a||, chambers are taken
in the order of ||a|| and the rest is cleared as soon as ||a|| falls below what has been found.

The bound rests on no projection being precise: with S z >= 0 on the cone, a.u <= ||a + S^T m|| for
any m >= 0.
"""

import numpy as np
import scipy

from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.foundations.validation import flag
from hidden_convexity.geometry.arrangement import count_chambers
from hidden_convexity.geometry.cones import project_each
from hidden_convexity.geometry.hyperplanes import distances_moved, row_lengths, row_space, unit_rows
from hidden_convexity.oracle.maximum import EPS, DualMaximum, Remainders, dual_point, heights

# Chambers unpacked at a time: entries of an (n, chambers) float64 block, 32 MB.
BLOCK = 4_000_000
# Chambers projected on at first, and then twice as many each time: the largest ||a|| tell the most.
# The first ones also are where other local maxima above the level are found.
FIRST = 256
# A neighbour's multiplier above minus this share of the point's length is rounding of zero.
LOCAL = 1e-12
# A projection longer by this share than nu.(Xu)_+ in its direction has left its cone: it was ended
# early, since normal equations of nearly dependent rows are as good as singular.
OUTSIDE = 1e-9
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
        nu = dual_point(nu, self.X)
        linear = self._linear_parts(nu)
        size, allowance = row_lengths(linear), self.allowance(nu)
        order = np.argsort(-size, kind="stable")
        reached, bound, found, first, most = max(level, 0.0), 0.0, [], 0, FIRST
        with progress_bar(self.progress, desc="proof", unit="chamber") as bar:
            while first < len(order):
                chosen = order[first : first + most]
                enough = (1 + tolerance) * reached
                chosen = chosen[size[chosen] > enough]
                if not len(chosen):
                    bound = max(bound, float(size[order[first]]))
                    break
                points = np.concatenate([linear[chosen], -linear[chosen]])
                projected, lengths, bounds, *tight = self._project(
                    points, np.tile(size[chosen], 2), chosen, nu, enough
                )
                bound = max(bound, float(bounds.max()))
                reached = max(reached, float(lengths.max()))
                # Of those below the level the longest may be the best there is.
                kept = (lengths > 0) & (lengths >= min(level, lengths.max()))
                found.append([one[kept] for one in (points, projected, lengths, *tight)])
                first += len(chosen)
                most = min(2 * most, max(BLOCK // len(nu), 1))
                bar.update(len(chosen))
        if not found:
            none = np.zeros((0, 1), int), np.zeros(0, int)
            found.append([linear[:0], linear[:0], size[:0], *none])
        points, projected, _, *tight = map(np.concatenate, zip(*found, strict=True))
        directions = self._directions(projected, *tight)
        values = heights(self.X, nu, directions)
        kept = _distinct(directions, values)
        if self.arrangement.complete:  # of a few cones the neighbours do not count
            maximum = [one[kept] for one in (points, projected, *tight)]
            local = self._local(nu, np.sign(values[kept]), *maximum)
            local[:1] = True
            kept = kept[local]
        directions, values = directions[kept], values[kept]
        if self.arrangement.complete:
            return DualMaximum.proven(self.X, nu, bound + allowance, directions, values)
        # A maximiser on a wall may be just outside of its cone, where h is that of another one.
        best = float(np.abs(values).max(initial=0.0))
        return DualMaximum(best, max(best, bound + allowance), directions, values)

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

    def _linear_parts(self, nu):
        """X^T D nu for every chamber, (P, d)."""
        parts = np.empty((len(self.arrangement), self.X.shape[1]))
        step = max(BLOCK // len(self.X), 1)
        for start in range(0, len(parts), step):
            block = slice(start, start + step)
            parts[block] = self.arrangement.unpack(block).T @ (nu[:, None] * self.X)
        return parts

    def _project(self, points, sizes, chambers, nu, enough):
        """Projections of points a (2k, d) of sizes (2k,) onto cones of chambers (k,), twice.

        Each is a + S^T m with some m >= 0, S the inward unit rows, and so at least as long as the
        maximum of a.u over the cone: one that rounding ends early bounds it still. If it is longer
        than enough, and than nu.(Xu)_+ in its direction u, a slower method takes its place. What
        the sums themselves round is in the bounds (2k,), which follow the projections and their
        lengths; then come the rows tight at the projections (2k, d), and how many they are (2k,).
        """
        patterns = np.ascontiguousarray(self.arrangement.unpack(chambers)[self._walls].T)
        owner = np.tile(np.arange(len(chambers)), 2)
        tight, counts = (
            np.zeros(points.shape, dtype=np.int64),
            np.zeros(len(points), dtype=np.int64),
        )
        projected, totals = np.empty_like(points), np.empty(len(points))
        project_each(self._unit, patterns, owner, points, tight, counts, projected, totals)
        lengths = row_lengths(projected)
        long = np.flatnonzero(lengths > enough)
        reached = np.abs(heights(self.X, nu, projected[long])) / lengths[long]
        for j in long[reached < (1 - OUTSIDE) * lengths[long]]:
            inward = np.where(patterns[owner[j], :, None], self._unit, -self._unit)
            multipliers, _ = scipy.optimize.nnls(inward.T, -points[j], maxiter=30 * len(inward))
            support = np.flatnonzero(multipliers)[: points.shape[1]]
            counts[j], tight[j, : len(support)] = len(support), support
            projected[j], totals[j] = points[j] + inward.T @ multipliers, multipliers.sum()
            lengths[j] = row_lengths(projected[j : j + 1])[0]
        bounds = lengths + (len(self._unit) + 6) * EPS * totals
        # What is left of a polar vector is rounding.
        vanished = lengths <= VANISHED * sizes
        projected[vanished], lengths[vanished] = 0.0, 0.0
        return projected, lengths, bounds, tight, counts

    def _directions(self, projected, rows, counts):
        """Unit vectors along projections (k, d), on the walls of the rows tight at them.

        A projection much shorter than its point is off these walls by the point's rounding, and
        nu.(Xu)_+ may fall off steeply there.
        """
        directions = projected / row_lengths(projected)[:, None]
        for count in np.unique(counts[counts > 0]):
            here = np.flatnonzero(counts == count)
            span = np.linalg.qr(self._unit[rows[here, :count]].mT)[0]
            off = (span @ (span.mT @ directions[here, :, None]))[..., 0]
            directions[here] -= np.where(row_lengths(off)[:, None] <= NEAR_WALL, off, 0.0)
        return directions / row_lengths(directions)[:, None]

    def _local(self, nu, signs, points, projected, rows, counts):
        """Whether signs nu.(Xu)_+ has a local maximum where a cone has its own: (k,) bool.

        On z = a + sum of m_i s_i x_i, s_i the side of unit row i, the neighbour across the wall of
        i has a - s_i c_i x_i for a, c_i being nu's share of that row's line, and so -(m_i + c_i) in
        the place of m_i: its own maximum is there as well if that is not negative.
        """
        local = np.ones(len(points), dtype=bool)
        shares = np.bincount(
            self._owner, nu[self._nonzero] * self._lengths[self._nonzero], len(self._walls)
        )
        for count in np.unique(counts[counts > 0]):
            here = np.flatnonzero(counts == count)
            tight = rows[here, :count]
            added = (projected[here] - points[here])[:, :, None]
            multipliers = np.abs(np.linalg.pinv(self._unit[tight].mT) @ added)[..., 0]
            rounding = LOCAL * row_lengths(points[here])[:, None]
            local[here] = (multipliers + signs[here, None] * shares[tight] <= rounding).all(axis=1)
        return local


def _distinct(directions, values):
    """Sort by |value| and keep one of equal directions with one sign: neighbours share walls."""
    order = np.argsort(-np.abs(values), kind="stable")
    key = np.column_stack([np.sign(values), directions])[order].round(9)
    # A stable sort: the first of equal ones comes first. np.unique takes three times as long.
    together = np.lexsort(key.T)
    new = np.ones(len(key), dtype=bool)
    new[1:] = (key[together[1:]] != key[together[:-1]]).any(axis=1)
    return order[np.sort(together[new])]
