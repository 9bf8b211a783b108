"""The convex program of a ReLU network over given patterns, cones included, in any dimension.

    min   F(sum_g D_g X (u_g - v_g)) + beta sum_g (||u_g|| + ||v_g||),    u_g, v_g in K_g.

As in `sampled_newton`, each norm is the least of (||u||^2 / eta + eta) / 2. For fixed eta the dual
of the quadratic loss 1/2 ||f - Y||^2 is the maximum over nu, without constraints, of

    <nu, Y> - 1/2 ||nu||^2 - 1/(2 beta) sum_j eta_j ||z_j||^2 + beta/2 sum_j eta_j,
    z_j = Proj_{K_j}(s_j X^T D_j nu),

over pairs j of a pattern and a sign s_j, and the weights are u_j = eta_j z_j / beta, inside their
cones whatever nu is. A projection is linear as long as its tight rows T_j stay the same: it is that
onto the flat where they vanish. So this is concave and piecewise quadratic, and a Newton step in nu
solves

    (I + 1/beta sum_j eta_j F_j F_j^T) nu = Y,   F_j = D_j X B_j,  B_j a basis of the flat,

where flats have few dimensions: optimal neurons are tight at many rows. The same matrix gives the
Hessian in eta. Tight rows change many at a time: each projection finds its own.

Pairs whose ||z_j|| exceeds beta violate the dual constraint and enter; the largest ||z_j|| over all
of them scales nu to a dual point, whose value is the certified bound.

Projections are sequential work on small vectors, so this is for NumPy, on the processor. Measured
at n = 500, d = 20, 200 patterns, 0.1 beta_max, gap 1e-4: 2 s; column generation with Clarabel took
19 s and the augmented Lagrangian of `pyscnn` 190 s, with cones violated by 2e-5.
"""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from hidden_convexity.cones import project_each
from hidden_convexity.hyperplanes import unit_rows
from hidden_convexity.network import ReLUNetwork
from hidden_convexity.problem import relative_gap
from hidden_convexity.solvers.sampled_newton import newton_step
from hidden_convexity.solvers.solution import Solution, Step

# Pairs that enter in the first round; later at most as many as have weights already.
FIRST = 50
# A working set is solved to this share of the present gap, and no further than this share of tol.
INNER, LAST = 0.1, 0.3
# Newton steps in eta a round, and in nu for each of them.
STEPS, INNER_STEPS = 40, 30
# The slope in nu at which J is known well enough for a step in eta, relative to ||Y|| and the gap.
ACCURACY = 1e-3
# A step must gain this share of what its slope promises, or it is halved, in nu, or taken with a
# stiffer Hessian, in eta. Tight rows change along the way, and pairs that share rays make the
# Hessian singular: a multiple of its diagonal is added, between these, as Levenberg and Marquardt
# do.
SUFFICIENT, SHORTEST = 1e-4, 1e-6
SOFTEST, STIFFER, STIFFEST = 1e-9, 10.0, 1e9
# Rounds without a better gap, after which precision has ended.
PATIENCE = 4
# Weight decays are walked down by this factor, each solved to this gap: tight rows then change
# little at a time. Without it, 0.01 beta_max was seen to take ten times as long, or not to end.
DESCENT, LOOSE = 0.5, 0.05
LEAST_CURVATURE, HALVINGS = 1e-9, 20


class _Pairs:
    """All pairs of a pattern and a sign: their projections, each from where it last ended.

    Pair j is pattern j % P under sign +1 for j < P and -1 beyond.
    """

    def __init__(self, X, patterns):
        self.unit, self.patterns = unit_rows(X), np.ascontiguousarray(patterns.T)
        self.P, d = len(self.patterns), X.shape[1]
        self._tight = np.zeros((2 * self.P, d), dtype=np.int64)
        self._counts = np.zeros(2 * self.P, dtype=np.int64)

    def signs(self, pairs):
        return np.where(pairs < self.P, 1.0, -1.0)

    def project(self, pairs, correlations):
        """Projections of signs * correlations (k, d) onto the cones of pairs (k,)."""
        points = self.signs(pairs)[:, None] * correlations
        tight, counts = self._tight[pairs], self._counts[pairs]
        out = np.empty_like(points)
        project_each(self.unit, self.patterns, pairs % self.P, points, tight, counts, out)
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


