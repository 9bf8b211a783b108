"""The exact oracle in the plane: ||N'(Xu)_+|| around the circle, one output's sweep after another.

Between the breakpoints of `oracle.arcs` each output is a_k.u, so the square of the norm is u'Su
with S = sum_k a_k a_k', at the angle phi of u

    m + r cos 2(phi - phi*),   m = (S_11 + S_22) / 2,   r = |((S_11 - S_22) / 2, S_12)|:

largest at an end of the arc, or m + r if the arc holds phi* or its opposite. No arc is longer than
pi.
"""

import numpy as np

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.oracle.arcs import ARC_ROUNDING, Arcs
from hidden_convexity.oracle.maximum import DualMaximum, dual_matrix

# A summit this far (radians) beyond an end of an arc counts as in it: where rounding hides which,
# m + r bounds the arc all the same, and is above its maximum by 2 r NEAR^2 at most.
NEAR = 1e-7


class VectorCircle:
    """Maximise ||N'(Xu)_+|| over ||u|| <= 1, exactly, for data with two columns.

    Parameters
    ----------
    X, dropped
        As for `Circle`.

    Raises
    ------
    TypeError, ValueError
        As `Circle`.

    Notes
    -----
    O(n log n) time once and O(n c) a call, in O(n) memory.
    """

    def __init__(self, X, dropped=None):
        self.arcs = Arcs(X, dropped)
        self.X = self.arcs.X
        ends = self.arcs.breakpoints
        after = np.roll(ends, -1, axis=0)
        after[-1:] = -ends[:1]
        # Arcs of the upper half circle, then of the lower one.
        self._from, self._to = np.concatenate([ends, -ends]), np.concatenate([after, -after])

    def __repr__(self):
        return f"VectorCircle(n={len(self.X)}, {len(self._from)} arcs)"

    def __call__(self, N, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """Maximum of ||N'(Xu)_+|| and its local maximisers, by decreasing value.

        Parameters
        ----------
        N : (n, c) array_like
            Dual point.
        level : float
            Local maximisers with a value <= level are left out, but never the best one.
        tolerance, starts, stop
            Part of the common signature; an exact sweep has no use for them.

        Returns
        -------
        DualMaximum
            Exact: the bound is the value and the `allowance`, or little less.
        """
        N = dual_matrix(N, self.X)
        sweeps = self._sweeps(N)
        allowance = self._allowance(N, sweeps)
        largest = max(np.abs(parts).max() for parts, _, _ in sweeps)
        if len(self._from) == 0 or largest == 0.0:
            return DualMaximum(0.0, allowance, np.zeros((0, 2)), np.zeros(0))
        # A power of two: squares of what it divides do not underflow.
        unit = float(2.0 ** np.frexp(largest)[1])
        norms = _Norms(self._from, self._to, sweeps, unit)
        bound = unit * norms.highest() + allowance
        directions, values = norms.local_maxima()
        order = np.argsort(-values, kind="stable")
        directions, values = directions[order], unit * values[order]
        kept = values > level
        kept[:1] = True
        return DualMaximum.proven(self.X, N, bound, directions[kept], values[kept])

    def allowance(self, N):
        """What the bound at N (n, c) includes for rounding, moved rows and `dropped`.

        The rounding of each output's a_k, as in `Circle`, and c eps for norms of c entries; with
        a few more for the arc's summit.
        """
        N = dual_matrix(N, self.X)
        return self._allowance(N, self._sweeps(N))

    def _sweeps(self, N):
        """For each output a_k on the arcs, their total, rounding."""
        return [self.arcs.linear_parts(column) for column in N.T]

    def _allowance(self, N, sweeps):
        rounding = np.hypot.reduce([off for _, _, off in sweeps])
        norms = 1 + (N.shape[1] + ARC_ROUNDING) / ARC_ROUNDING
        lengths = (1 + (N.shape[1] + 4) * EPS) * row_lengths(N)
        return float(norms * rounding + self.arcs.moved.charge(lengths))


class _Norms:
    """Squares of the norm on all arcs (2K,), of dual points in the unit.

    Attributes
    ----------
    first, last : (2K,) ndarray
        At the ends.
    rising, falling : (2K,) ndarray
        Slopes, half of them, at the first end and the last, counter-clockwise.
    mean, spread, summit : (2K,), (2K,) and (2K, 2) ndarray
        m, r, and the unit vector at phi*.
    """

    def __init__(self, start, end, sweeps, unit):
        self.start, self.end = start, end
        count = len(self.start)
        self.first, self.last, self.rising, self.falling = np.zeros((4, count))
        square = np.zeros((3, count))
        for parts, total, _ in sweeps:
            a = np.concatenate([parts[1:], total - parts[1:-1], parts[:1]]) / unit
            at_first, at_last = (a * self.start).sum(axis=1), (a * self.end).sum(axis=1)
            self.first += at_first**2
            self.last += at_last**2
            self.rising += at_first * _along(a, self.start)
            self.falling += at_last * _along(a, self.end)
            square += a[:, 0] ** 2, a[:, 0] * a[:, 1], a[:, 1] ** 2
        half = (square[0] - square[2]) / 2
        self.mean, self.spread = (square[0] + square[2]) / 2, np.hypot(half, square[1])
        phi = 0.5 * np.arctan2(square[1], half)
        self.summit = np.stack([np.cos(phi), np.sin(phi)], axis=1)
        self.rounding = (len(sweeps) + 8) * EPS * self.mean

    def highest(self):
        """The largest norm on any arc."""
        near = self._holds(self.summit, NEAR) | self._holds(-self.summit, NEAR)
        # Where S is nearly a multiple of the identity, rounding may turn phi* as it likes.
        near |= NEAR * self.spread <= 4.0 * self.rounding
        ends = np.maximum(self.first, self.last).max()
        inside = (self.mean + self.spread)[near].max(initial=0.0)
        return float(np.sqrt(max(ends, inside)))

    def _holds(self, unit, margin=0.0):
        """Whether arcs hold unit vectors (2K, 2), one each, to within an angle."""
        return (_cross(self.start, unit) >= -margin) & (_cross(unit, self.end) >= -margin)

    def local_maxima(self):
        """Directions (k, 2) of local maximisers, and their norms: summits, then breakpoints."""
        found, values = [], []
        height = np.sqrt(self.mean + self.spread)
        for side in (self.summit, -self.summit):
            held = self._holds(side) & (self.spread > 0)
            found.append(side[held])
            values.append(height[held])
        peaks = (np.roll(self.falling, 1) >= 0) & (self.rising <= 0)
        # Rounding may hide the summit at or next to the highest breakpoint.
        peaks[self.first.argmax()] = True
        found.append(self.start[peaks])
        values.append(np.sqrt(self.first[peaks]))
        return np.concatenate(found), np.concatenate(values)


def _cross(a, b):
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _along(a, u):
    """The slopes of a.u as u turns counter-clockwise (k,)."""
    return a[:, 1] * u[:, 0] - a[:, 0] * u[:, 1]
