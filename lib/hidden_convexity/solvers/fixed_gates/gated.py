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
from array_api_compat import array_namespace

from hidden_convexity.foundations.validation import positive_number, real_array
from hidden_convexity.problem.gap import format_gap, relative_gap
from hidden_convexity.solvers.fixed_gates import gradient, newton
from hidden_convexity.solvers.fixed_gates.cone_decomposition import cone_decomposition
from hidden_convexity.solvers.fixed_gates.program import (
    GatedProgram,
    floating_array,
    group_norms,
    host,
    program_in_units,
)
from hidden_convexity.solvers.solution import Step
from hidden_convexity.solvers.units import steps_in_units

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


@dataclass(frozen=True, eq=False, repr=False)
class GatedSolution:
    """A trained gated network. Its arrays are of the library, precision and device of the data.

    Attributes
    ----------
    gates : (d, P) array
        The fixed gates, one a column.
    weights : (P, d) or (P, d, c) array
        W_g, zero for most gates; with a last axis if the targets had one.
    objective, lower_bound : float
        Value, and a bound on the optimal value of the program over these gates.
    history : list of Step
        Seconds, objective, lower bound and number of gates with weights, per round.
    """

    gates: object
    weights: object
    objective: float
    lower_bound: float
    history: list[Step]

    # What the bound bounds: networks with these gates, nothing more.
    scope = "sampled"

    @property
    def gap(self):
        """Relative duality gap, (objective - lower_bound) / objective; 0 if the objective is 0."""
        return relative_gap(self.objective, self.lower_bound)

    @property
    def used(self):
        """Numbers of the gates that have weights, on the host: (k,) ndarray of int."""
        xp = array_namespace(self.weights)
        sizes = xp.sum(xp.reshape(xp.abs(self.weights), (self.weights.shape[0], -1)), axis=1)
        return np.flatnonzero(np.asarray(sizes.tolist()))

    def __len__(self):
        return len(self.used)

    def __repr__(self):
        P = self.weights.shape[0]
        return (
            f"GatedSolution(objective={self.objective:.4g}, {format_gap(self.gap)}, {self.scope}, "
            f"{len(self)} of {P} gates)"
        )

    def predict(self, X):
        """Outputs (n,) or (n, c) for samples X (n, d); for classification losses the logits."""
        X = floating_array(X, "X", 2, like=self.gates)
        xp = array_namespace(X)
        if X.shape[1] != self.gates.shape[0]:
            raise ValueError(
                f"X must have {self.gates.shape[0]} columns, one per input of the network, got "
                f"shape {tuple(X.shape)}"
            )
        vector = self.weights.ndim == 2
        weights = self.weights[:, :, None] if vector else self.weights
        index = xp.asarray(self.used, device=X.device)
        blank = xp.zeros((X.shape[0], weights.shape[2]), dtype=X.dtype, device=X.device)
        program = GatedProgram(X, blank, xp.take(self.gates, index, axis=1), None)
        masks = program.masks(np.arange(len(self.used)))
        outputs = program.outputs(xp.take(weights, index, axis=0), masks)
        return outputs[:, 0] if vector else outputs


def train_gated(X, Y, gates, beta, *, loss="squared", sample_weight=None, tol=1e-4, start=None):
    """Train a gated network over fixed gates to a certified relative duality gap.

    Parameters
    ----------
    X : (n, d) array
        Data, one sample a row: NumPy, PyTorch on any device, or another library that keeps to the
        array API standard; float32 or float64.
    Y : (n,) or (n, c) array
        Targets; labels -1 and 1 (n,) for the logistic loss, one-hot rows for "softmax".
    gates : (d, P) array or Arrangement
        One gate a column, of any length: sample x is on where x.g > 0. On its
        hyperplane, where |x.g| is at most 64 roundings of ||x|| ||g||, it is off: in training, in
        predictions and in an Arrangement alike.
    beta : float
        Weight decay, > 0.
    loss : {"squared", "logistic", "softmax"}
        Summed over the samples, as in `TrainingProblem`.
    sample_weight : (n,) array or None
        Weights >= 0, not all 0, of the samples' losses; None: all 1.
    tol : float
        Relative duality gap at which to stop, > 0. The gap is computed in double precision; data in
        float32 may not allow less than about 1e-6.
    start : GatedSolution or None
        Weights to start from, of a solution with the same gates.

    Returns
    -------
    GatedSolution
        Interrupted, it is the best one so far with its valid bound.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.

    References
    ----------
    Mishkin, Sahiner and Pilanci (2022), arXiv:2202.01331, for the gated program.
    """
    beta = positive_number(beta, "beta")
    known = {"loss": loss, "sample_weight": sample_weight, "tol": tol, "start": start}
    return train_gated_path(X, Y, gates, [beta], **known)[0]


