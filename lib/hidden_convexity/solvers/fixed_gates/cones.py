"""The convex program of a ReLU network over given patterns, cones included, in any dimension.

    min   F(sum_g D_g X (u_g - v_g)) + beta sum_g (||u_g|| + ||v_g||),    u_g, v_g in K_g.

Weights are of pairs j of a pattern and a sign s_j. What pulls at a pair, at a dual point nu, is

    z_j = Proj_{K_j}(s_j X^T D_j nu),      max of s_j nu.(D_j X u) over unit u in K_j = ||z_j||.

A projection is linear as long as its tight rows stay the same: it is that onto the flat where they
vanish. Optimal neurons are tight at many rows, so flats have few dimensions, and Newton's method
on them is quick: `flats`. Tight rows change many at a time: each projection finds its own.

Pairs whose ||z_j|| exceeds beta violate the dual constraint and enter; the largest ||z_j|| over all
of them scales nu to a dual point, whose value is the certified bound.

With several outputs (`several_outputs`) pairs are of a pattern, a sign and an output. The softmax
loss couples outputs, and its quadratic model (`softmax`) is one of all of them. Where they
took turns, 180 rounds were seen in the place of 5: the loss does not see one number added to all
outputs of a sample, and along such directions turns crawl.

Projections are sequential work on small vectors, so this is for NumPy, on the processor. Measured
at n = 500, d = 20, 200 patterns, 0.1 beta_max, gap 1e-4: 0.7 s; column generation with Clarabel
took 19 s and the augmented Lagrangian of `pyscnn` 190 s, with cones violated by 2e-5.
"""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from hidden_convexity.foundations.blas import SMALL, one_blas_thread
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.interruption import STOPPED, by_the_user
from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.problem.gap import relative_gap
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.solvers.fixed_gates.flats import BlindProgram, FlatProgram, Pairs
from hidden_convexity.solvers.fixed_gates.program import BLOCK
from hidden_convexity.solvers.fixed_gates.softmax import SoftmaxProgram
from hidden_convexity.solvers.several_outputs import side_by_side, solve_each
from hidden_convexity.solvers.solution import Solution, Step
from hidden_convexity.solvers.units import solve_in_units

# Pairs that enter in the first round; later at most as many as have weights already.
FIRST = 50
# A working set is solved to this share of the present gap, and no further than this share of tol.
INNER, LAST = 0.1, 0.3
# Rounds without a better gap, after which precision has ended.
PATIENCE = 4
# Weight decays are walked down by this factor, each solved to this gap: tight rows then change
# little at a time. Without it, 0.01 beta_max was seen to take ten times as long, or not to end.
DESCENT, LOOSE = 0.5, 0.05
# Of a quadratic model of the loss: smallest second derivative, in units of the sample's weight, and
# halvings of a step that climbs.
LEAST_CURVATURE, HALVINGS = 1e-9, 20


def solve(problem, arrangement, tol, budget):
    """Minimise P over networks whose neurons lie in given chambers and feed one output each.

    Parameters
    ----------
    problem : TrainingProblem
    arrangement : Arrangement
        Patterns of problem.X.
    tol : float
        Relative duality gap to reach.
    budget : Budget
        Seconds, looked at after each round.

    Returns
    -------
    Solution
        Of scope "sampled". Interrupted by the user or out of time, it is the best one so far with
        its bound.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553, Theorem 1; Mishkin, Sahiner and Pilanci (2022),
    arXiv:2202.01331, for its programs over sampled patterns.
    """
    return Walk(arrangement)(problem, tol, budget)


