"""The exact dual oracle in the plane: one sort, then a few passes over the data per call.

As u = (cos phi, sin phi) turns, row i switches on or off where u is orthogonal to x_i. Between
these breakpoints h(u) = nu.(Xu)_+ = a.u with a constant vector a = X^T D nu, so a running sum over
the sorted rows gives every a, and the signs of dh/dphi at both ends of an arc give every local
maximum of |h|. The lower half of the circle needs no sort of its own: opposite directions have
complementary patterns, hence h(-u) = (a - X^T nu).u.

The same running sums give everything the restricted problem asks of the data: predictions,
correlations X^T D nu and Gram blocks X^T D_i D_j X.
"""

import numpy as np

from hidden_convexity.oracle.maximum import DualMaximum
from hidden_convexity.oracle.sweep import linear_parts, local_maxima, outputs
from hidden_convexity.passes import TIGHT
from hidden_convexity.validation import data_matrix, real_array

# Breakpoints closer than this angle are one: repeated rows differ by rounding only.
SAME_ANGLE = 1e-13


class Circle:
    """Maximise |nu.(Xu)_+| over ||u|| <= 1, exactly, for data with two columns.

    Parameters
    ----------
    X : (n, 2) array_like
        Data, one sample a row; zero, repeated and opposite rows are welcome.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real matrix with two columns.

    Notes
    -----
    O(n log n) time once and O(n) a call, in O(n) memory.
    """

    def __init__(self, X):
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
        at_pi = angles >= np.pi - SAME_ANGLE  # the same hyperplane as angle 0, crossed backwards
        angles[at_pi] = 0.0
        enters[at_pi] = ~enters[at_pi]

        by_angle = np.argsort(angles, kind="stable")
        angles, self._enters = angles[by_angle], enters[by_angle]
        self._order, self._rows = nonzero[by_angle], rows[by_angle]
        self._starts = np.flatnonzero(np.diff(angles, prepend=-1.0) > SAME_ANGLE)
        self._angles = angles[self._starts]
        sizes = np.diff(self._starts, append=len(self._rows))
        self._arc = np.repeat(np.arange(1, len(sizes) + 1), sizes)
        # Every row that crosses at a breakpoint, signed by whether it enters, points along the
        # unit tangent there.
        first = self._rows[self._starts] * np.where(self._enters[self._starts], 1.0, -1.0)[:, None]
        self._tangents = first / np.linalg.norm(first, axis=1, keepdims=True)
        self._breakpoints = np.stack([self._tangents[:, 1], -self._tangents[:, 0]], axis=1)
        self._moments = None

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
            Exact: bound = value.
        """
        nu = real_array(nu, "nu", ndim=1)
        if len(nu) != len(self.X):
            raise ValueError(f"nu must have one entry per row of X: {len(self.X)}, got {len(nu)}")
        if len(self._starts) == 0:
            return DualMaximum(0.0, 0.0, np.zeros((0, 2)), np.zeros(0))
        parts, total = self._linear_parts(nu)
        directions, values = local_maxima(parts, total, self._tangents, self._breakpoints, level)
        best = np.abs(values).max(initial=0.0)
        kept = np.flatnonzero(np.abs(values) > min(level, np.nextafter(best, 0)))
        kept = kept[np.argsort(-np.abs(values[kept]), kind="stable")]
        return DualMaximum(float(best), float(best), directions[kept], values[kept])

    def _linear_parts(self, nu):
        """a on the arcs before, between and after the breakpoints (K + 1, 2), and X^T nu."""
        parts = np.empty((len(self._starts) + 1, 2))
        total = linear_parts(self._rows, self._order, self._enters, self._arc, nu, parts)
        return parts, np.array(total)

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
        parts, total = self._linear_parts(nu)
        arc, upper = self._locate(directions)
        linear = np.where(upper[:, None], parts[arc], total - parts[arc])
        return np.einsum("kc,kc->k", linear[owner], columns)

    def gram(self, directions, columns, owner, weights=None):
        """Products of all pairs of features D_j X c: (K, K). See `Passes.gram`.

        Prefix sums of second moments make the cost independent of n, but for their own pass over
        the data: one in all without weights.
        """
        if weights is not None:
            entered, left = self._second_moments(weights[self._order, None])
        else:
            if self._moments is None:
                self._moments = self._second_moments(1.0)
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
