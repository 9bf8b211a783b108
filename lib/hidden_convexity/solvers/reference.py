"""The reference: the full convex program of Theorem 1, given to CVXPY and Clarabel as it stands."""

from dataclasses import replace
from time import perf_counter

import numpy as np

from hidden_convexity.oracle import Exhaustive
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.solvers.several_outputs import side_by_side
from hidden_convexity.solvers.solution import Solution, Step
from hidden_convexity.solvers.units import solve_in_units

# Clarabel's default, 1e-8, leaves the dual constraint right to 1e-4 only: as the square root.
SOLVER_TOLERANCE = 1e-10


def solve(problem, arrangement):
    """Solve the group Lasso over all given activation patterns.

    Minimises F(sum_g D_g X (u_g - v_g)) + beta sum_g (||u_g|| + ||v_g||), F being the problem's
    loss, over u_g, v_g in cones {z : (2 D_g - I) X z >= 0}; with several outputs u_g and v_g are
    one vector each for every output. Slow and memory-hungry: here to be compared with. Clarabel's
    tolerances are absolute, so X and y are divided by their size first: the answer does not depend
    on the units of the data.

    Parameters
    ----------
    problem : TrainingProblem
    arrangement : Arrangement
        Patterns of problem.X.

    Returns
    -------
    Solution
        Scope "global" if the arrangement is complete and there is one output, else "sampled".

    Raises
    ------
    RuntimeError
        If Clarabel does not solve the program.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553, Theorem 1.
    """
    return solve_in_units(problem, lambda scaled: _solve(scaled, arrangement))


def _solve(problem, arrangement):
    # CVXPY takes half a second to import, and nothing else here needs it.
    import cvxpy as cp

    start = perf_counter()
    X, d, count = problem.X, problem.X.shape[1], len(arrangement)
    y, patterns = problem.y, arrangement.patterns.astype(float)
    pairs = [(cp.Variable((d, count)), cp.Variable((d, count))) for _ in range(y.size // len(y))]
    fits = [cp.sum(cp.multiply(patterns, X @ (u - v)), axis=1) for u, v in pairs]
    fit = fits[0] if y.ndim == 1 else cp.vstack(fits).T
    penalty = sum(cp.sum(cp.norm(z, 2, axis=0)) for pair in pairs for z in pair)
    cones = [cp.multiply(2 * patterns - 1, X @ z) >= 0 for pair in pairs for z in pair]
    w = problem.sample_weight
    if problem.loss == "squared":
        root = np.sqrt(problem.loss_function.weights * np.ones(y.shape))
        loss = 0.5 * cp.sum_squares(fit - y if w is None else cp.multiply(root, fit - y))
    elif problem.loss == "logistic":
        loss = _total(cp.logistic(-cp.multiply(y, fit)), w)
    elif problem.loss == "hinge":
        slack = cp.Variable(len(y), nonneg=True)
        margins = slack >= 1 - cp.multiply(y, fit)
        cones, loss = [margins, *cones], _total(slack, w)
    else:
        loss = _total(cp.log_sum_exp(fit, axis=1) - cp.sum(cp.multiply(y, fit), axis=1), w)
    # However large beta is, no coefficient of the program is far above 1.
    size = max(problem.beta, 1.0)
    program = cp.Problem(cp.Minimize(loss / size + problem.beta / size * penalty), cones)
    program.solve(
        solver=cp.CLARABEL,
        tol_gap_abs=SOLVER_TOLERANCE,
        tol_gap_rel=SOLVER_TOLERANCE,
        tol_feas=SOLVER_TOLERANCE,
    )
    if program.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
        raise RuntimeError(
            f"Clarabel ended with status {program.status!r}; use the default solver instead"
        )
    # An interior point leaves small weights all over the optimal face; pruning finds a vertex.
    # Where the optimum is the zero network, it leaves noise.
    networks = [ReLUNetwork.decode(u.value, v.value).prune(X) for u, v in pairs]
    network = networks[0] if y.ndim == 1 else side_by_side(networks)
    zero = ReLUNetwork(network.hidden_weights[:0], network.output_weights[:0])
    network = min(network, zero, key=problem.objective)
    objective = problem.objective(network)
    residual = problem.residual(network)
    if problem.loss == "hinge":  # of which only the multipliers are a dual point
        residual = y * np.clip(size * margins.dual_value, 0.0, problem.loss_function.weights)
    oracle = Exhaustive(replace(arrangement, X=X))
    largest = max(oracle(column).bound for column in residual.reshape(len(y), -1).T)
    bound = problem.dual_bound(residual, largest)
    history = [Step(perf_counter() - start, objective, bound, len(network))]
    scope = "global" if arrangement.complete and y.ndim == 1 else "sampled"
    dual_point = problem.feasible_point(residual, largest)
    return Solution(network, objective, bound, scope, history, "cvxpy", dual_point=dual_point)


def _total(losses, weights):
    """The sum of the samples' losses, a CVXPY expression (n,), each times its weight."""
    return losses.sum() if weights is None else weights @ losses
