"""The gated program over some gates, of any smooth loss and size, by proximal gradients.

Accelerated (FISTA, Beck and Teboulle 2009), with backtracking and the restarts of O'Donoghue and
Candes (2015). A step is two passes over the data: correlations X^T D_g nu, and outputs
sum_g D_g X W_g.
"""

from array_api_compat import array_namespace

from hidden_convexity.solvers.fixed_gates.program import group_norms

STEPS = 500
# The step size is tried a little longer after each step, and halved until the loss lies below its
# quadratic bound.
GROWTH, SHRINKAGE = 1.05, 2.0
# The loss is a sum of many terms, each a difference of numbers as large as the outputs: differences
# below this many units of their last place are rounding.
ROUNDING = 16.0
# A step that was shortened by this and still does not lower the loss has met its rounding.
SHORTEST = 2.0**-100
# A bound costs another sum over the samples; it is asked for every so many steps.
CHECK_EVERY = 5

# Backtracking makes up for what is missing to the norm.
POWER_STEPS = 10


def minimise(program, masks, weights, beta, tol, step, budget):
    """Minimise over weights (k, d, c) from given ones, to a relative gap within these gates.

    Parameters
    ----------
    program : GatedProgram
    masks : (n, k) array
    weights : (k, d, c) array
    beta, tol : float
    step : float or None
        Step size to try first.
    budget : Budget
        Seconds, looked at before each step.

    Returns
    -------
    weights : (k, d, c) array
    step : float
        Step size of the last step.
    """
    xp, loss, Y = program.xp, program.loss, program.Y
    rounding = ROUNDING * float(xp.finfo(Y.dtype).eps)
    step = step or _safe_step(program, masks)
    outputs = program.outputs(weights, masks)
    height = loss.value(Y, outputs) + beta * float(group_norms(xp, weights).sum())
    ahead, outputs_ahead, momentum, bound = weights, outputs, 1.0, 0.0
    for count in range(STEPS):
        if budget.spent:
            break
        nu = loss.residual(Y, outputs_ahead)
        gradient = program.correlate(nu, masks)
        if count % CHECK_EVERY == 0:
            # Any nu bounds the optimum from below, that of the extrapolated point too.
            largest = float(xp.max(group_norms(xp, gradient)))
            bound = max(bound, program.bound(nu, largest, beta))
            if height - bound <= tol * height:
                break
        level = loss.value(Y, outputs_ahead)
        allowance = rounding * (level + float(xp.sum(xp.abs(outputs_ahead))))
        step *= GROWTH
        tried = step
        while True:
            moved = shrink(xp, ahead + step * gradient, step * beta)
            change = moved - ahead
            outputs_moved = program.outputs(moved, masks)
            linear = float((gradient * change).sum())
            quadratic = float((change**2).sum()) / (2.0 * step)
            if loss.value(Y, outputs_moved) <= level - linear + quadratic + allowance:
                break
            step /= SHRINKAGE
            if step < SHORTEST * tried:
                return weights, tried
        if float(((ahead - moved) * (moved - weights)).sum()) > 0:
            momentum = 1.0
        grown = 0.5 + (0.25 + momentum**2) ** 0.5
        share = (momentum - 1.0) / grown
        ahead = moved + share * (moved - weights)
        outputs_ahead = outputs_moved + share * (outputs_moved - outputs)
        weights, outputs, momentum = moved, outputs_moved, grown
        height = loss.value(Y, outputs) + beta * float(group_norms(xp, weights).sum())
    return weights, step


def shrink(xp, weights, threshold):
    """The proximal map of threshold * ||W_g||: each group shortened by the threshold."""
    norms = group_norms(xp, weights)
    factor = xp.clip(1.0 - threshold / xp.where(norms > 0, norms, xp.ones_like(norms)), 0.0, None)
    return weights * factor[:, None, None]


def _safe_step(program, masks):
    """1 / (smoothness ||F^T W F||) with weights W and features F, from a few power steps."""
    xp = array_namespace(masks)
    nu = xp.ones_like(program.Y)
    size = 1.0
    for _ in range(POWER_STEPS):
        nu = nu / xp.sqrt(xp.sum(nu**2))
        nu = program.loss.weights * program.outputs(program.correlate(nu, masks), masks)
        size = float(xp.sqrt(xp.sum(nu**2)))
    return 1.0 / (program.loss.smoothness * size) if size > 0 else 1.0
