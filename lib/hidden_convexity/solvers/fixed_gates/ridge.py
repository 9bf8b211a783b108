"""Ridge regression over gates, with one number eta_g each: J(eta), and all that its slopes need.

Two forms of the same problem, in the samples (`Kernel`) and in the features (`Gram`). The equations
are those of `newton`.
"""

import numpy as np
from array_api_compat import array_namespace, is_numpy_array
from scipy.linalg import cho_factor, cho_solve

from hidden_convexity.solvers.fixed_gates.program import BLOCK, group_norms, host

# Added to the diagonal of a matrix that has no factor, in turn, in units of its rounding.
RIDGES = (1e1, 1e2, 1e3, 1e4, 1e5)


class _Point:
    """J and what it took to compute it, at one eta.

    Attributes
    ----------
    value : float
        J(eta).
    energy, fit : float
        ||N||^2 and <N, Y>.
    correlations : (k, d, c) array
        C_g.
    norms : (k,) ndarray
    factor
        What `hessian` goes on with.
    """

    def __init__(self, eta, beta, energy, fit, correlations, factor):
        self.eta, self.energy, self.fit, self.factor = eta, energy, fit, factor
        self.value = 0.5 * fit + 0.5 * beta * float(eta.sum())
        self.correlations = correlations
        xp = array_namespace(correlations)
        self.norms = host(group_norms(xp, correlations))


class _Model:
    """What both forms of the ridge regression share: X (n, d), Y (n, c) and masks (n, k).

    Along a unit vector `blind` (n,), if one is given, outputs are not seen: the regression is that
    of what is left of features and targets without their components along it.
    """

    def __init__(self, X, Y, masks, blind=None):
        self.xp = array_namespace(X)
        self.X, self.masks = X, masks
        self.blind = None if blind is None else self.like(blind)
        self.Y = self.seen(Y)

    def seen(self, columns):
        """Columns (n, k) without their components along the blind vector."""
        if self.blind is None:
            return columns
        return columns - self.blind[:, None] * (self.blind @ columns)

    def like(self, values):
        """A host array as one of the data's library and device."""
        return self.xp.asarray(values, dtype=self.X.dtype, device=self.X.device)

    def index(self, numbers):
        return self.xp.asarray(numbers, device=self.X.device)


class Kernel(_Model):
    """In the n samples: the kernel matrix X X^T and the masks.

    Parameters
    ----------
    kernel : (n, n) array
        X X^T.
    """

    def __init__(self, X, Y, masks, kernel, blind=None):
        super().__init__(X, Y, masks, blind)
        self.kernel = kernel

    def at(self, eta, beta):
        xp, used = self.xp, np.flatnonzero(eta > 0)
        masks = xp.take(self.masks, self.index(used), axis=1)
        scaled = masks * self.like(np.sqrt(eta[used] / beta))[None, :]
        matrix = self.kernel * (scaled @ scaled.T)
        size = 1.0 + float(xp.max(abs(matrix)))
        matrix = self.seen(self.seen(matrix).T) + xp.eye(
            len(self.X), dtype=self.X.dtype, device=self.X.device
        )
        factor = factorised(matrix, size)
        residual = _solve(factor, self.Y)
        correlations = _correlate(self.X, self.masks, residual)
        energy, fit = float((residual**2).sum()), float((residual * self.Y).sum())
        return _Point(eta, beta, energy, fit, correlations, factor)

    def hessian(self, point, free):
        """<A_g, M^-1 A_h> for the free gates: (f, f)."""
        xp, index = self.xp, self.index(free)
        masks = xp.take(self.masks, index, axis=1)
        correlations = xp.take(point.correlations, index, axis=0)
        total = np.zeros((len(free), len(free)))
        for k in range(self.Y.shape[1]):
            predictions = self.seen(masks * (self.X @ correlations[:, :, k].T))
            total += host(predictions.T @ _solve(point.factor, predictions))
        return total


