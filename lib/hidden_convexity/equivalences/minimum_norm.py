"""Minimum-norm interpolation: the least 1/2 sum_j (||w_j||^2 + a_j^2) with f(X) = y.

It is the limit of training as beta -> 0, divided by beta. The argument of Theorem 1 does not need
the loss: balancing and merging keep the outputs, so the constraint takes the place of the loss and
the price is sum_g (||u_g|| + ||v_g||). The dual is max nu.y subject to M(nu) <= 1, the constraint
of training at any weight decay divided by it.

`train` is the method of multipliers: training at a weight decay, where what the outputs miss of y
is added to the targets of the next round. Each round's dual point bounds the least norm.
"""

from dataclasses import replace
from time import perf_counter
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.double_precision import EPS, TINY
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.problem.duality import reach
from hidden_convexity.problem.encoding import output_heads
from hidden_convexity.problem.gap import relative_gap
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers import column_generation
from hidden_convexity.solvers.oracles import Oracles
from hidden_convexity.solvers.solution import Step

# Descent: the weight decay of its start, and the Newton steps at its end, which converge
# quadratically, with the singular values, relative to the largest, below which one is zero.
WARM_DECAY, NEWTON_STEPS, SINGULAR = 0.03, 5, 1e-8
# Outputs this close to y, relative to the largest target, count as equal to it.
INTERPOLATES = 1e-6
# Training: the first weight decay, as a share of the largest that gives any neuron; by how much a
# round is to divide the misfit, or the next one has a tenth of the weight decay; and the most
# rounds. Ten are usual.
DECAY, FALL, ROUNDS = 1e-2, 10, 30
# Relative gaps to which rounds are trained, as shares of the misfit they start from and, at least,
# of the tolerance; and the largest.
OF_MISFIT, OF_TOLERANCE, LARGEST_GAP = 0.01, 0.2, 1e-3
# Least-norm steps that complete a network, each in the pieces where the last one ended.
COMPLETIONS = 3

table_row = parts.TableRow(
    name="ReLU, minimum-norm interpolation",
    model=r"$\sum_g(\|u_g\| + \|v_g\|)$ subject to $\sum_g D_g X(u_g - v_g) = y$, cones",
    signal="group Lasso, without noise: basis pursuit",
    citation="[Wang et al. 2022](https://arxiv.org/abs/2209.15265)",
    atoms=r"$\|u_g\|$, then $\|v_g\|$",
    proven="rank up to 4, hundreds of samples",
)


def instance(rng):
    """Seven points on a line, and a bias; targets from one neuron. The weight decay has no role."""
    X, _, beta = parts.line_instance(rng, n=7, beta=1.0)
    return X, np.maximum(X @ [rng.choice([-1.0, 1.0]), rng.uniform(-1, 1)], 0.0), beta


def objective(network, X, y, beta):
    """1/2 sum_j (||w_j||^2 + a_j^2) if the network interpolates, else infinity, whatever beta."""
    X, y, _ = parts.checked(X, y, beta)
    error = np.abs(network(X) - y).max(axis=-1)
    return np.where(error <= INTERPOLATES * np.abs(y).max(), network.decay(), np.inf)


def convex_program(X, y, beta):
    """Theorem 1 with the constraint in place of the loss; beta is not used."""
    X, y, _ = parts.checked(X, y, beta)
    groups = parts.cone_groups(X)
    return parts.Program(groups.lengths, [*groups.cones, groups.outputs == y])


