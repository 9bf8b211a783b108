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

from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.oracle.arcs import Arcs
from hidden_convexity.oracle.maximum import DualMaximum, dual_point
from hidden_convexity.oracle.sweep import local_maxima, outputs
from hidden_convexity.problem.restricted.walls import TIGHT, Walls

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
        self.arcs = Arcs(X, dropped)
        self.X = self.arcs.X
        self._moments, self._weights = None, None
        self._latest = None, None

    def __repr__(self):
        return f"Circle(n={len(self.X)}, {2 * len(self.arcs.starts)} arcs)"

    def __call__(self, nu, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """Maximum of |nu.(Xu)_+| and its local maximisers, by decreasing value.

        Parameters
        ----------
        nu : (n,) array_like
            Dual point.
        level : float
            Local maximisers with |value| <= level are left out, but never the best one.
        tolerance, starts, stop
            Part of the common signature; an exact sweep has no use for them.

        Returns
        -------
        DualMaximum
            Exact: the bound is the value and the `allowance`, or little less.
        """
        nu = dual_point(nu, self.X)
        if len(self.arcs.starts) == 0:
            return DualMaximum(0.0, self.allowance(nu), np.zeros((0, 2)), np.zeros(0))
        parts, total, rounding = self._linear_parts(nu)
        exponent = np.frexp(rounding)[1] if rounding > 0 else LEAST_EXPONENT
        unit = 2.0 ** max(exponent, LEAST_EXPONENT)
        ends = self.arcs.tangents, self.arcs.breakpoints
        directions, values, reached = local_maxima(parts, total, *ends, level, rounding, unit)
        best = np.abs(values).max(initial=0.0)
        kept = np.flatnonzero(np.abs(values) > min(level, np.nextafter(best, 0)))
        kept = kept[np.argsort(-np.abs(values[kept]), kind="stable")]
        bound = reached + rounding + self.arcs.moved.charge(nu)
        return DualMaximum.proven(self.X, nu, bound, directions[kept], values[kept])

    def allowance(self, nu):
        """What the bound at nu (n,) includes for rounding, moved rows and `dropped`.

        Each arc's a = X^T D nu, and what is computed from it, is right to 28 eps in units of
        sum |nu_i| ||x_i||: n does not enter, the running sums are compensated. Rows at the
        breakpoint of another one add |nu_i| times their distance from it.
        """
        nu = dual_point(nu, self.X)
        return self._linear_parts(nu)[2] + self.arcs.moved.charge(nu)

    def _linear_parts(self, nu):
        """See `Arcs.linear_parts`; the last are kept, as oracle and program ask for the same."""
        known, parts = self._latest
        if known is None or not np.array_equal(known, nu):
            parts = self.arcs.linear_parts(nu)
            self._latest = nu.copy(), parts
        return parts

    def _running(self, increments, initial):
        """initial + sums of the rows' increments before each breakpoint, (K + 1, k)."""
        sums = np.empty((len(self.arcs.starts) + 1, increments.shape[1]))
        sums[0] = initial
        sums[1:] = np.add.reduceat(increments, self.arcs.starts, axis=0)
        return np.cumsum(sums, axis=0, out=sums)

    def predict(self, weights, signs):
        """sum_j signs_j (X weights_j)_+, (n,), in one pass whatever the number of neurons.

        Row i sees the sum of the weights whose arc has it active, and that sum changes only at
        the neurons' own arcs.
        """
        arc, upper = self._locate(weights)
        signed = signs[:, None] * weights
        changes = np.zeros((len(self.arcs.starts) + 1, 2))
        np.add.at(changes, arc, np.where(upper, -1.0, 1.0)[:, None] * signed)
        changes[0] += signed[upper].sum(axis=0)
        total, output = signed.sum(axis=0), np.zeros(len(self.X))
        outputs(
            self.arcs.rows, self.arcs.order, self.arcs.enters, self.arcs.arc, changes, total, output
        )
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
            factors = 1.0 if weights is None else weights[self.arcs.order, None]
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
        squares = weights * self.arcs.rows[:, [0, 0, 1]] * self.arcs.rows[:, [0, 1, 1]]
        entered = np.where(self.arcs.enters[:, None], squares, 0.0)
        return self._running(entered, 0.0), self._running(squares - entered, 0.0)

    def tight_rows(self, direction):
        """A row of each neighbouring breakpoint that is tight. See `Passes.tight_rows`."""
        after = self._locate(direction[None])[0][0] % len(self.arcs.starts)
        near = [k for k in (after - 1, after) if abs(self.arcs.tangents[k] @ direction) <= TIGHT]
        return self.arcs.order[self.arcs.starts[near]]

    def walls(self, direction, ends):
        """The rows of the neighbouring breakpoints: no other can be crossed before one of them."""
        after = self._locate(direction[None])[0][0] % len(self.arcs.starts)
        rows = self.arcs.order[self.arcs.starts[[after - 1, after]]]
        return Walls(rows, self.X[rows], row_lengths(self.X[rows]))

    def _locate(self, directions):
        """Arc (0 to K) and half circle of each direction (m, 2)."""
        phi = np.arctan2(directions[:, 1], directions[:, 0]) % (2 * np.pi)
        upper = phi < np.pi
        arc = np.searchsorted(self.arcs.angles, np.where(upper, phi, phi - np.pi), side="right")
        return arc, upper
