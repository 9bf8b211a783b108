"""The gated program of a quadratic loss over some gates, by Newton's method on the groups' norms.

Since ||w|| = min over eta > 0 of (||w||^2 / eta + eta) / 2, the group Lasso

    min over W_g   1/2 ||sum_g D_g X W_g - Y||^2 + beta sum_g ||W_g||

is the minimum over eta >= 0 of a ridge regression with one number a gate,

    J(eta) = min over W_g   1/2 ||sum_g D_g X W_g - Y||^2 + beta/2 sum_g (||W_g||^2 / eta_g + eta_g)
           = 1/2 <Y, M^-1 Y> + beta/2 sum_g eta_g,   M = I + 1/beta sum_g eta_g D_g X X^T D_g,

attained at N = M^-1 Y, the residual, and W_g = eta_g C_g / beta with C_g = X^T D_g N. J is convex
and smooth up to the boundary, where eta_g = 0 is a gate without weights:

    dJ/deta_g = (beta - ||C_g||^2 / beta) / 2,   d2J/deta_g deta_h = <A_g, M^-1 A_h> / beta^2,

with A_g = D_g X C_g. So a handful of projected Newton steps finds the exact zeros and, the last
ones doubling the digits, the optimum. The number of unknowns is that of the gates, not k d c.

M costs no product with the features: sum_g eta_g D_g X X^T D_g = X X^T * (D diag(eta) D^T), entry
by entry (`Kernel`). With fewer features than samples the same numbers come from their Gram matrix
(`Gram`), and steps do not depend on n. The program in eta is known from multiple kernel learning
(Bach, Lanckriet and Jordan 2004; Rakotomamonjy et al. 2008).
"""

import numpy as np
from array_api_compat import array_namespace, is_numpy_array
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from hidden_convexity.solvers.sampled_program import BLOCK, group_norms, host

# A matrix of the size of the samples or of the features, whichever are fewer, is factored at every
# step; beyond this many, gradients are faster.
FACTORED = 4_000
# Features are counted dear: their Gram matrix has to be made first.
GRAM_SHARE = 0.5
# Of a quadratic model of the loss: smallest second derivative, and halvings of a step that climbs.
LEAST_CURVATURE, HALVINGS = 1e-9, 20
# Newton steps; seldom more than fifteen are taken.
STEPS = 60
# A step must gain this share of what its slope promises, or it is halved.
SUFFICIENT, SHORTEST = 1e-4, 1e-12
# Added to the Hessian's diagonal, in units of it, and what it grows by until there is a factor:
# groups of equal predictions make the Hessian singular.
RIDGE, STIFFER = 1e-9, 100.0


def suits(program, count):
    """Whether this method is for the program's loss, and its size at a number of gates."""
    n, d, _, _ = program.shape
    return hasattr(program.loss, "curvature") and min(n, count * d) <= FACTORED


def improve(program, masks, weights, outputs, beta, tol):
    """Weights (k, d, c) that minimise the quadratic model of the loss at the outputs of given ones.

    For the squared loss these minimise the program itself over the masks' gates, to a relative gap
    of tol; for another loss a step towards them is cut until the objective falls. All is done in
    double precision; the outputs are in it.
    """
    xp, (X, Y) = program.xp, program.double
    masks = xp.astype(masks, X.dtype, copy=False)
    weights = xp.astype(weights, X.dtype, copy=False)
    eta = host(group_norms(xp, weights))
    curvature = program.loss.curvature(Y, outputs)
    if curvature is None:
        weights = minimise(_model(program, X, Y, masks, program.kernel), beta, eta, tol)[1]
    else:
        root = xp.sqrt(xp.clip(curvature, LEAST_CURVATURE, None))
        response = root * outputs + program.loss.residual(Y, outputs) / root
        kernel = root * program.kernel * root.T
        model = _model(program, root * X, response, masks, kernel)
        moved = minimise(model, beta, eta, tol)[1]
        weights = _part_of_the_way(program, masks, weights, moved, outputs, beta)
    return xp.astype(weights, program.X.dtype, copy=False)


def _model(program, X, Y, masks, kernel):
    if masks.shape[1] * X.shape[1] <= GRAM_SHARE * X.shape[0]:
        return Gram(X, Y, masks)
    return Kernel(X, Y, masks, kernel)


def _part_of_the_way(program, masks, weights, moved, outputs, beta):
    """The first of moved weights, half-way to them, a quarter, ... that lowers the objective."""
    xp, (X, Y) = program.xp, program.double
    outputs_moved = program.outputs(moved, masks, X)

    def objective(share):
        mixed = (1.0 - share) * weights + share * moved
        mixed_outputs = (1.0 - share) * outputs + share * outputs_moved
        return program.loss.value(Y, mixed_outputs) + beta * float(group_norms(xp, mixed).sum())

    height, share = objective(0.0), 1.0
    for _ in range(HALVINGS):
        if objective(share) < height:
            return (1.0 - share) * weights + share * moved
        share /= 2
    return weights


