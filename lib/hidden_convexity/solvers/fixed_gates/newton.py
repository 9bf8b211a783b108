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

import itertools

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from hidden_convexity.foundations.blas import SMALL, one_blas_thread
from hidden_convexity.foundations.double_precision import TINY
from hidden_convexity.problem.gap import relative_gap
from hidden_convexity.solvers.fixed_gates.program import group_norms, host
from hidden_convexity.solvers.fixed_gates.ridge import Gram, Kernel

# A matrix of the size of the samples or of the features, whichever are fewer, is factored at every
# step; beyond this many, gradients are faster.
FACTORED = 4_000
# Features are counted dear: their Gram matrix has to be made first.
GRAM_SHARE = 0.5
# Of a quadratic model of the loss: smallest second derivative, in units of the sample's weight, and
# halvings of a step that climbs.
LEAST_CURVATURE, HALVINGS = 1e-9, 20
# Newton steps; seldom more than fifteen are taken.
STEPS = 60
# A step must gain this share of what its slope promises, or it is halved; this many are tried.
SUFFICIENT, SHORTEST, TRIALS = 1e-4, 1e-12, 12
# Added to the Hessian's diagonal, in units of it, and what it grows by, to what, until there is a
# factor and the step gains: more groups than samples, or groups of equal predictions, make the
# Hessian singular.
RIDGE, STIFFER, STIFFEST = 1e-9, 100.0, 100.0


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
        blind = program.loss.unit(xp.ones_like(Y[:, :1])) if program.free else None
        model = _model(program.kernel, X, Y, masks, blind)
        weights = minimise(model, beta, eta, tol)[1]
    else:
        least = LEAST_CURVATURE * program.loss.weights
        root = xp.sqrt(xp.maximum(curvature, least * xp.ones_like(curvature)))
        response = root * outputs + program.loss.residual(Y, outputs) / root
        kernel = root * program.kernel * root.T
        blind = program.loss.unit(root) if program.free else None
        model = _model(kernel, root * X, response, masks, blind)
        moved = minimise(model, beta, eta, tol)[1]
        weights = _part_of_the_way(program, masks, weights, moved, outputs, beta)
    return xp.astype(weights, program.X.dtype, copy=False)


def _model(kernel, X, Y, masks, blind):
    if masks.shape[1] * X.shape[1] <= GRAM_SHARE * X.shape[0]:
        return Gram(X, Y, masks, blind)
    return Kernel(X, Y, masks, kernel, blind)


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
    n, k = model.masks.shape
    with one_blas_thread(min(n, k * model.X.shape[1]) <= SMALL):
        return _minimise(model, beta, eta, tol)


def _minimise(model, beta, eta, tol):
    point, ridge = model.at(eta, beta), RIDGE
    for _ in range(STEPS):
        squares = point.norms**2
        objective = 0.5 * point.energy + float(point.eta @ point.norms)
        largest = point.norms.max()
        if quadratic_gap(objective, point.energy, point.fit, largest, beta) <= tol:
            break
        slope = 0.5 * (beta - squares / beta)
        free = np.flatnonzero((point.eta > 0) | (slope < 0))
        hessian = model.hessian(point, free) / beta**2
        moved, ridge = _descend(model, point, hessian, slope, free, beta, ridge)
        if moved is None:  # the end of double precision
            break
        point = moved
    return point.eta, point.correlations * model.like(point.eta / beta)[:, None, None]


def newton_step(hessian, slope, free, ridge=RIDGE):
    """A step (k,) along minus hessian^-1 slope for the free numbers, and 0 for the others.

    The ridge, in units of the Hessian's diagonal, is added to it, or as much more as it needs.
    """
    scale = np.sqrt(np.maximum(np.diagonal(hessian), TINY))
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


def _descend(model, point, hessian, slope, free, beta, ridge):
    """The first point along a projected step at which J has gained enough, and the next ridge.

    The point is None if there is none with any ridge.
    """
    while ridge <= STIFFEST:
        step = _bounded_step(hessian, slope, free, point.eta, ridge)
        for eta in itertools.islice(trials(point.eta, step, point.value, beta), TRIALS):
            moved = model.at(eta, beta)
            if moved.value <= point.value + SUFFICIENT * float(slope @ (eta - point.eta)):
                return moved, max(ridge / STIFFER, RIDGE)
        ridge *= STIFFER
    return None, ridge


def _bounded_step(hessian, slope, free, eta, ridge):
    """Newton's step (k,) for the free numbers but those that are about to reach zero.

    These go there by the diagonal of the Hessian. One step for all, projected, need not descend,
    however short (Bertsekas 1982): with few samples and little weight decay, every third program
    was seen to end there, with gaps of a tenth and more.
    """
    alone = slope[free] / np.maximum(np.diagonal(hessian), TINY)
    leaving, rest = np.flatnonzero(eta[free] <= alone), np.flatnonzero(eta[free] > alone)
    step = newton_step(hessian[np.ix_(rest, rest)], slope, free[rest], ridge)
    step[free[leaving]] = -alone[leaving]
    return step


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


def quadratic_gap(objective, energy, fit, largest, beta):
    """Relative duality gap at a dual point nu of the loss 1/2 ||f - Y||^2, rounding left aside.

    Parameters
    ----------
    objective : float
        Value of some weights.
    energy, fit : float
        ||nu||^2 and <nu, Y>.
    largest : float
        Upper bound on the dual norm of nu, which may be beta: nu is scaled to it.
    beta : float
    """
    scale = max(fit / energy, 0.0) if energy > 0 else 0.0
    scale = min(scale, beta / largest) if largest > 0 else scale
    return relative_gap(objective, scale * fit - 0.5 * scale**2 * energy, proven=False)
