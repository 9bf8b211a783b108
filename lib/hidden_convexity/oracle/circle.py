"""The exact dual oracle in the plane: one sort, then a few passes over the data per call.

As u = (cos phi, sin phi) turns, row i switches on or off where u is orthogonal to x_i. Between
these breakpoints h(u) = nu.(Xu)_+ = a.u with a constant vector a = X^T D nu, so a running sum over
the sorted rows gives every a, and the signs of dh/dphi at both ends of an arc give every local
maximum of |h|. The lower half of the circle needs no sort of its own: opposite directions have
complementary patterns, hence h(-u) = (a - X^T nu).u.

The bound counts what rounding can do. Breakpoints are the hyperplanes of rows, in an order that no
rounding of an angle can change; a row that shares the breakpoint of another one is moved there.

The same running sums give everything the restricted problem asks of the data: predictions,
correlations X^T D nu and Gram blocks X^T D_i D_j X.
"""

import numpy as np

from hidden_convexity.foundations.validation import data_matrix
from hidden_convexity.geometry.hyperplanes import row_lengths, unit_rows
from hidden_convexity.oracle.maximum import DualMaximum, Remainders, dual_point
from hidden_convexity.oracle.sweep import linear_parts, local_maxima, outputs
from hidden_convexity.problem.restricted.passes import TIGHT

EPS = np.finfo(float).eps
# Breakpoints closer than this angle are one: repeated rows differ by rounding only. Angles are
# right to 16 eps, arctan2 and its shifts by multiples of pi/2 included, so those that are further
# apart are in order.
SAME_ANGLE = 1e-13
# Rounding of a slope or height on an arc, in units of eps sum |nu_i| ||x_i||: 10 for the running
# sums, 15 more for their differences in the lower half circle, 3 for unit tangents and products.
ARC_ROUNDING = 28
# Of a power of two that is a float with its inverse.
LEAST_EXPONENT = -1000