class _Restricted:
    """The ridge problem over some pairs: X (n, d) and Y (n,) of a quadratic loss."""

    def __init__(self, X, Y, pairs, working, beta):
        self.X, self.Y, self.pairs, self.working, self.beta = X, Y, pairs, working, beta
        self.signs = pairs.signs(working)
        self.masks = pairs.patterns[working % pairs.P].T.astype(float)
        self._features = {}

    def _project(self, chosen, nu):
        """z_j for some positions j."""
        correlations = (self.X.T @ (self.masks[:, chosen] * nu[:, None])).T
        return self.pairs.project(self.working[chosen], correlations)

    def at(self, eta, nu):
        """The dual value at nu, with its slope; z_j is left at 0 where eta_j = 0."""
        z = np.zeros((len(eta), self.X.shape[1]))
        used = np.flatnonzero(eta)
        z[used] = self._project(used, nu)
        outputs = self.outputs(eta[:, None] * z / self.beta)
        squares = (z**2).sum(axis=1)
        value = nu @ self.Y - 0.5 * nu @ nu
        value += 0.5 * (self.beta * eta.sum() - eta @ squares / self.beta)
        return _Point(eta, nu, z, np.sqrt(squares), outputs, value, self.Y - nu - outputs)

    def outputs(self, u):
        """sum_j s_j D_j X u_j for u (k, d)."""
        used = np.flatnonzero(u.any(axis=1))
        products = self.X @ (self.signs[used, None] * u[used]).T
        return (self.masks[:, used] * products).sum(axis=1)

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
        parts = [
            np.sqrt(eta[position] / self.beta) * self.features(position)
            for position in np.flatnonzero(eta)
        ]
        features = np.concatenate(parts, axis=1) if parts else np.zeros((len(self.Y), 0))
        n, size = features.shape
        if size == 0:
            return lambda right: right
        if size >= n:
            matrix = features @ features.T
            matrix[np.diag_indices(n)] += 1.0
            whole = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
            return lambda right: cho_solve(whole, right, check_finite=False)
        matrix = features.T @ features
        matrix[np.diag_indices(size)] += 1.0
        small = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        # Woodbury's identity: as many unknowns as the flats have dimensions.
        return lambda right: (
            right - features @ cho_solve(small, features.T @ right, check_finite=False)
        )

    def settle(self, eta, nu, accuracy):
        """The maximum over nu for fixed eta, to a slope of at most the accuracy; and its factor."""
        point = self.at(eta, nu)
        for _ in range(INNER_STEPS):
            solve = self.factor(eta)
            if np.linalg.norm(point.slope) <= accuracy:
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
        """Objective and lower bound of this program over its pairs, at a point."""
        u = point.eta[:, None] * point.z / self.beta
        misfit = point.outputs - self.Y
        objective = 0.5 * misfit @ misfit + self.beta * np.linalg.norm(u, axis=1).sum()
        energy, fit = point.nu @ point.nu, point.nu @ self.Y
        largest = point.norms.max(initial=0.0)
        scale = max(fit / energy, 0.0) if energy > 0 else 0.0
        scale = min(scale, self.beta / largest) if largest > 0 else scale
        bound = scale * fit - 0.5 * scale**2 * energy
        return (objective - bound) / objective if objective > 0 else 0.0

    def minimise(self, eta, nu, tol):
        """Weights u (k, d) at the optimum over these pairs, to a relative gap of tol."""
        height, known, ridge = np.linalg.norm(self.Y), 1.0, 1e-2
        point, solve = self.settle(eta, nu, ACCURACY * known * height)
        point = self.completed(point)
        for _ in range(STEPS):
            gap = self.gap(point)
            if gap <= tol:
                break
            known = min(known, gap)
            if np.linalg.norm(point.slope) > ACCURACY * known * height:
                # J would be known too coarsely to tell whether a step has gained anything.
                point, solve = self.settle(point.eta, point.nu, ACCURACY * known * height)
                point = self.completed(point)
            slope = 0.5 * (self.beta - point.norms**2 / self.beta)
            free = np.flatnonzero((point.eta > 0) | (slope < 0))
            predictions = self.signs[free] * self.masks[:, free] * (self.X @ point.z[free].T)
            hessian = predictions.T @ solve(predictions) / self.beta**2
            while True:
                trial = np.maximum(point.eta + newton_step(hessian, slope, free, ridge), 0.0)
                if 0.5 * self.beta * trial.sum() <= point.value:
                    moved, solve_there = self.settle(trial, point.nu, ACCURACY * known * height)
                    if moved.value <= point.value + SUFFICIENT * slope @ (trial - point.eta):
                        break
                ridge *= STIFFER
                if ridge > STIFFEST:  # the end of double precision
                    return point
            ridge = max(ridge / STIFFER, SOFTEST)
            point, solve = self.completed(moved), solve_there
        return point


@dataclass(frozen=True, eq=False)
class _Point:
    eta: np.ndarray
    nu: np.ndarray
    z: np.ndarray
    norms: np.ndarray
    outputs: np.ndarray
    value: float
    slope: np.ndarray