def minimise(model, beta, eta, tol):
    """Minimise J, from eta (k,) on, until its duality gap is at most tol, relative.

    Returns
    -------
    eta : (k,) ndarray
    weights : (k, d, c) array
    """
    point = model.at(eta, beta)
    for _ in range(STEPS):
        squares = point.norms**2
        if _gap(point, beta) <= tol:
            break
        slope = 0.5 * (beta - squares / beta)
        free = np.flatnonzero((point.eta > 0) | (slope < 0))
        hessian = model.hessian(point, free) / beta**2
        step = newton_step(hessian, slope, free)
        moved = _descend(model, point, step, slope, beta)
        if moved is None:  # the end of double precision
            break
        point = moved
    return point.eta, point.correlations * model.like(point.eta / beta)[:, None, None]


def newton_step(hessian, slope, free, ridge=RIDGE):
    """A step (k,) along minus hessian^-1 slope for the free numbers, and 0 for the others.

    The ridge, in units of the Hessian's diagonal, is added to it, or as much more as it needs.
    """
    scale = np.sqrt(np.maximum(np.diagonal(hessian), np.finfo(float).tiny))
    correlation = hessian / scale / scale[:, None]
    step = np.zeros(len(slope))
    while True:
        try:
            factor = cho_factor(correlation + ridge * np.eye(len(free)), check_finite=False)
        except LinAlgError:
            ridge *= STIFFER
            continue
        step[free] = -cho_solve(factor, slope[free] / scale, check_finite=False) / scale
        return step


def _descend(model, point, step, slope, beta):
    """The first point along the projected step at which J has gained enough, or None."""
    for eta in trials(point.eta, step, point.value, beta):
        moved = model.at(eta, beta)
        if moved.value <= point.value + SUFFICIENT * float(slope @ (eta - point.eta)):
            return moved
    return None


def trials(eta, step, value, beta):
    """Projected points along a step, half as far each time, none with more than J(eta) in sum eta.

    J >= beta/2 sum eta, and where the Hessian is singular steps would be boundless.
    """
    length = 1.0
    while length > SHORTEST:
        trial = np.maximum(eta + length * step, 0.0)
        if 0.5 * beta * trial.sum() <= value:
            yield trial
        length /= 2


def _gap(point, beta):
    """Relative duality gap of the weights at a point, within the model's gates."""
    objective = 0.5 * point.energy + float(point.eta @ point.norms)
    maximum = point.norms.max()
    scale = max(point.fit / point.energy, 0.0) if point.energy > 0 else 0.0
    scale = min(scale, beta / maximum) if maximum > 0 else scale
    bound = scale * point.fit - 0.5 * scale**2 * point.energy
    return (objective - bound) / objective if objective > 0 else 0.0


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
        self.norms = host(xp.sqrt(xp.sum(correlations**2, axis=(1, 2))))


class _Model:
    """What both forms of the ridge regression share: X (n, d), Y (n, c) and masks (n, k)."""

    def __init__(self, X, Y, masks):
        self.xp = array_namespace(X)
        self.X, self.Y, self.masks = X, Y, masks

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

    def __init__(self, X, Y, masks, kernel):
        super().__init__(X, Y, masks)
        self.kernel = kernel

    def at(self, eta, beta):
        xp, used = self.xp, np.flatnonzero(eta > 0)
        masks = xp.take(self.masks, self.index(used), axis=1)
        scaled = masks * self.like(np.sqrt(eta[used] / beta))[None, :]
        matrix = self.kernel * (scaled @ scaled.T) + xp.eye(
            len(self.X), dtype=self.X.dtype, device=self.X.device
        )
        factor = _factor(matrix)
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
            predictions = masks * (self.X @ correlations[:, :, k].T)
            total += host(predictions.T @ _solve(point.factor, predictions))
        return total


class Gram(_Model):
    """In the K = k d features: their Gram matrix, computed once."""

    def __init__(self, X, Y, masks):
        super().__init__(X, Y, masks)
        xp, (n, d), k = self.xp, X.shape, masks.shape[1]
        self.gram, self.linear = 0.0, 0.0
        step = max(BLOCK // (k * d), 1)
        for start in range(0, n, step):
            rows = slice(start, start + step)
            features = masks[rows, :, None] * X[rows, None, :]
            features = xp.reshape(features, (features.shape[0], k * d))
            self.gram = self.gram + features.T @ features
            self.linear = self.linear + features.T @ Y[rows, :]
        self.total = float((Y**2).sum())

    def at(self, eta, beta):
        xp, d = self.xp, self.X.shape[1]
        used = np.flatnonzero(eta > 0)
        columns = self.index((used[:, None] * d + np.arange(d)).ravel())
        root = self.like(np.repeat(np.sqrt(eta[used]), d))
        part = xp.take(self.gram, columns, axis=1)  # (K, used d)
        matrix = root[:, None] * xp.take(part, columns, axis=0) * root[None, :]
        matrix = matrix + beta * xp.eye(len(root), dtype=matrix.dtype, device=matrix.device)
        factor = _factor(matrix)
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


def _factor(matrix):
    if is_numpy_array(matrix):
        return cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    return array_namespace(matrix).linalg.cholesky(matrix)


def _solve(factor, right):
    if isinstance(factor, tuple):
        return cho_solve(factor, right, check_finite=False)
    if hasattr(right, "cholesky_solve"):
        return right.cholesky_solve(factor)
    solve = array_namespace(right).linalg.solve
    return solve(factor.T, solve(factor, right))