class _Round(NamedTuple):
    """A network, its norm (infinite if it does not interpolate), a bound on the least, its nu."""

    network: parts.Neurons
    objective: float
    lower_bound: float
    dual_point: np.ndarray
    scope: str

    @property
    def gap(self):
        return relative_gap(self.objective, self.lower_bound, self.scope == "global")


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train the network of least norm that interpolates, to a certified gap.

    Parameters
    ----------
    X : (n, d) array_like
        Hundreds of samples; as a proof asks for, d <= 4 or so. Measured: 200 samples of noise and a
        bias take a minute at d = 3, 150 half of one at d = 4.
    y : (n,) array_like
    beta : float
        Weight decay, > 0; without a role, as in the row's objective.
    tol, max_seconds, progress, proof
        As in `trained.options`, with digits for a tol of about 1e-7. Out of time before a network
        interpolates, the objective is infinite.

    Returns
    -------
    RowSolution
        Of scope "global": any number of neurons. Its bound holds for all networks that miss no
        target by more than the solution's does; it is nu.y, less that, at the dual point nu.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds, a proof is out of reach, or no network interpolates.
    """
    X, y, beta = parts.checked(X, y, beta)
    tol, max_seconds, progress, proof = trained.options(tol, max_seconds, progress, proof)
    budget, started, problem = Budget(max_seconds), perf_counter(), TrainingProblem(X, y, 1.0)
    layer = HiddenLayer.of(problem, proof, progress)
    oracles = Oracles(layer.search, layer.last, layer.scope)
    decay = DECAY * layer.search(y).value or 1.0
    nu, misfit, neurons = 0.0 * y, y, []
    best, bound, history = None, 0.0, []
    for _ in range(ROUNDS):
        start = _relative(misfit, y)
        gap = min(max(OF_MISFIT * start, OF_TOLERANCE * tol), LARGEST_GAP)
        shifted = replace(problem, y=y + decay * nu, beta=decay)
        program = layer.program(shifted)
        found = column_generation.solve(program, oracles, gap, budget, neurons, progress)
        heads = output_heads(found.network.output_weights)
        neurons = list(zip(found.network.hidden_weights @ layer.basis, heads, strict=True))
        misfit = y - found.network(X)
        # The part of the targets that is left over, over the weight decay: the next multipliers.
        nu = nu + misfit / decay
        if _relative(misfit, y) > start / FALL:
            decay /= 10
        this = _completed(found, program, layer.basis, X, y)
        best = min(best or this, this, key=lambda one: one.gap)
        bound = max(bound, this.lower_bound)
        history.append(Step(perf_counter() - started, best.objective, bound, best.network.width))
        early = found.interrupted or budget.spent
        if best.gap <= tol or early:
            break
    out_of_time = best.gap > tol and not found.interrupted and (budget.spent or found.out_of_time)
    if best.objective == np.inf and not early:
        raise ValueError(
            "y can't be interpolated by a ReLU network on these X, as far as double precision "
            f"tells: {ROUNDS} rounds left a misfit of {_relative(misfit, y):.1e} of the "
            "largest target; look for rows on one line with different targets, or append a "
            "column of ones to X"
        )
    known = {name: getattr(best, name) for name in ("objective", "lower_bound", "dual_point")}
    found = replace(found, history=history, out_of_time=out_of_time, **known)
    return trained.solution(best.network, best.objective, layer.scope, found)


def _completed(found, program, basis, X, y):
    """The `_Round` of a trained network, after least-norm steps within its neurons' pieces.

    In a piece outputs are linear in the weights, so one step interpolates unless it leaves it.
    """
    hidden, output = found.network.hidden_weights, found.network.output_weights
    weights, signs = (hidden * np.abs(output)[:, None]) @ basis, np.sign(output)
    misfit = y - found.network(X)
    for _ in range(COMPLETIONS):
        pieces = [
            program.neuron(u / np.linalg.norm(u), s) for u, s in zip(weights, signs, strict=True)
        ]
        features = [one.sign * _linear(program.X, one) for one in pieces]
        if not features:
            break
        moves = np.linalg.lstsq(np.hstack(features), misfit, rcond=SINGULAR)[0]
        moves = np.split(moves, np.cumsum([len(one.basis) for one in pieces])[:-1])
        moved = weights + [move @ one.basis for move, one in zip(moves, pieces, strict=True)]
        left = y - np.maximum(program.X @ moved.T, 0.0) @ signs
        if np.abs(left).max() >= np.abs(misfit).max():
            break
        weights, misfit = moved, left
    network = parts.Neurons(*parts.balanced(weights @ basis.T, signs))
    misfit = np.abs(y - network(X))
    # Its entries have been rounded and are again, three times in all: made smaller by what that may
    # be worth, it has M(nu) <= 1 exactly.
    nu = found.dual_point / found.problem.beta
    nu = nu / (1 + 2 * EPS * float(np.abs(nu) @ reach(found.problem)))
    # Of a sum of n products; and what the misfit may be worth.
    allowance = len(y) * EPS * float(np.abs(nu) @ np.abs(y))
    bound = max(float(nu @ y) - allowance - float(np.abs(nu) @ misfit), 0.0)
    norm = float(objective(network, X, y, found.problem.beta))
    return _Round(network, norm, bound, nu, found.scope)


def _linear(X, neuron):
    """(X u)_+ as a linear map of a neuron's coefficients, (n, k), as long as it keeps its piece."""
    return (X @ neuron.direction > 0)[:, None] * (X @ neuron.basis.T)


def _relative(misfit, y):
    """The largest entry, relative to the largest target."""
    return float(np.abs(misfit).max() / max(np.abs(y).max(), TINY))


decode = parts.decode_neurons
sizes = parts.group_lengths


def descend(X, y, beta, rng):
    """Sequential quadratic programming (SLSQP) with f(X) = y as constraint.

    It starts from a network trained with a small weight decay. Where it stops short of the
    constraint, at a kink, least-norm Newton steps on f(X) = y complete it.
    """
    start = parts.descend_neurons(X, y, WARM_DECAY, rng)
    weights, network = descent.flattened(start)
    decay = descent.value_and_gradient(lambda theta: network(theta).decay())
    error = descent.value_and_gradient(lambda theta: network(theta)(X) - y)
    weights = minimize(
        decay,
        weights,
        jac=True,
        method="SLSQP",
        constraints={"type": "eq", "fun": lambda t: error(t)[0], "jac": lambda t: error(t)[1]},
        options={"maxiter": 200, "ftol": 1e-12},
    ).x
    for _ in range(NEWTON_STEPS):
        residual, jacobian = error(weights)
        weights = weights - np.linalg.lstsq(jacobian, residual, rcond=SINGULAR)[0]
    return network(weights)
