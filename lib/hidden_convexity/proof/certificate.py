"""A lower bound on the global optimum from any trained network."""

from dataclasses import dataclass, replace

import numpy as np

from hidden_convexity import proof
from hidden_convexity.foundations.budget import Budget, limit_seconds
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.interruption import STOPPED, Interrupted, by_the_user
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.foundations.validation import flag, positive_number, whole_number
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.oracle.cluster import checked_client
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.problem.encoding import output_heads
from hidden_convexity.problem.gap import SAME_VALUE, format_gap, relative_gap
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem

# Relative tolerance of a first bound on M(nu), and the finest one ever asked for.
LOOSE, SHARP = 1e-2, 1e-7
# Worst directions taken up beside the network's own chambers, and restricted problems solved, in
# each round of tightening. Measured on Adam's networks in d = 2 to 4: a second solve halves the
# looseness that is left for a tenth of the time, more directions change little.
WORST, SOLVES = 10, 2


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """How far a network is from the global optimum of every width, at most.

    Attributes
    ----------
    objective : float
        P(W, a) of the network.
    lower_bound : float
        Proven lower bound on the optimal value.
    scope : {"global", "searched"}
        "global": proven for networks of every width. "searched": valid if the search for the worst
        direction missed nothing.
    direction : (d,) ndarray
        The unit direction in which a neuron would violate the dual constraint most at the
        network's residual: where to grow.
    network : ReLUNetwork
    problem : TrainingProblem
    dual_point : (n,) or (n, c) ndarray
        The nu with M(nu) <= beta whose dual value is the lower bound.

    Raises
    ------
    ContradictedProof
        If a proven lower bound is above the objective by more than rounding.
    """

    objective: float
    lower_bound: float
    scope: str
    direction: np.ndarray
    network: ReLUNetwork
    problem: TrainingProblem
    dual_point: np.ndarray

    def __post_init__(self):
        relative_gap(self.objective, self.lower_bound, self.scope != "searched")

    @property
    def gap(self):
        """Relative duality gap, (objective - lower_bound) / objective; 0 if the objective is 0."""
        return relative_gap(self.objective, self.lower_bound, self.scope != "searched")

    def __repr__(self):
        return (
            f"Certificate(objective={self.objective:.4g}, lower_bound={self.lower_bound:.4g}, "
            f"{format_gap(self.gap)}, {self.scope})"
        )

    def save(self, path, tol=None, data=True):
        """Write the certificate to a file that an independent checker can verify.

        Parameters
        ----------
        path, tol, data
            As in `Solution.save`.

        Raises
        ------
        ValueError
            If the gap is above `tol`, or the proof would take too many cones or cases: the message
            says how to go on.

        References
        ----------
        Theory: checker.
        """
        proof.save(path, "certificate", self, {"direction": self.direction}, tol, data)


def certify(network, problem, rounds=1, proof=True, max_seconds=None, progress=False, client=None):
    """Bound the global optimum from below by means of a network, whatever trained it.

    Parameters
    ----------
    network : ReLUNetwork
        Any network for the problem; it is not changed. With several outputs its neurons may feed
        all of them.
    problem : TrainingProblem
    rounds : int
        Rounds of tightening, >= 0. With 0 the dual point is the network's residual, whose bound is
        loose unless the network is nearly stationary. Each round solves the convex program over
        the network's own chambers and the worst directions, twice, and uses its residual instead;
        the best bound is kept. The hinge loss, whose residual is not unique, takes two or three.
    proof : bool
        False: search for the worst direction without proving that it is; works in any dimension,
        and the scope is "searched". Where the rank is at most two there is nothing to search: the
        maximum is found exactly, and the scope is "global".
    max_seconds : float or None
        Budget of all rounds and proofs together, > 0, looked at between their steps: the bound that
        is reached by then is valid. None: each proof ends after a minute, or ten with several
        outputs.
    progress : bool
        Show progress bars on stderr, of the rounds and of each proof, where they take more than a
        second.
    client : distributed.Client or None
        A Dask cluster for the cells of a proof, as in `train`.

    Returns
    -------
    Certificate
        Interrupted (Ctrl-C), with the best bound that was reached by then.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, the shapes do not match, the network's objective is not
        finite or due to free columns that the problem leaves out, or a proof is out of reach: the
        message says how to go on.
    ImportError
        If there is a client and distributed is not installed.

    References
    ----------
    Weak duality for the convex program of Pilanci and Ergen (2020), arXiv:2002.10553.

    Theory: certificate.
    """
    if not isinstance(network, ReLUNetwork):
        raise TypeError(f"network must be a ReLUNetwork, got {type(network).__name__}")
    if not isinstance(problem, TrainingProblem):
        raise TypeError(f"problem must be a TrainingProblem, got {type(problem).__name__}")
    rounds = whole_number(rounds, "rounds", 0)
    proof, progress = flag(proof, "proof"), flag(progress, "progress")
    client = checked_client(client, proof)
    budget = Budget(None if max_seconds is None else positive_number(max_seconds, "max_seconds"))
    with np.errstate(over="ignore", invalid="ignore"):
        objective = problem.objective(network)
    if not np.isfinite(objective):
        raise ValueError(
            f"network must have a finite objective, got {objective} from weights up to "
            f"{max(np.abs(w).max() for w in (network.hidden_weights, network.output_weights)):.3g}"
        )
    layer = HiddenLayer.of(problem, proof, progress, client=client)
    program = layer.program(problem)
    fitted = problem.fitted_outputs(network)
    _refuse_left_out(problem, network, fitted, objective)
    residual = program.residual(fitted)
    neurons = _own_neurons(program, network)
    lower_bound, direction = -np.inf, None
    with progress_bar(progress, desc="certificate", unit="bound", total=rounds + 1) as bar:
        for nu, found in _rounds(layer, program, residual, neurons, rounds, budget):
            bound, point = _bound(problem, nu, found, layer.scope)
            if direction is None:
                direction = layer.basis @ found.directions[:1].sum(axis=0)
            if bound > lower_bound:
                lower_bound, dual_point = bound, point
            bar.update()
    known = objective, lower_bound, layer.scope, direction
    return Certificate(*known, network, problem, dual_point)


