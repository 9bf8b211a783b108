"""One solver for nuclear norms: train few factors by descent, and let the dual say when to stop.

    min over Z_1, ..., Z_G of  1/2 ||A(Z) - y||^2 + beta sum_g ||Z_g||_*,   A linear.

With Z_g = sum_k p_k q_k' over the factors of block g, the penalty is the least
(beta/2) sum_k (||p_k||^2 + ||q_k||^2): a network with as many neurons as there are factors. L-BFGS
trains them; what it costs grows with their number and never with the size of Z. At nu = y - A(Z)
the dual constraint asks that no singular value of A*(nu)_g exceeds beta. Singular vectors that
violate it enter as new factors, which lowers the objective whatever minimum descent had come to;
where none does, that minimum is global (Haeffele and Vidal 2015, arXiv:1506.07540, for factors).
This is the Frank-Wolfe method with a corrective step on factors. The dual value at nu, scaled to be
feasible by the proven bound of `spectral` and what rounding may have done to A*(nu), is the lower
bound: one in exact arithmetic. Where factorisations can be afforded, `splitting` comes first, and
descent ends what it has left.

A group Lasso is the case of blocks with one row, a Lasso that of blocks with one entry.
"""

from time import perf_counter
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from hidden_convexity.equivalences.spectral import leading
from hidden_convexity.equivalences.trained import lower_bound, norm
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.problem.gap import relative_gap
from hidden_convexity.solvers.solution import Step

# Factors that may enter in one round: these, or twice as many as there are. Measured: half of that
# takes a third longer where hundreds are needed, and where few are there is no difference.
ENTERING = 16
# Steps of L-BFGS a round, and gradients it remembers. One look at the dual costs a few steps.
STEPS, MEMORY = 60, 20
# A singular value this much smaller than the largest is dropped: below any gap in reach.
NEGLIGIBLE = 1e-10
# Rounds without a smaller gap that are the end of double precision.
PATIENCE = 10


class Factors(NamedTuple):
    """sum_k p_k q_k' for each block: left (K, p), right (K, q), and the block (K,) of each k."""

    left: np.ndarray
    right: np.ndarray
    block: np.ndarray

    def penalty(self):
        """1/2 sum_k (||p_k||^2 + ||q_k||^2)."""
        return 0.5 * float((self.left**2).sum() + (self.right**2).sum())


class Trained(NamedTuple):
    """Balanced factors, orthogonal within each block, and what is known of them.

    The lower bound is the dual value of the dual point, of the shape of y.
    """

    factors: Factors
    lower_bound: float
    dual_point: np.ndarray
    history: list
    interrupted: bool
    out_of_time: bool


def solve(maps, y, beta, tol, max_seconds=None, progress=False, begin=()):
    """Minimise 1/2 ||A(Z) - y||^2 + beta sum_g ||Z_g||_* to a relative duality gap.

    Parameters
    ----------
    maps : object
        The linear map A, of blocks of one shape, without a matrix: ``maps.shape`` is (G, p, q),
        ``maps.outputs(factors)`` A(Z) of the shape of y, ``maps.pullback(factors, nu)`` the
        products A*(nu)_g q_k (K, p) and A*(nu)_g' p_k (K, q), ``maps.adjoint(nu)`` A*(nu),
        (G, p, q), and ``maps.allowance(nu)`` what rounding may do to a block of it, in norm, and
        may have done to the entries of nu.
    y : ndarray
    beta, tol : float
    max_seconds : float or None
        Time after which the best factors so far are returned.
    progress : bool
    begin : iterable
        Pairs of balanced factors and a dual point by another method, one a round, with which to
        begin: `splitting`. Descent goes on from the best factors where they end.

    Returns
    -------
    Trained
        Its bound is proven, all rounding included. Interrupted, it is the state after the last
        full round.
    """
    budget, energy = Budget(max_seconds), 0.5 * float((y**2).sum())
    _, p, q = maps.shape
    factors = Factors(np.zeros((0, p)), np.zeros((0, q)), np.zeros(0, dtype=int))
    best, objective, bound, stalled, history = factors, np.inf, 0.0, 0, []
    point, begin, nu = 0.0 * y, iter(begin), None
    interrupted, start = False, perf_counter()
    bar = progress_bar(progress, desc="training", unit="round")
    try:
        while True:
            residual, by_descent = y - maps.outputs(factors), nu is None
            value = 0.5 * float((residual**2).sum()) + beta * factors.penalty()
            nu = residual if by_descent else nu
            found = leading(maps.adjoint(nu), max(ENTERING, 2 * len(factors.block)))
            proven, feasible = lower_bound(y, nu, beta, found.bound + maps.allowance(nu))
            better = value < objective or proven > bound
            stalled = 0 if better or not by_descent else stalled + 1
            if value < objective:
                objective, best = value, factors
            if proven > bound:
                bound, point = proven, feasible
            gap = relative_gap(objective, bound)
            history.append(Step(perf_counter() - start, objective, bound, len(best.block)))
            bar.set_postfix_str(f"gap {gap:.1e}", refresh=False)
            bar.update()
            if gap <= tol or stalled == PATIENCE or budget.spent:
                break
            ahead = next(begin, None)
            if ahead is not None:
                factors, nu = ahead
            elif not by_descent:
                factors, nu = best, None  # whose residual says what is to enter
            else:
                entered = _enter(maps, factors, found, beta)
                factors, nu = _descend(maps, y, beta, entered, energy, budget), None
    except KeyboardInterrupt:
        interrupted = True
    finally:
        bar.close()
    spent = not interrupted and gap > tol and budget.spent
    return Trained(best, bound, point, history, interrupted, spent)


