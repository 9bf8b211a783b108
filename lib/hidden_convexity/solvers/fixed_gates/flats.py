"""The program over some pairs of a pattern and a sign, by proximal points and Newton's method.

The quadratic program of `cones`, over weights u (k, d) in the pairs' cones,

    min   1/2 ||sum_j F_j u_j - Y||^2 + beta sum_j ||u_j||,      F_j = s_j D_j X,

is solved by proximal points: u becomes the minimum of it plus ||u - centre||^2 / (2 sigma), centre
the last u. The dual of that is smooth and without constraints (Li, Sun and Toh 2018, SIAM J. Optim.
28(1), for the Lasso),

    min over nu   psi(nu) = 1/2 ||nu - Y||^2 + 1/(2 sigma) sum_j ||u_j||^2,
    u_j = (1 - sigma beta / ||z_j||)_+ z_j,   z_j = Proj_{K_j}(centre_j + sigma F_j^T nu):

the proximal map of a norm on a cone shortens the projection. So u is in the cones, and 0 for most
pairs, whatever nu is. psi is piecewise smooth, and a handful of Newton steps on the flats of the
tight rows ends at its minimum. Each proximal point starts from the last nu, with a larger sigma;
the larger it is, the nearer u comes to the optimum, and the harder psi is.

Measured at n = 200, d = 11, 100 patterns, 0.001 beta_max, gap 1e-4: 400 Newton steps, where norms
that were unknowns themselves, each step in them a program in nu, took 2,400.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve

from hidden_convexity.geometry.cones import flat_bases, project_each
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.solvers.fixed_gates.newton import quadratic_gap
from hidden_convexity.solvers.fixed_gates.ridge import factorised

# Proximal points a call, Newton steps for each, and proximal points without a better gap, after
# which precision has ended.
STEPS, INNER_STEPS, PATIENCE = 60, 40, 6
# sigma grows by this factor where so few Newton steps were taken, and is halved after so many.
LONGER, FEW, MANY = 4.0, 8, 20
# The slope of psi at which a proximal point is known well enough, relative to how far u has moved,
# as the method's convergence asks; and relative to the targets, the slope that is rounding.
ACCURACY, ROUNDED = 0.3, 1e-14
# A step must gain this share of what its slope promises, or it is halved.
SUFFICIENT, SHORTEST = 1e-4, 1e-6


class Pairs:
    """All pairs of a pattern and a sign: their projections, each from where it last ended.

    Pair j is pattern j % G under sign +1 for j < G and -1 beyond; after these 2 G, which are those
    of the first output, come those of the next.
    """

    def __init__(self, X, patterns, outputs=1):
        self.unit, self.patterns = unit_rows(X), np.ascontiguousarray(patterns.T)
        self.G, d = len(self.patterns), X.shape[1]
        self._tight = np.zeros((2 * self.G * outputs, d), dtype=np.int64)
        self._counts = np.zeros(2 * self.G * outputs, dtype=np.int64)
        # The sigma of `FlatProgram` that the next program over these pairs starts with.
        self.proximal = None

    def signs(self, pairs):
        return np.where(pairs // self.G % 2 == 0, 1.0, -1.0)

    def outputs(self, pairs):
        """Which output each pair feeds."""
        return pairs // (2 * self.G)

    def project(self, pairs, correlations):
        """Projections of signs * correlations (k, d) onto the cones of pairs (k,).

        Second come the sums (k,) of their multipliers, in proportion to which they round.
        """
        points = self.signs(pairs)[:, None] * correlations
        tight, counts = self._tight[pairs], self._counts[pairs]
        out, multipliers = np.empty_like(points), np.empty_like(points)
        cones = self.unit, self.patterns, pairs % self.G
        project_each(*cones, points, tight, counts, out, multipliers, np.zeros(len(points)))
        self._tight[pairs], self._counts[pairs] = tight, counts
        return out, multipliers.sum(axis=1)

    def bases(self, pairs, inside):
        """Orthonormal bases (k, d, d) of the flats of present tight rows, and their dimensions.

        The first vector of each is along a point inside (k, d).
        """
        first = inside / np.linalg.norm(inside, axis=1)[:, None]
        bases = np.zeros((*first.shape, first.shape[1]))
        sizes = flat_bases(self.unit, self._tight[pairs], self._counts[pairs], first, bases)
        return bases, sizes


class FlatProgram:
    """The ridge problem over some pairs: X (n, d) and Y (n,) of a quadratic loss.

    A loss of several outputs sees features, and they feel its dual point, through a matrix: the
    first methods are for a subclass to say how.
    """

    # The part of the targets that no pair has to fit.
    unseen = 0.0

    def __init__(self, X, Y, pairs, working, beta):
        self.X, self.Y, self.pairs, self.working, self.beta = X, Y, pairs, working, beta
        self.signs, self.feeds = pairs.signs(working), pairs.outputs(working)
        self.masks = pairs.patterns[working % pairs.G].T.astype(float)

    def _felt(self, nu, feeds):
        """The dual point as pairs feel it that feed some outputs (k,): (n, 1) or (n, k)."""
        return nu[:, None]

    def _seen(self, features, feeds):
        """Features (n, k) that feed some outputs (k,), as the loss sees them."""
        return features

    def _gram(self, features, feeds):
        """S^T S (k, k) of what the loss sees, S."""
        return features.T @ features

    def _times(self, features, feeds, x):
        """S x."""
        return features @ x

    def _transposed_times(self, features, feeds, nu):
        """S^T nu."""
        return features.T @ nu

    def _correlations(self, nu):
        """s_j X^T D_j nu of all pairs (k, d)."""
        felt = self._felt(nu, self.feeds)
        return self.signs[:, None] * (self.X.T @ (self.masks * felt)).T

    def _projected(self, points, least):
        """Projections of points (k, d) onto the pairs' cones, 0 where they are no longer."""
        z, large = np.zeros_like(points), np.flatnonzero(np.linalg.norm(points, axis=1) > least)
        points = self.signs[large, None] * points[large]
        z[large], _ = self.pairs.project(self.working[large], points)
        return z

    def outputs(self, u):
        """sum_j s_j D_j X u_j for u (k, d), as the loss sees them."""
        used = np.flatnonzero(u.any(axis=1))
        features = self.signs[used] * self.masks[:, used] * (self.X @ u[used].T)
        return self._seen(features, self.feeds[used]).sum(axis=1)

    def at(self, nu, centre, sigma):
        """psi at nu, and all that it is made of.

        With the constant ||Y||^2 / 2, which may be all but the whole, steps could not be told to
        gain: psi is a sum of squares then.
        """
        z = self._projected(centre + sigma * self._correlations(nu), sigma * self.beta)
        lengths = np.linalg.norm(z, axis=1)
        alive = lengths > sigma * self.beta
        share = np.where(alive, 1.0 - sigma * self.beta / np.where(alive, lengths, 1.0), 0.0)
        u = share[:, None] * z
        outputs, missed = self.outputs(u), self.Y - nu
        value = 0.5 * (missed @ missed) + 0.5 * (u**2).sum() / sigma
        return _Point(nu, z, lengths, share, u, outputs, value, missed - outputs)

    def factor(self, point, sigma):
        """Of the Hessian of psi, I + sigma sum_j F_j P_j F_j^T: a function that solves with it.

        On a flat of orthonormal basis z / ||z||, b_2, b_3, ... the derivative P_j of the proximal
        map is 1 along the first and the share of z_j that is left along the others.
        """
        used = np.flatnonzero(point.share > 0)
        if len(used) == 0:
            return lambda right: right
        bases, sizes = self.pairs.bases(self.working[used], point.z[used])
        weights = np.ones(bases.shape[:2]) * np.sqrt(sigma * point.share[used])[:, None]
        weights[:, 0] = np.sqrt(sigma)
        kept = np.arange(bases.shape[1]) < sizes[:, None]
        owner = np.repeat(used, sizes)
        features = self.X @ (weights[:, :, None] * bases)[kept].T
        features *= self.masks[:, owner]
        feeds, energy, size = self.feeds[owner], np.vdot(features, features), len(owner)
        if size >= (n := len(self.Y)):
            seen = self._seen(features, feeds)
            matrix = seen @ seen.T
            matrix[np.diag_indices(n)] += 1.0
            whole = factorised(matrix, energy + matrix.trace())
            return lambda right: cho_solve(whole, right, check_finite=False)
        matrix = self._gram(features, feeds)
        matrix[np.diag_indices(size)] += 1.0
        small = factorised(matrix, energy + matrix.trace())

        def apply(right):
            # Woodbury's identity: as many unknowns as the flats have dimensions.
            products = self._transposed_times(features, feeds, right)
            x = cho_solve(small, products, check_finite=False)
            return right - self._times(features, feeds, x)

        return apply

    def gap(self, point):
        """Relative duality gap of a point, within these pairs."""
        misfit = point.outputs - self.Y
        objective = 0.5 * misfit @ misfit + self.beta * np.linalg.norm(point.u, axis=1).sum()
        z = self._projected(self._correlations(point.nu), self.beta)
        largest = np.linalg.norm(z, axis=1).max(initial=self.beta)
        return quadratic_gap(objective, point.nu @ point.nu, point.nu @ self.Y, largest, self.beta)

    def minimise(self, weights, nu, tol):
        """Weights (k, d) from given ones, and their outputs, to a relative gap of tol."""
        sigma = self.pairs.proximal or self._first_sigma(weights)
        least, stalled, first = np.inf, 0, sigma
        for _ in range(STEPS):
            point, taken = self._proximal_point(nu, weights, sigma)
            weights, nu = point.u, point.nu
            gap = self.gap(point)
            stalled = 0 if gap < least else stalled + 1
            least = min(least, gap)
            if gap <= tol or stalled == PATIENCE:
                break
            if taken <= FEW:
                sigma *= LONGER
            elif taken > MANY:
                sigma /= 2
        self.pairs.proximal = max(sigma / LONGER, first / LONGER)
        return point.u, point.outputs

    def _first_sigma(self, weights):
        """A length over beta: of the longest weights, or of what a tenth of the targets takes."""
        longest = np.linalg.norm(weights, axis=1).max(initial=0.0)
        return max(longest, 0.1 * np.linalg.norm(self.Y) / np.linalg.norm(self.X)) / self.beta

    def _proximal_point(self, nu, centre, sigma):
        """The minimum of psi, as well as it must be known, and the Newton steps it took."""
        point = self.at(nu, centre, sigma)
        rounding = (ROUNDED * np.linalg.norm(self.Y)) ** 2
        for taken in range(INNER_STEPS):
            moved = ((point.u - centre) ** 2).sum() / sigma
            if point.slope @ point.slope <= max(ACCURACY**2 * moved, rounding):
                break
            direction = self.factor(point, sigma)(point.slope)
            promised, length = point.slope @ direction, 1.0
            while True:
                found = self.at(point.nu + length * direction, centre, sigma)
                if found.value <= point.value - SUFFICIENT * length * promised:
                    break
                length /= 2
                if length < SHORTEST:
                    return point, taken
            point = found
        else:
            taken = INNER_STEPS
        return point, taken


