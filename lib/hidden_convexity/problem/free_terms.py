"""Terms of a network that cost nothing: a skip connection X b, and a constant of the outputs.

For outputs f of the neurons the loss is minimised over the coefficients of the free columns Z,
Phi(f) = min over b of F(f + Z b), which is convex in f, with the residual nu = -grad F at the best
b. There Z'nu = 0, which is what the dual asks of nu besides M(nu) <= beta: otherwise, b being free,
nu.f could be anything. The Hessian of Phi is the Schur complement H - H Z (Z'HZ)^-1 Z'H.

With several outputs b, nu and Z'nu have a column for each. The squared loss sees one column after
the other; the softmax loss couples those of a sample by H_i = diag(p_i) - p_i p_i'.

Floats have Z'nu = 0 up to rounding only. A bound is therefore that of a point near nu which has it
exactly, and owes what the way there may cost: `FreeTerms.distances`, and for the softmax loss
`coupled_distances`.

Second derivatives ("curvature") are given as None where they are 1, as (n,) for one output, and for
the softmax loss as masses h (n, c), which stand for diag(h_i) - h_i h_i' / sum h_i.
"""

from math import fsum

import numpy as np
from scipy import linalg

from hidden_convexity.foundations.double_precision import EPS, TINY

# Newton steps in the minimisation over b; relative to the residual, the gradient that ends it; and
# the relative difference of two values that is rounding.
STEPS, CONVERGED, SAME_HEIGHT = 100, 1e-14, 1e-14
# Damping of a step that climbs, tried in turn: where probabilities are 0 or 1 to rounding there is
# no curvature, and a step of its own has no end. The last one descends, as none is above 1.
DAMPINGS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0)
# A unit column this near to the span of others is left out: it is theirs, up to rounding.
DEPENDENT = 1e-12
# The largest entry of a column, or 0: coefficients, up to targets over it, are to be floats.
SMALLEST_COLUMN = 1e-200
# Distances are computed while (Z T)'H(Z T) is the identity to this.
SKEWED = 0.5