def _enter(maps, factors, found, beta):
    """The factors with violators of the dual constraint, at the best common step along them."""
    excess = found.values - beta
    used = excess > 0
    if not used.any():
        return factors
    root = np.sqrt(excess[used])[:, None]
    new = Factors(root * found.left[used], root * found.right[used], found.block[used])
    # Along t sum_k e_k u_k v_k' the objective falls by t sum e_k^2 - t^2/2 ||A(.)||^2 at least.
    size = norm(maps.outputs(new))
    if not size > 0:
        return factors
    step = norm(excess[used]) / size
    new = new._replace(left=step * new.left, right=step * new.right)
    return Factors(*(np.concatenate(pair) for pair in zip(factors, new, strict=True)))


def _descend(maps, y, beta, factors, energy, budget):
    """L-BFGS on all factors, then their balanced form.

    In units of the largest factor that can be worth its price, beta ||p_k||^2 <= 1/2 ||y||^2, and
    of that energy, the problem is the same whatever the units of the data.
    """
    unit = np.sqrt(energy / beta)
    (count, p), q, block = factors.left.shape, factors.right.shape[1], factors.block
    if count == 0:
        return factors

    def unpacked(theta):
        return Factors(theta[: count * p].reshape(-1, p), theta[count * p :].reshape(-1, q), block)

    def evaluate(theta):
        here = unpacked(unit * theta)
        nu = y - maps.outputs(here)
        left, right = maps.pullback(here, nu)
        value = 0.5 * float((nu**2).sum()) + beta * here.penalty()
        slope = np.concatenate([left.ravel(), right.ravel()])
        return value / energy, theta - unit / energy * slope

    def stop(_):
        if budget.spent:
            raise StopIteration

    options = {"maxiter": STEPS, "maxcor": MEMORY, "ftol": 0.0, "gtol": 0.0}
    begin = np.concatenate([factors.left.ravel(), factors.right.ravel()]) / unit
    end = minimize(evaluate, begin, jac=True, method="L-BFGS-B", options=options, callback=stop)
    return balanced(unpacked(unit * end.x))


def balanced(factors):
    """Factors of the same Z with p_k, and q_k, orthogonal in each block, and ||p_k|| = ||q_k||.

    Their penalty is sum_g ||Z_g||_*, the least of all factors; negligible ones are dropped.
    """
    parts = []
    for g in np.unique(factors.block):
        left, right = (side[factors.block == g].T for side in factors[:2])
        (U, A), (V, B) = np.linalg.qr(left), np.linalg.qr(right)
        inner, values, outer = np.linalg.svd(A @ B.T, full_matrices=False)
        root = np.sqrt(values)
        sides = (U @ inner * root).T, (V @ outer.T * root).T
        parts.append((*sides, np.full(len(values), g), values))
    if not parts:
        return factors
    *sides, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    kept = values > NEGLIGIBLE * values.max()
    return Factors(*(side[kept] for side in sides))