class BlindProgram(FlatProgram):
    """The ridge problem of a loss that does not see the outputs of free terms.

    These are the span of `blind` (n, q), orthonormal columns, which fits the part `unseen` of Y.
    """

    def __init__(self, X, Y, pairs, working, beta, blind):
        self.blind = blind
        self.unseen = blind @ (blind.T @ Y)
        super().__init__(X, self._seen(Y - self.unseen, None), pairs, working, beta)

    def _felt(self, nu, feeds):
        return self._seen(nu, feeds)[:, None]

    def _seen(self, features, feeds):
        return features - self.blind @ (self.blind.T @ features)

    def _gram(self, features, feeds):
        along = self.blind.T @ features
        return features.T @ features - along.T @ along

    def _times(self, features, feeds, x):
        return self._seen(features @ x, feeds)

    def _transposed_times(self, features, feeds, nu):
        return features.T @ self._seen(nu, feeds)


@dataclass(frozen=True, eq=False)
class _Point:
    """What is known at one nu (n,).

    Attributes
    ----------
    z : (k, d) ndarray
        Projections of centre_j + sigma s_j X^T D_j nu, and their lengths (k,).
    share : (k,) ndarray
        What the proximal map leaves of each, so that u = share z.
    outputs : (n,) ndarray
        Of the weights u.
    value : float
        psi, with minus its slope Y - nu - outputs (n,).
    """

    nu: np.ndarray
    z: np.ndarray
    lengths: np.ndarray
    share: np.ndarray
    u: np.ndarray
    outputs: np.ndarray
    value: float
    slope: np.ndarray
