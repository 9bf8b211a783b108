"""The exact dual oracle over listed chambers: a projection onto each cone that may matter.

On the chamber of pattern D, nu.(Xu)_+ = a.u with a = X^T D nu, whose maximum over the chamber's
closed cone K and the unit ball is ||Proj_K(a)||. Since that is at most ||a||, chambers are taken
in the order of ||a|| and the rest is cleared as soon as ||a|| falls below what has been found.
"""

import numpy as np
from scipy.optimize import nnls

from hidden_convexity.cones import project_each
from hidden_convexity.hyperplanes import unit_rows
from hidden_convexity.oracle.maximum import DualMaximum, heights
from hidden_convexity.progress import progress_bar
from hidden_convexity.validation import flag, real_array

# Chambers unpacked at a time: entries of an (n, chambers) float64 block, 32 MB.
BLOCK = 4_000_000
# Chambers projected on at first, and then twice as many each time: the largest ||a|| tell the most.
FIRST = 64
# A projection longer by this share than nu.(Xu)_+ in its direction has left its cone: it was ended
# early, since normal equations of nearly dependent rows are as good as singular.
OUTSIDE = 1e-9
# A projection this much shorter than its point is what rounding has left of zero.
VANISHED = 1e-12


class Exhaustive:
    """Maximise |nu.(Xu)_+| over the unit ball and the closed cones of an arrangement's chambers.

    Parameters
    ----------
    arrangement : Arrangement
        Enumerated: the maximum is M(nu). Sampled: it is the maximum over these chambers only.
    progress : bool
        Show how many chambers a call has gone through, if it takes more than a second.

    References
    ----------
    Theory: chamber-projection.
    """

    def __init__(self, arrangement, progress=False):
        self.arrangement = arrangement
        self.progress = flag(progress, "progress")
        self.X = arrangement.X
        self._unit = unit_rows(self.X)

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
        nu = real_array(nu, "nu", ndim=1)
        if len(nu) != len(self.X):
            raise ValueError(f"nu must have one entry per row of X: {len(self.X)}, got {len(nu)}")
        linear = self._linear_parts(nu)
        size = np.linalg.norm(linear, axis=1)
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
                projected, bounds = self._project(linear[chosen], chosen, nu, enough)
                lengths = np.linalg.norm(projected, axis=1)
                bound = max(bound, float(bounds.max()))
                reached = max(reached, float(lengths.max()))
                # Of those below the level the longest may be the best there is.
                kept = (lengths > 0) & (lengths >= min(level, lengths.max()))
                found.append(projected[kept] / lengths[kept, None])
                first += len(chosen)
                most = min(2 * most, max(BLOCK // len(nu), 1))
                bar.update(len(chosen))
        directions = np.concatenate([*found, linear[:0]])
        directions, values = _distinct(directions, heights(self.X, nu, directions))
        best = float(np.abs(values).max(initial=0.0))
        return DualMaximum(best, max(best, bound), directions, values)

    def _linear_parts(self, nu):
        """X^T D nu for every chamber, (P, d)."""
        parts = np.empty((len(self.arrangement), self.X.shape[1]))
        step = max(BLOCK // len(self.X), 1)
        for start in range(0, len(parts), step):
            block = slice(start, start + step)
            parts[block] = self.arrangement.unpack(block).T @ (nu[:, None] * self.X)
        return parts

    def _project(self, points, chambers, nu, enough):
        """Projections (2k, d) of a (k, d), then of -a, onto cones of chambers (k,); bounds (2k,).

        Each is a + S^T m with some m >= 0, S the inward unit rows, and so at least as long as the
        maximum of a.u over the cone: one that rounding ends early bounds it still. If it is longer
        than enough, and than nu.(Xu)_+ in its direction u, a slower method takes its place. What
        the sums themselves round is in the bounds.
        """
        patterns = np.ascontiguousarray(self.arrangement.unpack(chambers).T)
        points = np.concatenate([points, -points])
        owner = np.tile(np.arange(len(chambers)), 2)
        tight, counts = (
            np.zeros(points.shape, dtype=np.int64),
            np.zeros(len(points), dtype=np.int64),
        )
        projected, totals = np.empty_like(points), np.empty(len(points))
        project_each(self._unit, patterns, owner, points, tight, counts, projected, totals)
        lengths = np.linalg.norm(projected, axis=1)
        long = np.flatnonzero(lengths > enough)
        reached = np.abs(heights(self.X, nu, projected[long])) / lengths[long]
        for j in long[reached < (1 - OUTSIDE) * lengths[long]]:
            inward = np.where(patterns[owner[j], :, None], self._unit, -self._unit)
            multipliers, _ = nnls(inward.T, -points[j], maxiter=30 * len(inward))
            projected[j], totals[j] = points[j] + inward.T @ multipliers, multipliers.sum()
        # What is left of a polar vector is rounding.
        vanished = np.linalg.norm(projected, axis=1) <= VANISHED * np.linalg.norm(points, axis=1)
        bounds = np.linalg.norm(projected, axis=1)
        bounds += (len(self.X) + 6) * np.finfo(float).eps * totals
        projected[vanished] = 0.0
        return projected, bounds


def _distinct(directions, values):
    """Sort by |value| and keep one of equal directions with one sign: neighbours share walls."""
    order = np.argsort(-np.abs(values), kind="stable")
    directions, values = directions[order], values[order]
    key = np.column_stack([np.sign(values), directions]).round(9)
    first = np.sort(np.unique(key, axis=0, return_index=True)[1])
    return directions[first], values[first]