class Gram(_Model):
    """In the K = k d features: their Gram matrix, computed once."""

    def __init__(self, X, Y, masks, blind=None):
        super().__init__(X, Y, masks, blind)
        xp, (n, d), k = self.xp, X.shape, masks.shape[1]
        self.gram, self.linear, along = 0.0, 0.0, 0.0
        step = max(BLOCK // (k * d), 1)
        for start in range(0, n, step):
            rows = slice(start, start + step)
            features = masks[rows, :, None] * X[rows, None, :]
            features = xp.reshape(features, (features.shape[0], k * d))
            self.gram = self.gram + features.T @ features
            self.linear = self.linear + features.T @ self.Y[rows, :]
            if blind is not None:
                along = along + features.T @ self.blind[rows]
        self.size = float(xp.max(abs(self.gram)))
        if blind is not None:
            self.gram = self.gram - along[:, None] * along[None, :]
        self.total = float((self.Y**2).sum())

    def at(self, eta, beta):
        xp, d = self.xp, self.X.shape[1]
        used = np.flatnonzero(eta > 0)
        columns = self.index((used[:, None] * d + np.arange(d)).ravel())
        root = self.like(np.repeat(np.sqrt(eta[used]), d))
        part = xp.take(self.gram, columns, axis=1)  # (K, used d)
        matrix = root[:, None] * xp.take(part, columns, axis=0) * root[None, :]
        matrix = matrix + beta * xp.eye(len(root), dtype=matrix.dtype, device=matrix.device)
        factor = factorised(matrix, beta + self.size * float(eta.max()))
        scaled = root[:, None] * xp.take(self.linear, columns, axis=0)
        weights = root[:, None] * _solve(factor, scaled)
        residual_products = self.linear - part @ weights
        fit = self.total - float((xp.take(self.linear, columns, axis=0) * weights).sum())
        energy = fit - float((xp.take(residual_products, columns, axis=0) * weights).sum())
        correlations = xp.reshape(residual_products, (-1, d, self.Y.shape[1]))
        return _Point(eta, beta, energy, fit, correlations, (factor, root, columns))

    def hessian(self, point, free):
        """<A_g, M^-1 A_h> for the free gates, by Woodbury's identity: (f, f)."""
        xp, d = self.xp, self.X.shape[1]
        factor, root, columns = point.factor
        index = self.index(free)
        correlations = xp.take(point.correlations, index, axis=0)
        grouped = xp.reshape(self.gram, (self.gram.shape[0], -1, d))
        grouped = xp.permute_dims(xp.take(grouped, index, axis=1), (1, 0, 2))  # (f, K, d)
        total = np.zeros((len(free), len(free)))
        for k in range(self.Y.shape[1]):
            products = (grouped @ correlations[:, :, k, None])[:, :, 0]  # F^T A_g, (f, K)
            own = xp.take(xp.reshape(products, (len(free), -1, d)), index, axis=1)
            direct = xp.sum(own * correlations[None, :, :, k], axis=2)
            through = root[:, None] * xp.take(products, columns, axis=1).T
            total += host(direct - through.T @ _solve(factor, through))
        return total


def _correlate(X, masks, residual):
    """C_g = X^T D_g N: (k, d, c)."""
    xp = array_namespace(X)
    return xp.stack(
        [(X.T @ (masks * residual[:, k, None])).T for k in range(residual.shape[1])], axis=2
    )


# Factorisations of positive definite matrices are not in the array API standard: NumPy's arrays go
# to LAPACK through SciPy, PyTorch's tensors bring their own solver, others get two triangular ones.


def factorised(matrix, size):
    """A factor of a matrix made of terms of a size, or of one as near as their rounding."""
    xp = array_namespace(matrix)
    for share in RIDGES:
        try:
            return _cholesky(matrix)
        except (np.linalg.LinAlgError, RuntimeError):  # NumPy's, and other libraries'
            ridge = share * float(xp.finfo(matrix.dtype).eps) * size
            eye = xp.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
            matrix = matrix + ridge * eye
    raise np.linalg.LinAlgError("X, Y and beta are of sizes too far apart; rescale them")


def _cholesky(matrix):
    if is_numpy_array(matrix):
        return cho_factor(matrix, lower=True, check_finite=False)
    return array_namespace(matrix).linalg.cholesky(matrix)


def _solve(factor, right):
    if isinstance(factor, tuple):
        return cho_solve(factor, right, check_finite=False)
    if hasattr(right, "cholesky_solve"):
        return right.cholesky_solve(factor)
    solve = array_namespace(right).linalg.solve
    return solve(factor.T, solve(factor, right))
