"""The exact dual oracle over listed chambers: a projection onto each cone that may matter.

On the chamber of pattern D, nu.(Xu)_+ = a.u with a = X^T D nu, whose maximum over the chamber's
closed cone K and the unit ball is ||Proj_K(a)||. Since that is at most ||a||, chambers are taken
in the order of ||a|| and the rest is cleared as soon as ||a|| falls below what has been found.
"""

import numpy as np
from scipy.optimize import nnls

from hidden_convexity.oracle.maximum import DualMaximum
from hidden_convexity.validation import real_array

# Chambers unpacked at a time: entries of an (n, chambers) float64 block, 32 MB.
BLOCK = 4_000_000


class Exhaustive:
    """Maximise |nu.(Xu)_+| over the unit ball and the closed cones of an arrangement's chambers.

    Parameters
    ----------
    arrangement : Arrangement
        Enumerated: the maximum is M(nu). Sampled: it is the maximum over these chambers only.

    References
    ----------
    Theory: chamber-projection.
    """

    def __init__(self, arrangement):
        self.arrangement = arrangement
        self.X = arrangement.X

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
        best, unvisited, directions, values = 0.0, 0.0, [], []
        for chamber in np.argsort(-size, kind="stable"):
            if size[chamber] <= (1 + tolerance) * max(best, level):
                unvisited = float(size[chamber])
                break
            for sign in (1.0, -1.0):
                projection = self._project(sign * linear[chamber], chamber)
                value = float(np.linalg.norm(projection))
                if value > 0:
                    best = max(best, value)
                    directions.append(projection / value)
                    values.append(sign * value)
        directions, values = _distinct(np.reshape(directions, (-1, self.X.shape[1])), values)
        return DualMaximum(best, max(best, unvisited), directions, values)

    def _linear_parts(self, nu):
        """X^T D nu for every chamber, (P, d)."""
        parts = np.empty((len(self.arrangement), self.X.shape[1]))
        step = max(BLOCK // len(self.X), 1)
        for start in range(0, len(parts), step):
            block = slice(start, start + step)
            parts[block] = self.arrangement.unpack(block).T @ (nu[:, None] * self.X)
        return parts

    def _project(self, a, chamber):
        """Projection of a onto the closed cone {z : S z >= 0} of a chamber.

        By Moreau's theorem it is a + S^T m with the m >= 0 that minimises ||a + S^T m||.
        """
        pattern = self.arrangement.unpack([chamber])[:, 0]
        inward = np.where(pattern[:, None], self.X, -self.X)
        inward = inward[self.X.any(axis=1)]
        inward /= np.linalg.norm(inward, axis=1, keepdims=True)
        outside = inward @ a < 0
        if not outside.any():
            return a
        multipliers, _ = nnls(inward.T, -a, maxiter=30 * len(inward))
        projection = a + inward.T @ multipliers
        # What is left of a polar vector is rounding.
        return projection if projection @ projection > 1e-24 * (a @ a) else np.zeros_like(a)


def _distinct(directions, values):
    """Sort by |value| and keep one of equal directions with one sign: neighbours share walls."""
    values = np.array(values, dtype=float)
    order = np.argsort(-np.abs(values), kind="stable")
    directions, values = directions[order], values[order]
    key = np.column_stack([np.sign(values), directions]).round(9)
    first = np.sort(np.unique(key, axis=0, return_index=True)[1])
    return directions[first], values[first]