def train_gated_path(
    X, Y, gates, betas, *, loss="squared", sample_weight=None, tol=1e-4, start=None
):
    """Train at several weight decays, each run started from the weights of the one before.

    Parameters
    ----------
    betas : sequence of float
        Weight decays, > 0. At `gated_beta_max` and above all weights are zero.
    X, Y, gates, loss, sample_weight, tol, start
        As in `train_gated`.

    Returns
    -------
    list of GatedSolution
        One per weight decay, in the given order; solved from the largest down.

    Raises
    ------
    TypeError, ValueError
        As `train_gated`; and if betas is empty.
    """
    program, gates, vector, units = program_in_units(X, Y, gates, loss, sample_weight)
    tol = positive_number(tol, "tol")
    betas = [positive_number(float(beta), "betas") for beta in real_array(betas, "betas", ndim=1)]
    if not betas:
        raise ValueError("betas must hold at least one weight decay, got none")
    state = _starting_point(program, start, units)
    solutions = {}
    for beta in sorted(set(betas), reverse=True):
        state = _train(program, beta / units[0] / units[1], tol, state)
        solutions[beta] = _solution(program, gates, vector, state, units)
    return [solutions[beta] for beta in betas]


def gated_beta_max(X, Y, gates, loss="squared", sample_weight=None):
    """The smallest weight decay at which all weights are zero: max_g ||X^T D_g nu||_F at f = 0.

    Parameters
    ----------
    X, Y, gates, loss, sample_weight
        As in `train_gated`.

    Returns
    -------
    float
    """
    program, _, _, (x, t) = program_in_units(X, Y, gates, loss, sample_weight)
    state = _starting_point(program, None)
    return float(program.certificate(state.weights, state.gates, 1.0)[3].max()) * x * t


@dataclass(frozen=True, eq=False)
class _State:
    """Weights (k, d, c) of some gates (k,), and what is known of them."""

    gates: np.ndarray
    weights: object
    objective: float = np.inf
    lower_bound: float = 0.0
    history: tuple = ()


def _starting_point(program, start, units=(1.0, 1.0)):
    xp = program.xp
    _, d, c, P = program.shape
    if start is None:
        none = xp.zeros((0, d, c), dtype=program.X.dtype, device=program.X.device)
        return _State(np.zeros(0, dtype=np.int64), none)
    if not isinstance(start, GatedSolution):
        raise TypeError(f"start must be a GatedSolution or None, got {type(start).__name__}")
    if tuple(start.weights.shape) not in ((P, d, c), *([(P, d)] if c == 1 else [])):
        raise ValueError(
            f"start must have weights of shape {(P, d, c)}, got {tuple(start.weights.shape)}"
        )
    weights = xp.reshape(floating_array(start.weights, "start", (2, 3), program.X), (P, d, c))
    weights = weights * (units[0] / units[1])
    return _State(start.used, xp.take(weights, program.index(start.used), axis=0))


def _solution(program, gates, vector, state, units):
    """The state as the caller sees it: all gates, most of them without weights, in their units."""
    (x, t), history = units, steps_in_units(state.history, units[1])
    P = program.shape[3]
    position = np.full(P, len(state.gates))
    position[state.gates] = np.arange(len(state.gates))
    padded = program.padded(state.weights, len(state.gates) + 1)
    weights = program.xp.take(padded, program.index(position), axis=0)
    weights = (weights[:, :, 0] if vector else weights) * (t / x)
    return GatedSolution(gates, weights, state.objective * t**2, state.lower_bound * t**2, history)


def _train(program, beta, tol, state):
    """Working sets until the gap is at most tol, or gets no better."""
    began = perf_counter()
    best, history, stalled = replace(state, objective=np.inf, lower_bound=0.0), [], 0
    lower_bound, gates, weights, step = 0.0, state.gates, state.weights, None
    try:
        while True:
            objective, bound, outputs, norms = program.certificate(weights, gates, beta)
            stalled = 0 if objective < best.objective or bound > lower_bound else stalled + 1
            lower_bound = max(lower_bound, bound)
            if objective < best.objective:
                best = _State(gates, weights, objective)
            alive = np.flatnonzero(host(group_norms(program.xp, weights)))
            used, weights = gates[alive], program.xp.take(weights, program.index(alive), axis=0)
            history.append(Step(perf_counter() - began, best.objective, lower_bound, len(used)))
            gap = relative_gap(best.objective, lower_bound)
            if gap <= tol or stalled == PATIENCE:
                break
            gates = _working_set(used, norms, beta)
            weights = program.padded(weights, len(gates))
            inner = max(INNER * gap, LAST * tol)
            masks = program.masks(gates)
            if newton.suits(program, len(gates)):
                weights = newton.improve(program, masks, weights, outputs, beta, inner)
            else:
                weights, step = gradient.minimise(program, masks, weights, beta, inner, step)
    except KeyboardInterrupt:
        pass
    return replace(best, lower_bound=lower_bound, history=tuple(history))


def _working_set(used, norms, beta):
    """Gates with weights, and the worst violators of the dual constraint among the others."""
    outside = norms.copy()
    outside[used] = 0.0
    order = np.argsort(-outside, kind="stable")[: max(FIRST, len(used))]
    return np.concatenate([used, order[outside[order] > beta]])
