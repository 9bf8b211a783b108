"""Newton's method over some pairs of a pattern and a sign, each on the flat of its tight rows.

The equations are those of `cones`: a norm eta_j a pair, and a dual point nu.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from hidden_convexity.geometry.cones import project_each
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.solvers.fixed_gates.newton import newton_step, quadratic_gap

# Newton steps in eta a round, and in nu for each of them.
STEPS, INNER_STEPS = 40, 30
# The slope in nu at which J is known well enough for a step in eta, relative to what is fitted and
# to the gap.
ACCURACY = 1e-3
# A step must gain this share of what its slope promises, or it is halved, in nu, or taken with a
# stiffer Hessian, in eta. Tight rows change along the way, and pairs that share rays make the
# Hessian singular: a multiple of its diagonal is added, between these, as Levenberg and Marquardt
# do.
SUFFICIENT, SHORTEST = 1e-4, 1e-6
SOFTEST, STIFFER, STIFFEST = 1e-9, 10.0, 1e9


class Pairs:
    """All pairs of a pattern and a sign: their projections, each from where it last ended.

    Pair j is pattern j % P under sign +1 for j < P and -1 beyond; after these 2P, which are those
    of the first output, come those of the next.
    """

    def __init__(self, X, patterns, outputs=1):
        self.unit, self.patterns = unit_rows(X), np.ascontiguousarray(patterns.T)
        self.P, d = len(self.patterns), X.shape[1]
        self._tight = np.zeros((2 * self.P * outputs, d), dtype=np.int64)
        self._counts = np.zeros(2 * self.P * outputs, dtype=np.int64)

    def signs(self, pairs):
        return np.where(pairs // self.P % 2 == 0, 1.0, -1.0)

    def outputs(self, pairs):
        """Which output each pair feeds."""
        return pairs // (2 * self.P)

    def project(self, pairs, correlations):
        """Projections of signs * correlations (k, d) onto the cones of pairs (k,)."""
        points = self.signs(pairs)[:, None] * correlations
        tight, counts = self._tight[pairs], self._counts[pairs]
        out, totals = np.empty_like(points), np.empty(len(points))
        project_each(self.unit, self.patterns, pairs % self.P, points, tight, counts, out, totals)
        self._tight[pairs], self._counts[pairs] = tight, counts
        return out

    def tight(self, pair):
        """Which rows are tight at the pair's projection, in a form that can be compared."""
        return tuple(sorted(self._tight[pair, : self._counts[pair]].tolist()))

    def flat(self, rows):
        """Orthonormal basis (d, f) of the flat where some rows vanish."""
        if not rows:
            return np.eye(self.unit.shape[1])
        return np.linalg.qr(self.unit[list(rows)].T, mode="complete")[0][:, len(rows) :]


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
        self.masks = pairs.patterns[working % pairs.P].T.astype(float)
        self._features = {}

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

    def _project(self, chosen, nu):
        """z_j for some positions j."""
        felt = self._felt(nu, self.feeds[chosen])
        correlations = (self.X.T @ (self.masks[:, chosen] * felt)).T
        return self.pairs.project(self.working[chosen], correlations)

    def _predictions(self, chosen, u):
        """s_j D_j X u_j for some positions j and their u (k, d), as the loss sees them."""
        features = self.signs[chosen] * self.masks[:, chosen] * (self.X @ u.T)
        return self._seen(features, self.feeds[chosen])

    def at(self, eta, nu):
        """The dual value at nu, less ||Y||^2 / 2, and its slope; z_j stays 0 where eta_j = 0.

        With that constant, which may be all but the whole, steps could not be told to gain.
        """
        z = np.zeros((len(eta), self.X.shape[1]))
        used = np.flatnonzero(eta)
        z[used] = self._project(used, nu)
        outputs = self.outputs(eta[:, None] * z / self.beta)
        squares = (z**2).sum(axis=1)
        fitted = self.Y - nu
        value = 0.5 * (self.beta * eta.sum() - eta @ squares / self.beta - fitted @ fitted)
        return _Point(eta, nu, z, np.sqrt(squares), outputs, value, self.Y - nu - outputs)

    def outputs(self, u):
        """sum_j s_j D_j X u_j for u (k, d)."""
        used = np.flatnonzero(u.any(axis=1))
        return self._predictions(used, u[used]).sum(axis=1)

    def completed(self, point):
        """The point with all z_j, those of eta_j = 0 too."""
        unused, z = np.flatnonzero(point.eta == 0), point.z.copy()
        z[unused] = self._project(unused, point.nu)
        return replace(point, z=z, norms=np.linalg.norm(z, axis=1))

    def features(self, position):
        """D_j X B_j for the flat of the pair's present tight rows (n, f)."""
        rows = self.pairs.tight(self.working[position])
        known = self._features.get(position)
        if known is None or known[0] != rows:
            flat = self.X @ self.pairs.flat(rows)
            known = self._features[position] = (rows, self.masks[:, position, None] * flat)
        return known[1]

    def factor(self, eta):
        """Of I + 1/beta sum eta_j F_j F_j^T at the present tight rows: a function."""
        used = np.flatnonzero(eta)
        parts = [np.sqrt(eta[one] / self.beta) * self.features(one) for one in used]
        if sum(part.shape[1] for part in parts) == 0:
            return lambda right: right
        features = np.concatenate(parts, axis=1)
        feeds = np.repeat(self.feeds[used], [part.shape[1] for part in parts])
        n, size = len(self.Y), len(feeds)
        if size >= n:
            seen = self._seen(features, feeds)
            matrix = seen @ seen.T
            matrix[np.diag_indices(n)] += 1.0
            whole = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
            return lambda right: cho_solve(whole, right, check_finite=False)
        matrix = self._gram(features, feeds)
        matrix[np.diag_indices(size)] += 1.0
        small = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)

        def apply(right):
            # Woodbury's identity: as many unknowns as the flats have dimensions.
            products = self._transposed_times(features, feeds, right)
            x = cho_solve(small, products, check_finite=False)
            return right - self._times(features, feeds, x)

        return apply

    def known(self, point, gap):
        """Whether the slope in nu is small enough for a step in eta at a relative gap."""
        # Not relative to ||Y|| where little of it can be fitted, or pays for its weights.
        seen = max(np.linalg.norm(point.outputs), self.beta / np.linalg.norm(self.X))
        return np.linalg.norm(point.slope) <= ACCURACY * gap * min(np.linalg.norm(self.Y), seen)

    def settle(self, eta, nu, gap):
        """The maximum over nu for fixed eta, as well as it must be known, and its factor."""
        point = self.at(eta, nu)
        for _ in range(INNER_STEPS):
            solve = self.factor(eta)
            if self.known(point, gap):
                break
            direction = solve(point.slope)
            promised, length = point.slope @ direction, 1.0
            while True:
                moved = self.at(eta, point.nu + length * direction)
                if moved.value >= point.value + SUFFICIENT * length * promised:
                    break
                length /= 2
                if length < SHORTEST:
                    return point, solve
            point = moved
        return point, solve

    def gap(self, point):
        """Relative duality gap of a point, within these pairs."""
        u = point.eta[:, None] * point.z / self.beta
        misfit = point.outputs - self.Y
        objective = 0.5 * misfit @ misfit + self.beta * np.linalg.norm(u, axis=1).sum()
        energy, fit = point.nu @ point.nu, point.nu @ self.Y
        return quadratic_gap(objective, energy, fit, point.norms.max(initial=0.0), self.beta)

    def minimise(self, eta, nu, tol):
        """The point at the optimum over these pairs, to a relative gap of tol."""
        least, ridge = 1.0, 1e-2
        limit = 0.5 * self.Y @ self.Y
        point, solve = self.settle(eta, nu, least)
        point = self.completed(point)
        for _ in range(STEPS):
            gap = self.gap(point)
            if gap <= tol:
                break
            least = min(least, gap)
            if not self.known(point, least):
                # J would be known too coarsely to tell whether a step has gained anything.
                point, solve = self.settle(point.eta, point.nu, least)
                point = self.completed(point)
            slope = 0.5 * (self.beta - point.norms**2 / self.beta)
            free = np.flatnonzero((point.eta > 0) | (slope < 0))
            predictions = self._predictions(free, point.z[free])
            hessian = predictions.T @ solve(predictions) / self.beta**2
            while True:
                trial = np.maximum(point.eta + newton_step(hessian, slope, free, ridge), 0.0)
                if 0.5 * self.beta * trial.sum() <= point.value + limit:
                    moved, solve_there = self.settle(trial, point.nu, least)
                    if moved.value <= point.value + SUFFICIENT * slope @ (trial - point.eta):
                        break
                ridge *= STIFFER
                if ridge > STIFFEST:  # the end of double precision
                    return point
            ridge = max(ridge / STIFFER, SOFTEST)
            point, solve = self.completed(moved), solve_there
        return point


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
    """What is known at one eta (k,) and nu (n,).

    Attributes
    ----------
    z : (k, d) ndarray
        Projections z_j, and their norms (k,).
    outputs : (n,) ndarray
        Of the weights eta_j z_j / beta.
    value : float
        The dual value less ||Y||^2 / 2, with its slope Y - nu - outputs (n,).
    """

    eta: np.ndarray
    nu: np.ndarray
    z: np.ndarray
    norms: np.ndarray
    outputs: np.ndarray
    value: float
    slope: np.ndarray