def solve(problem, arrangement, tol):
    """Minimise P over networks whose neurons lie in the chambers of an arrangement.

    Parameters
    ----------
    problem : TrainingProblem
        With y of shape (n,).
    arrangement : Arrangement
        Patterns of problem.X.
    tol : float
        Relative duality gap to reach.

    Returns
    -------
    Solution
        Of scope "sampled". Interrupted by the user, it is the best one so far with its bound.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553, Theorem 1; Mishkin, Sahiner and Pilanci (2022),
    arXiv:2202.01331, for its programs over sampled patterns.
    """
    began = perf_counter()
    pairs = _Pairs(problem.X, arrangement.patterns)
    n, d = problem.X.shape
    state = _State(np.zeros(0, dtype=np.int64), np.zeros((0, d)), np.zeros(n))
    history = []
    try:
        for beta in _way_down(problem, pairs, state):
            last = beta == problem.beta
            there = replace(problem, beta=beta)
            for state in _rounds(there, pairs, state, tol if last else LOOSE):  # noqa: B020
                if last:
                    step = (state.objective, state.lower_bound, len(state.used))
                    history.append(Step(perf_counter() - began, *step))
    except KeyboardInterrupt:
        pass
    positive = state.used < pairs.P
    network = ReLUNetwork.decode(state.weights[positive].T, state.weights[~positive].T)
    if len(network) > n:
        network = network.prune(problem.X)
    bound = history[-1].lower_bound if history else 0.0
    return Solution(network, problem.objective(network), bound, "sampled", history, "sampled")


@dataclass(frozen=True, eq=False)
class _State:
    """Weights (k, d) of the pairs used (k,), their outputs (n,), and what is known of them."""

    used: np.ndarray
    weights: np.ndarray
    outputs: np.ndarray
    objective: float = np.inf
    lower_bound: float = 0.0


def _way_down(problem, pairs, zero):
    """Weight decays from where neurons appear down to the problem's own."""
    norms = _dual_norms(problem.X, pairs, problem.loss_residual(zero.outputs), problem.beta)
    count = np.ceil(np.log(max(norms.max() / problem.beta, 1.0)) / np.log(1 / DESCENT))
    return [problem.beta / DESCENT**k for k in range(max(int(count) - 1, 0), 0, -1)] + [
        problem.beta
    ]


def _rounds(problem, pairs, state, tol):
    """The best state after each round, until its gap is at most tol or gets no better."""
    beta, best, stalled = problem.beta, replace(state, objective=np.inf, lower_bound=0.0), 0
    used, weights, outputs = state.used, state.weights, state.outputs
    while True:
        residual = problem.loss_residual(outputs)
        value = problem.loss_value(outputs) + beta * np.linalg.norm(weights, axis=1).sum()
        norms = _dual_norms(problem.X, pairs, residual, beta)
        bound = max(problem.dual_bound(residual, norms.max()), best.lower_bound)
        stalled = 0 if value < best.objective or bound > best.lower_bound else stalled + 1
        if value < best.objective:
            best = _State(used, weights, outputs, value)
        best = replace(best, lower_bound=bound)
        yield best
        gap = relative_gap(best.objective, bound)
        if gap <= tol or stalled == PATIENCE:
            return
        outside = norms.copy()
        outside[used] = 0.0
        entering = np.argsort(-outside, kind="stable")[: max(FIRST, len(used))]
        working = np.concatenate([used, entering[outside[entering] > beta]])
        start = np.concatenate([weights, np.zeros((len(working) - len(used), weights.shape[1]))])
        inner = max(INNER * gap, LAST * tol)
        weights, outputs = _improve(problem, pairs, working, start, outputs, inner)
        alive = weights.any(axis=1)
        used, weights = working[alive], weights[alive]


def _dual_norms(X, pairs, nu, beta):
    """Upper bounds on max nu.(Xu)_+ over each pair's cone and the unit ball, exact above beta."""
    correlations = pairs.patterns @ (nu[:, None] * X)
    sizes = np.linalg.norm(correlations, axis=1)
    norms = np.concatenate([sizes, sizes])
    large = np.flatnonzero(norms > beta)
    projected = pairs.project(large, correlations[large % pairs.P])
    norms[large] = np.linalg.norm(projected, axis=1)
    # Those that ||a|| has cleared need not be known better.
    return np.minimum(norms, np.where(np.isin(np.arange(len(norms)), large), np.inf, beta))


def _improve(problem, pairs, working, weights, outputs, tol):
    """Minimise the quadratic model of the loss at the outputs over the working pairs."""
    X, y, beta = problem.X, problem.y, problem.beta
    curvature = problem.loss_curvature(outputs)
    root = np.ones(len(y))
    if curvature is not None:
        root = np.sqrt(np.maximum(curvature, LEAST_CURVATURE))
    nu = problem.loss_residual(outputs) / root
    restricted = _Restricted(root[:, None] * X, root * outputs + nu, pairs, working, beta)
    point = restricted.minimise(np.linalg.norm(weights, axis=1), nu, tol)
    moved = point.eta[:, None] * point.z / beta
    outputs_moved = point.outputs / root
    if curvature is None:
        return moved, outputs_moved

    def objective(share):
        mixed = (1 - share) * weights + share * moved
        loss = problem.loss_value((1 - share) * outputs + share * outputs_moved)
        return loss + beta * np.linalg.norm(mixed, axis=1).sum()

    height, share = objective(0.0), 1.0
    for _ in range(HALVINGS):
        if objective(share) < height:
            break
        share /= 2
    return (1 - share) * weights + share * moved, (1 - share) * outputs + share * outputs_moved