class FreeTerms:
    """The free columns Z (n, q) of a problem, and the minimisation over their coefficients.

    Columns that depend on others, up to `DEPENDENT`, are left out: their coefficients are 0.

    Parameters
    ----------
    columns : (n, q) ndarray
        q may be 0. Entries may be off by `rounding` eps of `sizes`.
    sizes : (n, q) ndarray or None
        Of what was added up for each entry; None for the entries' own.
    rounding : float
        Additions for each entry, 0 for data as they are.

    Raises
    ------
    ValueError
        If a column is neither zero nor as large as `SMALLEST_COLUMN`.
    """

    def __init__(self, columns, sizes=None, rounding=0.0):
        self.columns = columns
        scale = np.abs(columns).max(axis=0, initial=0.0)
        small = scale[(scale > 0) & (scale < SMALLEST_COLUMN)]
        if len(small):
            raise ValueError(
                f"X must have columns of largest entries 0 or at least {SMALLEST_COLUMN:g} for a "
                f"skip term, whose weights would overflow, got one of {small.min():.3g}; rescale it"
            )
        unit = columns / np.where(scale > 0, scale, 1.0)
        lengths = np.linalg.norm(unit, axis=0)
        unit = unit / np.where(scale > 0, lengths, 1.0)
        basis, triangle, order = linalg.qr(unit, mode="economic", pivoting=True)
        diagonal = np.abs(triangle.diagonal())
        rank = int((diagonal > DEPENDENT * diagonal.max(initial=0.0)).sum())
        self.used = order[:rank]
        # Orthonormal columns of the same span, and the coefficients of Z that make them.
        self.basis = np.ascontiguousarray(basis[:, :rank])
        inverse = linalg.solve_triangular(triangle[:rank, :rank], np.eye(rank))
        used_scale = (scale * lengths)[self.used]
        self._inverse = inverse / used_scale[:, None]
        self._used = columns[:, self.used]
        self._sizes = np.abs(self._used) if sizes is None else sizes[:, self.used]
        self._rounding = rounding

    def __len__(self):
        return self.basis.shape[1]

    def coefficients(self, along):
        """Coefficients (q,) or (q, c) of Z for coefficients of the orthonormal basis."""
        of_columns = np.zeros((self.columns.shape[1], *along.shape[1:]))
        of_columns[self.used] = self._inverse @ along
        return of_columns

    def fit(self, problem, outputs, start=None):
        """Coefficients (q,) or (q, c) of the basis that minimise F(outputs + basis c)."""
        along = np.zeros((len(self), *outputs.shape[1:])) if start is None else start
        if len(self) == 0:
            return along
        moved = outputs + self.basis @ along
        height, residual = problem.loss_value(moved), problem.loss_residual(moved)
        for _ in range(STEPS):
            gradient = self.basis.T @ residual
            curvature = problem.loss_curvature(moved)
            for damping in DAMPINGS:
                tried = along + self._newton_step(curvature, gradient, damping)
                moved = outputs + self.basis @ tried
                lower, residual = problem.loss_value(moved), problem.loss_residual(moved)
                # Near the minimum the value no longer tells steps apart, but the gradient does.
                flatter = np.linalg.norm(self.basis.T @ residual) < np.linalg.norm(gradient)
                if lower < height or (lower <= height * (1 + SAME_HEIGHT) and flatter):
                    break
            else:
                return along
            along, height = tried, min(height, lower)
            if np.linalg.norm(gradient) <= CONVERGED * np.linalg.norm(residual):
                return along
        return along

    def hessian(self, curvature):
        """basis' H basis for second derivatives H of the loss: (q, q), or (q c, q c) of masses."""
        if curvature is None:
            return np.eye(len(self))
        if curvature.ndim == 1:
            return self.basis.T @ (curvature[:, None] * self.basis)
        c = curvature.shape[1]
        blocks = np.empty((len(self), c, len(self), c))
        shares = curvature / _totals(curvature)
        for k in range(c):
            for other in range(k + 1):
                weights = curvature[:, k] * ((k == other) - shares[:, other])
                block = self.basis.T @ (weights[:, None] * self.basis)
                blocks[:, k, :, other] = blocks[:, other, :, k] = block
        return blocks.reshape(len(self) * c, len(self) * c)

    def _newton_step(self, curvature, gradient, damping=0.0):
        """(basis' H basis + damping I)^-1 times a gradient (q,) or (q, c)."""
        hessian = self.hessian(curvature)
        hessian[np.diag_indices_from(hessian)] += damping
        step = linalg.lstsq(hessian, gradient.reshape(len(hessian), -1))[0]
        return step.reshape(gradient.shape)

    def balance(self, nu, curvature):
        """nu moved by the least amount, in the metric of the curvature, to where Z'nu = 0.

        For the logistic loss entries then move in proportion to p (1 - p): a probability does not
        leave [0, 1] unless the move is as large as itself; nor for the softmax loss.
        """
        for _ in range(2):  # the second time for what rounding has left
            shift = self.basis @ self._newton_step(curvature, self.basis.T @ nu)
            nu = nu - _curved(curvature, shift)
        return nu

    def distances(self, nu, weights):
        """How far each entry of nu is from that of a point with Z'nu = 0 exactly, from above.

        Parameters
        ----------
        nu : (n,) ndarray
        weights : (n,) ndarray or None
            H > 0, the metric; None where all are 1.

        Returns
        -------
        (n,) ndarray
            The relative distances theta, with |moved nu_i - nu_i| <= H_i theta_i; infinite where
            rounding leaves no bound.

        Notes
        -----
        For any T of full rank with G = Z T and ||G'HG - I|| <= delta < 1, the point nu - H G e with
        e = (G'HG)^-1 G'nu is orthogonal to G, so to Z, and theta_i = |G_i e| <= ||G_i|| ||e|| with
        ||e|| <= ||G'nu|| / (1 - delta). T need not be right, only good. What is computed of Z'nu
        and G is off by rounding, the more the more the columns depend on each other.
        """
        if len(self) == 0:
            return np.zeros(len(nu))
        n, q = self._used.shape
        T = self._inverse
        if weights is not None:
            values, vectors = np.linalg.eigh(self.hessian(weights))
            if not values[0] > 0:
                return np.full(n, np.inf)
            T = T @ (vectors / np.sqrt(values))
        with np.errstate(all="ignore"):
            G = self._used @ T
            entry_error = (self._rounding + q + 2) * EPS * (self._sizes @ np.abs(T))
            heavy = np.ones(n) if weights is None else weights
            upper = np.abs(G) + entry_error
            skew = np.linalg.norm(G.T @ (heavy[:, None] * G) - np.eye(q))
            # Of the products, each of which has n terms, and of the entries of G.
            skew += float((heavy * (upper**2).sum(axis=1)).sum()) * (n + q + 8) * EPS
            skew += 2.0 * float((heavy * np.linalg.norm(upper, axis=1)) @ entry_error.sum(axis=1))
            along = np.array([fsum(nu * z) for z in self._used.T])
            # Products may vanish, and columns be as small as these.
            off = (self._rounding + 4) * EPS * (np.abs(nu) @ self._sizes) + n * TINY
            off += (q + 2) * EPS * np.abs(along)
            size = np.linalg.norm(np.abs(T.T @ along) + np.abs(T.T) @ off)
            found = size / (1.0 - SKEWED) * np.linalg.norm(upper, axis=1)
        if not skew <= SKEWED or not np.isfinite(found).all():
            return np.full(n, np.inf)
        return (1 + 16 * EPS) * found

    def coupled_distances(self, nu, masses, unbalanced):
        """The same for nu (n, c) of the softmax loss, to where rows add up to 0 besides.

        Parameters
        ----------
        nu : (n, c) ndarray
        masses : (n, c) ndarray
            h >= 0, the metric H.
        unbalanced : (n,) ndarray
            How far rows of nu are from adding up to 0, from above.

        Returns
        -------
        (n,) ndarray
            The relative distances theta, with |moved nu_ik - nu_ik| <= h_ik theta_i, for rows that
            add up to 0, their sums r_i taken off as r_i h_i / sum h_i; infinite where rounding
            leaves no bound.

        Notes
        -----
        Rows of nu add up to 0, and so do those of He for any e: all columns of Z'nu vanish if all
        but the last do. For these the argument of `distances` holds, in one matrix G of n c rows:
        G_ik = Z_i T_k with the rows T_k of T for output k < c, and 0 for the last one. As H is at
        most diag(h), G'HG is off by no more than with diag(h) in its place.
        """
        n, q = self._used.shape
        c = masses.shape[1]
        count = q * (c - 1)
        totals = _totals(masses)
        metric = self.hessian(masses).reshape(q, c, q, c)[:, :-1, :, :-1].reshape(count, count)
        values, vectors = np.linalg.eigh(metric)
        if not values[0] > 0:
            return np.full(n, np.inf)
        T = (self._inverse @ (vectors / np.sqrt(values)).reshape(q, -1)).reshape(q, c - 1, count)
        with np.errstate(all="ignore"):
            skewed, mean = -np.eye(count), np.zeros((n, count))
            heavy, errors, sizes = np.zeros(n), np.zeros(n), np.zeros((n, c))
            along, off = np.zeros(count), np.zeros(count)
            for k in range(c - 1):
                G, h = self._used @ T[:, k], masses[:, k, None]
                entry_error = (self._rounding + q + 2) * EPS * (self._sizes @ np.abs(T[:, k]))
                upper = np.abs(G) + entry_error
                skewed += G.T @ (h * G)
                mean += h * G
                sizes[:, k] = np.linalg.norm(upper, axis=1)
                heavy += masses[:, k] * sizes[:, k] ** 2
                errors += masses[:, k] * (entry_error**2).sum(axis=1)
                found = np.array([fsum(nu[:, k] * z) for z in self._used.T])
                lost = (self._rounding + 4) * EPS * (np.abs(nu[:, k]) @ self._sizes) + n * TINY
                along += T[:, k].T @ found
                off += np.abs(T[:, k].T) @ (lost + (q + c + 2) * EPS * np.abs(found))
            skewed -= mean.T @ (mean / totals)
            skew = np.linalg.norm(skewed)
            # Of the products, each of which has n c terms, and of the entries of G.
            skew += 2.0 * float(heavy.sum()) * (n + 3 * c + count + 8) * EPS
            skew += 4.0 * float(np.sqrt(heavy) @ np.sqrt(errors))
            farthest = sizes.max(axis=1)
            size = np.linalg.norm(np.abs(along) + off) + float(unbalanced @ farthest)
            # An entry of He is h times its distance from a mean of the others.
            found = 2.0 * size / (1.0 - SKEWED) * farthest
        if not skew <= SKEWED or not np.isfinite(found).all():
            return np.full(n, np.inf)
        return (1 + 16 * EPS) * found


def _totals(masses):
    """sum h_i (n, 1), 1 where it is 0: nothing moves there."""
    totals = masses.sum(axis=1, keepdims=True)
    return np.where(totals > 0, totals, 1.0)


def _curved(curvature, values):
    """H times values of the shape of the outputs."""
    if curvature is None or curvature.ndim == 1:
        return values if curvature is None else (curvature * values.T).T
    weighted = curvature * values
    return weighted - curvature * (weighted.sum(axis=1, keepdims=True) / _totals(curvature))