class Circle:
    """Maximise |nu.(Xu)_+| over ||u|| <= 1, exactly, for data with two columns.

    Parameters
    ----------
    X : (n, 2) array_like
        Data, one sample a row; zero, repeated and opposite rows are welcome.
    dropped : (n,) array_like or None
        How far the rows were moved by who reduced them to X (see `Coordinates`), which the bound
        is to include; None if they are the data.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real matrix with two columns, or `dropped` does not go with it.

    Notes
    -----
    O(n log n) time once and O(n) a call, in O(n) memory.
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
        angles, self._enters = angles[by_angle], enters[by_angle]
        angles[: len(angles) - at_pi] = 0.0
        self._enters[: len(angles) - at_pi] ^= True
        self._order, self._rows = nonzero[by_angle], rows[by_angle]
        self._starts = np.flatnonzero(np.diff(angles, prepend=-1.0) > SAME_ANGLE)
        self._angles = angles[self._starts]
        sizes = np.diff(self._starts, append=len(self._rows))
        self._arc = np.repeat(np.arange(1, len(sizes) + 1), sizes)
        # Every row that crosses at a breakpoint, signed by whether it enters, points along the
        # unit tangent there.
        first = self._rows[self._starts] * np.where(self._enters[self._starts], 1.0, -1.0)[:, None]
        self._tangents = unit_rows(first)
        self._breakpoints = np.stack([self._tangents[:, 1], -self._tangents[:, 0]], axis=1)
        self._moved = Remainders(self.X, dropped, self._distances_to_breakpoints())
        self._moments, self._weights = None, None

    def _distances_to_breakpoints(self):
        """How far the rows are from the row whose breakpoint they share: (n,)."""
        others = np.ones(len(self._rows), dtype=bool)
        others[self._starts] = False
        others = np.flatnonzero(others)
        rows, tangents = self._rows[others], self._tangents[self._arc[others] - 1]
        unit = unit_rows(rows)
        sine = np.abs(unit[:, 0] * tangents[:, 1] - unit[:, 1] * tangents[:, 0])
        distances = np.zeros(len(self.X))
        distances[self._order[others]] = row_lengths(rows) * (sine + 6 * EPS)
        return distances

    def __repr__(self):
        return f"Circle(n={len(self.X)}, {2 * len(self._starts)} arcs)"

    def __call__(self, nu, tolerance=0.0, level=0.0, starts=None):
        """Maximum of |nu.(Xu)_+| and its local maximisers, by decreasing value.

        Parameters
        ----------
        nu : (n,) array_like
            Dual point.
        level : float
            Local maximisers with |value| <= level are left out, but never the best one.
        tolerance, starts
            Part of the common signature; an exact sweep has no use for them.

        Returns
        -------
        DualMaximum
            Exact: the bound is the value and the `allowance`, or little less.
        """
        nu = dual_point(nu, self.X)
        if len(self._starts) == 0:
            return DualMaximum(0.0, self.allowance(nu), np.zeros((0, 2)), np.zeros(0))
        parts, total, rounding = self._linear_parts(nu)
        unit = 2.0 ** max(np.frexp(rounding)[1], LEAST_EXPONENT)
        arcs = self._tangents, self._breakpoints
        directions, values, reached = local_maxima(parts, total, *arcs, level, rounding, unit)
        best = np.abs(values).max(initial=0.0)
        kept = np.flatnonzero(np.abs(values) > min(level, np.nextafter(best, 0)))
        kept = kept[np.argsort(-np.abs(values[kept]), kind="stable")]
        bound = reached + rounding + self._moved.charge(nu)
        return DualMaximum.proven(self.X, nu, bound, directions[kept], values[kept])

    def allowance(self, nu):
        """What the bound at nu (n,) includes for rounding, moved rows and `dropped`.

        Each arc's a = X^T D nu, and what is computed from it, is right to 28 eps in units of
        sum |nu_i| ||x_i||: n does not enter, the running sums are compensated. Rows at the
        breakpoint of another one add |nu_i| times their distance from it.
        """
        nu = dual_point(nu, self.X)
        return self._linear_parts(nu)[2] + self._moved.charge(nu)

    def _linear_parts(self, nu):
        """a on the arcs before, between and after the breakpoints (K + 1, 2), X^T nu, rounding.

        The last is how far a slope or a height computed from them may be off.
        """
        parts = np.empty((len(self._starts) + 1, 2))
        size = linear_parts(self._rows, self._order, self._enters, self._arc, nu, parts)
        rounding = (ARC_ROUNDING * EPS + (len(nu) * EPS) ** 2) * size
        return parts, parts[0] + parts[-1], rounding

    def _running(self, increments, initial):
        """initial + sums of the rows' increments before each breakpoint, (K + 1, k)."""
        sums = np.empty((len(self._starts) + 1, increments.shape[1]))
        sums[0] = initial
        sums[1:] = np.add.reduceat(increments, self._starts, axis=0)
        return np.cumsum(sums, axis=0, out=sums)

    def predict(self, weights, signs):
        """sum_j signs_j (X weights_j)_+, (n,), in one pass whatever the number of neurons.

        Row i sees the sum of the weights whose arc has it active, and that sum changes only at
        the neurons' own arcs.
        """
        arc, upper = self._locate(weights)
        signed = signs[:, None] * weights
        changes = np.zeros((len(self._starts) + 1, 2))
        np.add.at(changes, arc, np.where(upper, -1.0, 1.0)[:, None] * signed)
        changes[0] += signed[upper].sum(axis=0)
        total, output = signed.sum(axis=0), np.zeros(len(self.X))
        outputs(self._rows, self._order, self._enters, self._arc, changes, total, output)
        return output

    def correlate(self, nu, directions, columns, owner):
        """Products of nu with the features D_j X c: (K,). See `Passes.correlate`."""
        parts, total, _ = self._linear_parts(nu)
        arc, upper = self._locate(directions)
        linear = np.where(upper[:, None], parts[arc], total - parts[arc])
        return np.einsum("kc,kc->k", linear[owner], columns)

    def gram(self, directions, columns, owner, weights=None):
        """Products of all pairs of features D_j X c: (K, K). See `Passes.gram`.

        Prefix sums of second moments make the cost independent of n, but for their own pass over
        the data: one in all while the weights are the same array, or None.
        """
        if self._moments is None or weights is not self._weights:
            factors = 1.0 if weights is None else weights[self._order, None]
            self._moments, self._weights = self._second_moments(factors), weights
        entered, left = self._moments
        arc, upper = self._locate(directions)
        active = entered[arc] + left[-1] - left[arc]
        both = entered[np.minimum.outer(arc, arc)] + left[-1] - left[np.maximum.outer(arc, arc)]
        # Complement the patterns of directions in the lower half circle.
        both = np.where(upper[:, None, None], both, active[None] - both)
        active = np.where(upper[:, None], active, entered[-1] + left[-1] - active)
        both = np.where(upper[None, :, None], both, active[:, None] - both)
        blocks = both[..., [[0, 1], [1, 2]]][np.ix_(owner, owner)]
        return (columns[:, None, :] * (blocks @ columns[:, :, None])[..., 0]).sum(axis=2)

    def _second_moments(self, weights):
        """Running sums of the weighted products of the rows that have entered, and that left."""
        squares = weights * self._rows[:, [0, 0, 1]] * self._rows[:, [0, 1, 1]]
        entered = np.where(self._enters[:, None], squares, 0.0)
        return self._running(entered, 0.0), self._running(squares - entered, 0.0)

    def tight_rows(self, direction):
        """A row of each neighbouring breakpoint that is tight. See `Passes.tight_rows`."""
        after = self._locate(direction[None])[0][0] % len(self._starts)
        near = [k for k in (after - 1, after) if abs(self._tangents[k] @ direction) <= TIGHT]
        return self._order[self._starts[near]]

    def crossed_rows(self, direction, weights, tolerance, enforced):
        """The neighbouring breakpoint's row, if crossed. See `Passes.crossed_rows`.

        In the plane no other row can be crossed before it.
        """
        after = self._locate(direction[None])[0][0] % len(self._starts)
        left = direction[0] * weights[1] - direction[1] * weights[0] > 0
        k = after if left else after - 1
        along, turned = self._tangents[k] @ direction, self._tangents[k] @ weights
        outside = -np.sign(along) * turned > tolerance * np.linalg.norm(weights)
        row = int(self._order[self._starts[k]])
        return [row] if outside and row not in enforced else []

    def _locate(self, directions):
        """Arc (0 to K) and half circle of each direction (m, 2)."""
        phi = np.arctan2(directions[:, 1], directions[:, 0]) % (2 * np.pi)
        upper = phi < np.pi
        arc = np.searchsorted(self._angles, np.where(upper, phi, phi - np.pi), side="right")
        return arc, upper
