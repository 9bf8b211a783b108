"""Gated networks over fixed gates, in any dimension: working sets from the dual, a certified gap.

Gates fix which samples each neuron sees, f(x) = sum_g 1[x.g > 0] x W_g, so training is the group
Lasso of Pilanci and Ergen (2020) without its cones:

    min over W   F(sum_g D_g X W_g) + beta sum_g ||W_g||_F.

The program with u_g - v_g in the place of W_g is the same one: ||u|| + ||v|| >= ||u - v||, so
without cones one of the two may be zero. With c outputs W_g is (d, c), and a gate is kept or
dropped as a whole.

Few gates have weights at the optimum. Each round solves the program over a working set: those with
weights so far, and those that violate the dual constraint ||X^T D_g nu||_F <= beta most, at the
residual nu = -grad F. Scaled until it is feasible, nu bounds the optimum from below.
"""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.foundations.validation import flag, positive_number, real_array
from hidden_convexity.problem.gap import format_gap, relative_gap
from hidden_convexity.problem.losses import Squared
from hidden_convexity.solvers.fixed_gates import gradient, newton
from hidden_convexity.solvers.fixed_gates.cone_decomposition import cone_decomposition
from hidden_convexity.solvers.fixed_gates.constants import FreeConstants
from hidden_convexity.solvers.fixed_gates.gated_solution import GatedSolution
from hidden_convexity.solvers.fixed_gates.program import (
    GatedProgram,
    checked_gates,
    checked_targets,
    checked_weights,
    floating_array,
    group_norms,
    host,
)
from hidden_convexity.solvers.solution import Step
from hidden_convexity.solvers.units import steps_in_units, unit_of

__all__ = [
    "GatedSolution",
    "cone_decomposition",
    "gated_beta_max",
    "train_gated",
    "train_gated_path",
]

# Gates that enter in the first round; later at most as many as have weights already.
FIRST = 50
# A working set is solved to this share of the present gap, and no further than this share of tol.
INNER, LAST = 0.1, 0.3
# Rounds without a better gap, after which precision has ended.
PATIENCE = 4


def train_gated(X, Y, gates, beta, *, start=None, **options):
    """Train a gated network over fixed gates to a certified relative duality gap.

    Parameters
    ----------
    X : (n, d) array
        Data, one sample a row: NumPy, PyTorch on any device, or another library that keeps to the
        array API standard; float32 or float64.
    Y : (n,) or (n, c) array
        Targets; labels -1 and 1 (n,) for the logistic loss, one-hot rows for "softmax".
    gates : (d, G) array or Arrangement
        One gate a column, of any length: sample x is on where x.g > 0. On its
        hyperplane, where |x.g| is at most 64 roundings of ||x|| ||g||, it is off: in training, in
        predictions and in an Arrangement alike.
    beta : float
        Weight decay, > 0.
    start : GatedSolution or None
        Weights to start from, of a solution with the same gates.
    options
        loss, sample_weight, tol, intercept, max_seconds and progress, as in `train_gated_path`.

    Returns
    -------
    GatedSolution
        Interrupted or out of time, it is the best one so far with its valid bound.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.

    References
    ----------
    Mishkin, Sahiner and Pilanci (2022), arXiv:2202.01331, for the gated program.
    """
    beta = positive_number(beta, "beta")
    return train_gated_path(X, Y, gates, [beta], start=start, **options)[0]


def train_gated_path(
    X,
    Y,
    gates,
    betas,
    *,
    loss="squared",
    sample_weight=None,
    tol=1e-4,
    start=None,
    intercept=False,
    max_seconds=None,
    progress=False,
):
    """Train at several weight decays, each run started from the weights of the one before.

    Parameters
    ----------
    betas : sequence of float
        Weight decays, > 0. At `gated_beta_max` and above all weights are zero.
    X, Y, gates, start
        As in `train_gated`.
    loss : {"squared", "logistic", "softmax"}
        Summed over the samples, as in `TrainingProblem`.
    sample_weight : (n,) array or None
        Weights >= 0, not all 0, of the samples' losses; None: all 1.
    tol : float
        Relative duality gap at which to stop, > 0. The gap is computed in double precision; data in
        float32 may not allow less than about 1e-6.
    intercept : bool
        Whether a constant of each output is free: added to it, without weight decay.
    max_seconds : float or None
        Budget of the whole path, > 0, of which each weight decay gets an even share of what is
        left.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    list of GatedSolution
        One per weight decay, in the given order; solved from the largest down.

    Raises
    ------
    TypeError, ValueError
        As `train_gated`; and if betas is empty.
    """
    program, gates, vector, units = _program_in_units(X, Y, gates, loss, sample_weight, intercept)
    if max_seconds is not None:
        max_seconds = positive_number(max_seconds, "max_seconds")
    budget = Budget(max_seconds)
    tol = positive_number(tol, "tol")
    betas = [positive_number(float(beta), "betas") for beta in real_array(betas, "betas", ndim=1)]
    if not betas:
        raise ValueError("betas must hold at least one weight decay, got none")
    state = _starting_point(program, start, units)
    solutions = {}
    descending = sorted(set(betas), reverse=True)
    with progress_bar(
        flag(progress, "progress"), desc="gated", unit="beta", total=len(betas)
    ) as bar:
        for done, beta in enumerate(descending):
            part = budget.part(1 / (len(descending) - done))
            state = _train(program, beta / units[0] / units[1], tol, state, part, bar)
            solutions[beta] = _solution(program, gates, vector, state, units)
            bar.update()
    return [solutions[beta] for beta in betas]


