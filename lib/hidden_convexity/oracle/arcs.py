"""The circle cut at the hyperplanes of rows in the plane, and what is linear on each arc.

Breakpoints are in an order that no rounding of an angle can change; a row that shares the
breakpoint of another one is moved there, and bounds count that.
"""

import numpy as np

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.validation import data_matrix
from hidden_convexity.geometry.hyperplanes import row_lengths, unit_rows
from hidden_convexity.oracle.maximum import Remainders
from hidden_convexity.oracle.sweep import linear_parts

# Breakpoints closer than this angle are one: repeated rows differ by rounding only. Angles are
# right to 16 eps, arctan2 and its shifts by multiples of pi/2 included, so those that are further
# apart are in order.
SAME_ANGLE = 1e-13
# Rounding of a slope or height on an arc, in units of eps sum |nu_i| ||x_i||: 10 for the running
# sums, 15 more for their differences in the lower half circle, 3 for unit tangents and products.
ARC_ROUNDING = 28


class Arcs:
    """The K breakpoints of the upper half circle, and the arcs between them.

    Parameters
    ----------
    X, dropped
        As for `Circle`.

    Attributes
    ----------
    X : (n, 2) ndarray
    rows, order, enters : (m, 2), (m,) and (m,) ndarray
        The rows that are not zero by the angle at which they switch, their numbers, and whether
        they switch on there.
    starts : (K,) ndarray
        The first row of each breakpoint.
    arc : (m,) ndarray
        Which of the arcs 0 to K begins where a row switches.
    angles, breakpoints, tangents : (K,), (K, 2) and (K, 2) ndarray
        Of the breakpoints: unit vectors, there and counter-clockwise along the circle.
    moved : Remainders

    Raises
    ------
    TypeError, ValueError
        As `Circle`.
    """

    def __init__(self, X, dropped=None):
        self.X = data_matrix(X)
        if self.X.shape[1] != 2:
            raise ValueError(f"X must have two columns, got shape {self.X.shape}")
        nonzero = np.flatnonzero(self.X.any(axis=1))
        rows = self.X[nonzero]
        # Row i is active for phi in (theta - pi/2, theta + pi/2). With theta in [-pi/2, 3 pi/2),
        # within the upper half circle it switches on at theta - pi/2 or off at theta + pi/2.
        theta = np.arctan2(rows[:, 1], rows[:, 0])
        theta[theta < -np.pi / 2] += 2 * np.pi
        enters = theta >= np.pi / 2
        angles = np.where(enters, theta - np.pi / 2, theta + np.pi / 2)

        by_angle = np.argsort(angles, kind="stable")
        apart = np.flatnonzero(np.diff(angles[by_angle], append=np.pi) > SAME_ANGLE)
        at_pi = apart[-1] + 1 if len(apart) else 0
        # Those at pi have the hyperplane of angle 0, crossed backwards.
        by_angle = np.roll(by_angle, len(by_angle) - at_pi)
        angles, self.enters = angles[by_angle], enters[by_angle]
        angles[: len(angles) - at_pi] = 0.0
        self.enters[: len(angles) - at_pi] ^= True
        self.order, self.rows = nonzero[by_angle], rows[by_angle]
        self.starts = np.flatnonzero(np.diff(angles, prepend=-1.0) > SAME_ANGLE)
        self.angles = angles[self.starts]
        sizes = np.diff(self.starts, append=len(self.rows))
        self.arc = np.repeat(np.arange(1, len(sizes) + 1), sizes)
        # Every row that crosses at a breakpoint, signed by whether it enters, points along the
        # unit tangent there.
        first = self.rows[self.starts] * np.where(self.enters[self.starts], 1.0, -1.0)[:, None]
        self.tangents = unit_rows(first)
        self.breakpoints = np.stack([self.tangents[:, 1], -self.tangents[:, 0]], axis=1)
        self.moved = Remainders(self.X, dropped, self._distances_to_breakpoints())

    def _distances_to_breakpoints(self):
        """How far the rows are from the row whose breakpoint they share: (n,)."""
        others = np.ones(len(self.rows), dtype=bool)
        others[self.starts] = False
        others = np.flatnonzero(others)
        rows, tangents = self.rows[others], self.tangents[self.arc[others] - 1]
        unit = unit_rows(rows)
        sine = np.abs(unit[:, 0] * tangents[:, 1] - unit[:, 1] * tangents[:, 0])
        distances = np.zeros(len(self.X))
        distances[self.order[others]] = row_lengths(rows) * (sine + 6 * EPS)
        return distances

    def linear_parts(self, nu):
        """a = X^T D nu on the arcs of the upper half circle, for a dual point nu (n,).

        Returns
        -------
        parts : (K + 1, 2) ndarray
            Before, between and after the breakpoints.
        total : (2,) ndarray
            X^T nu.
        rounding : float
            How far a slope or a height computed from them may be off.
        """
        parts = np.empty((len(self.starts) + 1, 2))
        size = linear_parts(self.rows, self.order, self.enters, self.arc, nu, parts)
        rounding = (ARC_ROUNDING * EPS + (len(nu) * EPS) ** 2) * size
        return parts, parts[0] + parts[-1], rounding