class Walk:
    """Trains at one weight decay after another, each from where the last one ended.

    Parameters
    ----------
    arrangement : Arrangement
        Of the data of all problems it is called with, which have the same targets.
    """

    def __init__(self, arrangement):
        self._arrangement, self._pairs, self._state, self._beta = arrangement, None, None, None

    def __call__(self, problem, tol, budget):
        """As `solve`, at a weight decay that is best below the last one."""
        if problem.loss == "squared" and problem.y.ndim == 2:
            return solve_each(
                problem,
                lambda single, part: solve(single, self._arrangement, tol, part),
                budget,
            )
        with one_blas_thread(len(problem.X) <= SMALL):
            return solve_in_units(problem, lambda scaled: self._solve(scaled, tol, budget))

    def _empty(self, problem):
        n, d = problem.X.shape
        self._pairs = Pairs(problem.X, self._arrangement.patterns, problem.y.size // n)
        outputs = _with_free_terms(problem, np.zeros(problem.y.shape))
        self._state = _State(np.zeros(0, dtype=np.int64), np.zeros((0, d)), outputs)

    def _start(self, problem):
        outputs = self._state.outputs
        residual = _residual(problem, outputs)
        self._beta = _dual_norms(problem.X, self._pairs, residual, problem.beta)[0].max()

    def _solve(self, problem, tol, budget):
        began = perf_counter()
        if self._pairs is None:
            self._empty(problem)
        pairs, history, interrupted, out_of_time = self._pairs, [], False, False
        try:
            if self._beta is None:
                self._start(problem)
            for beta in _way_down(self._beta, problem.beta):
                last = beta == problem.beta
                if budget.spent and not last:
                    continue
                there = replace(problem, beta=beta)
                for best in _rounds(there, pairs, self._state, tol if last else LOOSE):
                    self._state = best
                    if last:
                        step = (best.objective, best.lower_bound, len(best.used))
                        history.append(Step(perf_counter() - began, *step))
                    if budget.spent:
                        out_of_time = relative_gap(best.objective, best.lower_bound) > tol
                        break
                self._beta = beta
        except STOPPED as stopped:
            if not by_the_user(stopped):
                raise
            interrupted = True
        network = _network(problem, pairs, self._state)
        objective, bound = problem.objective(network), history[-1].lower_bound if history else 0.0
        ended = interrupted, out_of_time
        return Solution(network, objective, bound, "sampled", history, "sampled", *ended)


def _network(problem, pairs, state):
    """The neurons of all outputs, no more of each than there are samples."""
    networks = []
    positive, feeds = pairs.signs(state.used) > 0, pairs.outputs(state.used)
    for k in range(problem.y.size // len(problem.X)):
        u, v = (state.weights[(feeds == k) & which].T for which in (positive, ~positive))
        network = ReLUNetwork.decode(u, v)
        networks.append(network.prune(problem.X) if len(network) > len(problem.X) else network)
    if problem.y.ndim == 2:
        return side_by_side(networks)
    own, terms = networks[0], problem.free_terms
    along = terms.fit(problem, own(problem.X))
    free = {"skip": None, "intercept": None} | problem.free_weights(terms.coefficients(along))
    return own.with_free_terms(**free)


def _with_free_terms(problem, outputs):
    """The outputs with what the best free terms add to them."""
    terms = problem.free_terms
    return outputs + terms.basis @ terms.fit(problem, outputs) if len(terms) else outputs


def _residual(problem, outputs):
    """Minus the gradient of the loss, as free terms ask of a dual point."""
    residual = problem.loss_residual(outputs)
    if len(problem.free_terms) == 0:
        return residual
    return problem.free_terms.balance(residual, problem.loss_curvature(outputs))


@dataclass(frozen=True, eq=False)
class _State:
    """Weights (k, d) of the pairs used (k,), the outputs as y, and what is known of them."""

    used: np.ndarray
    weights: np.ndarray
    outputs: np.ndarray
    objective: float = np.inf
    lower_bound: float = 0.0


def _way_down(top, beta):
    """Weight decays from below one, where the solution is known, down to another."""
    count = np.ceil(np.log(max(top / beta, 1.0)) / np.log(1 / DESCENT))
    return [beta / DESCENT**k for k in range(max(int(count) - 1, 0), 0, -1)] + [beta]


def _rounds(problem, pairs, state, tol):
    """The best state after each round, until its gap is at most tol or gets no better."""
    beta, best, stalled = problem.beta, replace(state, objective=np.inf, lower_bound=0.0), 0
    used, weights, outputs = state.used, state.weights, state.outputs
    while True:
        residual = _residual(problem, outputs)
        value = problem.loss_value(outputs) + beta * np.linalg.norm(weights, axis=1).sum()
        norms, rounded = _dual_norms(problem.X, pairs, residual, beta)
        maximum = (norms + rounded).max() + _rounding(problem.X, residual)
        bound = max(problem.dual_bound(residual, maximum), best.lower_bound)
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
    """Upper bounds on max nu.(Xu)_+ over each pair's cone and the unit ball, exact above beta.

    With several outputs nu is the column of the one that the pair feeds. Second comes what
    rounding of projections may take off each: multipliers of nearly opposite walls are large.
    """
    step, bounds, rounded = max(BLOCK // len(X), 1), [], []
    for k, column in enumerate(nu.reshape(len(X), -1).T):
        parts = [
            pairs.patterns[first : first + step].astype(float) @ (column[:, None] * X)
            for first in range(0, pairs.G, step)
        ]
        correlations = np.concatenate(parts)
        norms = np.tile(np.linalg.norm(correlations, axis=1), 2)
        # ||a|| <= beta already clears a cone.
        large = np.flatnonzero(norms > beta)
        projected, sums = pairs.project(large + k * len(norms), correlations[large % pairs.G])
        norms[large] = np.linalg.norm(projected, axis=1)
        bounds.append(norms)
        rounded.append(np.zeros(len(norms)))
        rounded[-1][large] = (X.shape[1] + 6) * EPS * sums
    return np.concatenate(bounds), np.concatenate(rounded)


def _rounding(X, nu):
    """What rounding may take off the largest of `_dual_norms`: sums over n samples, projected."""
    sizes = np.abs(nu) if nu.ndim == 1 else np.linalg.norm(nu, axis=1)
    return (sum(X.shape) + 8) * EPS * float(sizes @ row_lengths(X))


def _improve(problem, pairs, working, weights, outputs, tol):
    """Minimise the quadratic model of the loss at the outputs over the working pairs."""
    beta = problem.beta
    restricted, start, scale = _quadratic_model(problem, pairs, working, outputs)
    moved, seen = restricted.minimise(weights, start, tol)
    outputs_moved = (seen + restricted.unseen).reshape(outputs.shape) / scale
    if problem.loss == "squared":
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
    mixed = (1 - share) * outputs + share * outputs_moved
    return (1 - share) * weights + share * moved, _with_free_terms(problem, mixed)


def _quadratic_model(problem, pairs, working, outputs):
    """A program for the working pairs, its dual point at the outputs, and the outputs' scale."""
    if problem.loss == "softmax":
        restricted = SoftmaxProgram(problem, pairs, working, outputs, LEAST_CURVATURE)
        return restricted, restricted.start, restricted.scale
    curvature, root = problem.loss_curvature(outputs), np.ones(len(outputs))
    if curvature is not None:
        root = np.sqrt(np.maximum(curvature, LEAST_CURVATURE * problem.loss_function.weights))
    nu = problem.loss_residual(outputs) / root
    whole = root[:, None] * problem.X, root * outputs + nu, pairs, working, problem.beta
    if len(problem.free_terms) == 0:
        return FlatProgram(*whole), nu, root
    blind = np.linalg.qr(root[:, None] * problem.free_terms.basis)[0]
    return BlindProgram(*whole, blind), nu, root