def gated_beta_max(X, Y, gates, loss="squared", sample_weight=None, intercept=False):
    """The smallest weight decay at which all weights are zero: max_g ||X^T D_g nu||_F at f = 0.

    Parameters
    ----------
    X, Y, gates, loss, sample_weight, intercept
        As in `train_gated_path`; with a free constant f is the best constant.

    Returns
    -------
    float
    """
    program, _, _, (x, t) = _program_in_units(X, Y, gates, loss, sample_weight, intercept)
    state = _starting_point(program, None)
    return float(program.certificate(state.weights, state.gates, 1.0)[3].max()) * x * t


def _program_in_units(X, Y, gates, loss, sample_weight, intercept):
    """The program in units (x, t) of its own size, its gates, whether Y is a vector, and (x, t)."""
    X = floating_array(X, "X", 2)
    gates = checked_gates(gates, X)
    vector = getattr(Y, "ndim", np.ndim(Y)) == 1
    Y, loss = checked_targets(Y, X, loss)
    known = loss()
    if sample_weight is not None:
        weights = checked_weights(sample_weight, X)
        kept = weights[:, 0] > 0
        X, Y, known = X[kept], Y[kept], loss(weights[kept])
    x, t = unit_of(X), unit_of(Y) if loss is Squared else 1.0
    X, Y = X / x, Y / t
    if flag(intercept, "intercept"):
        known = FreeConstants(known, Y)
    return GatedProgram(X, Y, gates, known), gates, vector, (x, t)


@dataclass(frozen=True, eq=False)
class _State:
    """Weights (k, d, c) of some gates (k,), what is known of them, and constants it holds for."""

    gates: np.ndarray
    weights: object
    objective: float = np.inf
    lower_bound: float = 0.0
    history: tuple = ()
    out_of_time: bool = False
    constants: object = None


def _starting_point(program, start, units=(1.0, 1.0)):
    xp = program.xp
    _, d, c, G = program.shape
    if start is None:
        none = xp.zeros((0, d, c), dtype=program.X.dtype, device=program.X.device)
        return _State(np.zeros(0, dtype=np.int64), none)
    if not isinstance(start, GatedSolution):
        raise TypeError(f"start must be a GatedSolution or None, got {type(start).__name__}")
    if tuple(start.weights.shape) not in ((G, d, c), *([(G, d)] if c == 1 else [])):
        raise ValueError(
            f"start must have weights of shape {(G, d, c)}, got {tuple(start.weights.shape)}"
        )
    weights = xp.reshape(floating_array(start.weights, "start", (2, 3), program.X), (G, d, c))
    weights = weights * (units[0] / units[1])
    return _State(start.used, xp.take(weights, program.index(start.used), axis=0))


def _solution(program, gates, vector, state, units):
    """The state as the caller sees it: all gates, most of them without weights, in their units."""
    (x, t), history = units, steps_in_units(state.history, units[1])
    G = program.shape[3]
    position = np.full(G, len(state.gates))
    position[state.gates] = np.arange(len(state.gates))
    padded = program.padded(state.weights, len(state.gates) + 1)
    weights = program.xp.take(padded, program.index(position), axis=0)
    weights = (weights[:, :, 0] if vector else weights) * (t / x)
    intercept = None
    if program.free:
        intercept = state.constants
        if intercept is None:
            outputs = program.outputs(state.weights, program.masks(state.gates))
            intercept = program.constants(outputs)
        intercept = t * intercept
        intercept = intercept[0] if vector else intercept
    values = state.objective * t**2, state.lower_bound * t**2
    return GatedSolution(gates, weights, *values, history, intercept, state.out_of_time)


def _train(program, beta, tol, state, budget, bar):
    """Working sets until the gap is at most tol, or gets no better."""
    began = perf_counter()
    best, history, stalled = replace(state, objective=np.inf, lower_bound=0.0), [], 0
    lower_bound, gates, weights, step = 0.0, state.gates, state.weights, None
    out_of_time = False
    try:
        while True:
            objective, bound, outputs, norms = program.certificate(weights, gates, beta)
            stalled = 0 if objective < best.objective or bound > lower_bound else stalled + 1
            lower_bound = max(lower_bound, bound)
            if objective < best.objective:
                constants = program.constants(outputs) if program.free else None
                best = _State(gates, weights, objective, constants=constants)
            alive = np.flatnonzero(host(group_norms(program.xp, weights)))
            used, weights = gates[alive], program.xp.take(weights, program.index(alive), axis=0)
            history.append(Step(perf_counter() - began, best.objective, lower_bound, len(used)))
            gap = relative_gap(best.objective, lower_bound)
            bar.set_postfix_str(format_gap(gap), refresh=False)
            if gap <= tol or stalled == PATIENCE:
                break
            if budget.spent:
                out_of_time = True
                break
            gates = _working_set(used, norms, beta)
            if len(gates) == 0:  # no weights are the optimum, and rounding is all of the gap
                break
            weights = program.padded(weights, len(gates))
            inner = max(INNER * gap, LAST * tol)
            masks = program.masks(gates)
            if newton.suits(program, len(gates)):
                weights = newton.improve(program, masks, weights, outputs, beta, inner)
            else:
                weights, step = gradient.minimise(
                    program, masks, weights, beta, inner, step, budget
                )
    except KeyboardInterrupt:
        pass
    known = {"lower_bound": lower_bound, "history": tuple(history), "out_of_time": out_of_time}
    return replace(best, **known)


def _working_set(used, norms, beta):
    """Gates with weights, and the worst violators of the dual constraint among the others."""
    outside = norms.copy()
    outside[used] = 0.0
    order = np.argsort(-outside, kind="stable")[: max(FIRST, len(used))]
    return np.concatenate([used, order[outside[order] > beta]])
