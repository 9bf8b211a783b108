"""The exact dual oracle over listed chambers: a projection onto each cone that may matter.

On the chamber of pattern D, nu.(Xu)_+ = a.u with a = X^T D nu, whose maximum over the chamber's
closed cone K and the unit ball is ||Proj_K(a)||. Since that is at most ||a||, chambers are taken
in the order of ||a|| and the rest is cleared as soon as ||a|| falls below what has been found.

The bound rests on no projection being precise: with S z >= 0 on the cone, a.u <= ||a + S^T m|| for
any m >= 0.
"""

import numpy as np
from scipy.optimize import nnls

from hidden_convexity.arrangement import count_chambers
from hidden_convexity.hyperplanes import distances_moved, row_lengths, row_space, unit_rows
from hidden_convexity.oracle.maximum import EPS, DualMaximum, Remainders, dual_point

# Chambers unpacked at a time: entries of an (n, chambers) float64 block, 32 MB.
BLOCK = 4_000_000
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

    Raises
    ------
    TypeError, ValueError
        If `dropped` does not go with the arrangement.

    References
    ----------
    Theory: chamber-projection.
    """

    def __init__(self, arrangement, dropped=None):
        self.arrangement = arrangement
        self.X = arrangement.X
        self._lengths, unit = row_lengths(self.X), unit_rows(self.X)
        nonzero = np.flatnonzero(self._lengths)
        _, first, line = np.unique(
            arrangement._line[nonzero], return_index=True, return_inverse=True
        )
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

    def __call__(self, nu, tolerance=0.0, level=0.0, starts=None):
        """Maximum over the chambers, with the maximiser of every cone that had to be visited.

        Parameters
        ----------
        nu : (n,) array_like
            Dual point.
        tolerance : float
            Cones that can beat the best found by at most this factor are not visited.
        level : float
            Cones that cannot exceed it are not visited.
        starts
            Part of the common signature; this oracle starts nowhere.

        Returns
        -------
        DualMaximum
        """
        nu = dual_point(nu, self.X)
        linear = self._linear_parts(nu)
        size = row_lengths(linear)
        best, reached, directions, values = 0.0, 0.0, [], []
        for chamber in np.argsort(-size, kind="stable"):
            if size[chamber] <= (1 + tolerance) * max(best, level):
                reached = max(reached, float(size[chamber]))
                break
            for sign in (1.0, -1.0):
                projection, rounding = self._project(sign * linear[chamber], chamber)
                value = float(row_lengths(projection[None])[0])
                reached = max(reached, value + rounding)
                # What is left of a polar vector is rounding.
                if value > 1e-12 * size[chamber]:
                    best = max(best, value)
                    directions.append(projection / value)
                    values.append(sign * value)
        directions, values = _distinct(np.reshape(directions, (-1, self.X.shape[1])), values)
        bound = reached + self.allowance(nu)
        if self.arrangement.complete:
            return DualMaximum.proven(self.X, nu, bound, directions, values)
        # A maximiser on a wall may be just outside of its cone, where h is that of another one.
        return DualMaximum(best, max(best, bound), directions, values)

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

    def _project(self, a, chamber):
        """Projection of a onto the closed cone {z : S z >= 0} of a chamber, and its rounding.

        By Moreau's theorem it is a + S^T m with the m >= 0 that minimises ||a + S^T m||.
        """
        pattern = self.arrangement.unpack([chamber])[self._walls]
        inward = np.where(pattern, self._unit, -self._unit)
        outside = inward @ a < 0
        if not outside.any():
            return a, 0.0
        multipliers, _ = nnls(inward.T, -a, maxiter=30 * len(inward))
        rounding = (len(inward) + 6) * EPS * float(multipliers.sum())
        return a + inward.T @ multipliers, rounding


def _distinct(directions, values):
    """Sort by |value| and keep one of equal directions with one sign: neighbours share walls."""
    values = np.array(values, dtype=float)
    order = np.argsort(-np.abs(values), kind="stable")
    directions, values = directions[order], values[order]
    key = np.column_stack([np.sign(values), directions]).round(9)
    first = np.sort(np.unique(key, axis=0, return_index=True)[1])
    return directions[first], values[first]