def _refuse_left_out(problem, network, fitted, objective):
    """Refuse a network whose free weights do what no weights of the problem's columns can.

    Columns that depend on others exactly do no harm, and come with many a network.
    """
    if not _uses_left_out(problem, network):
        return
    own, best = problem.loss_value(network(problem.X)), problem.loss_value(fitted)
    least = SAME_VALUE * objective + EPS * problem.loss_value(np.zeros_like(fitted))
    if own < best - least:
        raise ValueError(
            "network must have no skip or intercept weights on columns that depend on others up to "
            "1e-12, which the problem leaves out; it has, and they do what no other column can: "
            "leave these columns out of X, or give what sets them apart a column of its own"
        )


def _uses_left_out(problem, network):
    """Whether skip or intercept weights are on columns that the problem leaves out."""
    outputs, d = problem.y.shape[1:], problem.X.shape[-1]
    skip = np.zeros((d, *outputs)) if network.skip is None else network.skip
    constant = np.zeros(outputs) if network.intercept is None else network.intercept
    parts = [skip] * problem.skip + [np.asarray(constant)[None]] * problem.intercept
    weights = np.concatenate(parts) if parts else np.zeros((0, *outputs))
    return bool(np.delete(weights, problem.free_terms.used, axis=0).any())


def _rounds(layer, program, residual, neurons, rounds, budget):
    """Residuals, the network's first, and M(nu) as far as it is known there, Ctrl-C or not."""
    beta = program.problem.beta
    starts = np.reshape([neuron.direction for neuron in neurons], (-1, layer.basis.shape[1]))
    seen, found = starts, None
    try:
        for done in range(rounds + 1):
            if done > 0:
                for _ in range(SOLVES):
                    entering = _worst(program, residual, found)
                    neurons = program.polish(program.solve(neurons + entering))
                    residual = program.residual(program.outputs(neurons))
                    found = layer.search(residual, level=beta, starts=starts)
                seen = np.concatenate([starts, found.directions])
            # An even share for each proof.
            part = budget.part(1 / (rounds + 1 - done))
            found = _maximum(layer.last, residual, beta, seen, part)
            yield residual, found
            if budget.spent:
                break
    except STOPPED as stopped:
        if isinstance(stopped, Interrupted):
            yield residual, stopped.found
        elif found is None or not by_the_user(stopped):
            raise


def _maximum(oracle, nu, beta, starts, budget):
    """M(nu) as sharply as it matters: the closer nu is to feasible, the sharper."""
    limit_seconds(oracle, budget)
    found = oracle(nu, tolerance=LOOSE, level=beta, starts=starts)
    sharp = max(LOOSE * (found.value / beta - 1), SHARP)
    loose = np.isfinite(found.bound) and found.bound > (1 + sharp) * max(found.value, beta)
    if loose and not budget.spent:
        limit_seconds(oracle, budget)
        try:
            sharper = oracle(nu, tolerance=sharp, level=beta, starts=found.directions)
        except Interrupted as stopped:
            raise Interrupted(_with_bound_of(found, stopped.found)) from stopped
        found = _with_bound_of(found, sharper)
    return found


def _with_bound_of(first, second):
    """The second answer: out of time or interrupted, it may have come less far than the first."""
    return replace(second, bound=min(second.bound, first.bound))


def _bound(problem, nu, found, scope):
    """The lower bound that nu proves, or seems to, and the dual point that it is the value of."""
    maximum = found.value if scope == "searched" else found.bound
    return problem.dual_bound(nu, maximum), problem.feasible_point(nu, maximum)


def _worst(program, residual, found):
    """Neurons in the directions that violate the dual constraint most."""
    pairs = zip(found.directions[:WORST], program.heads(residual, found)[:WORST], strict=True)
    return [program.neuron(direction, head) for direction, head in pairs]


def _own_neurons(program, network):
    """One free neuron for each pair of pattern and signs of its outputs that the network uses."""
    own = {}
    balanced = network.balance()
    weights = balanced.hidden_weights @ program.basis
    heads = output_heads(balanced.output_weights)
    for w, a in zip(weights, heads, strict=True):
        pattern = program.X @ w > 0
        if pattern.any() or network.slope != 0:
            key = np.packbits(pattern).tobytes(), np.packbits(a > 0).tobytes()
            own.setdefault(key, (unit_rows(w[None])[0], a))
    return [program.neuron(u, a) for u, a in own.values()]
