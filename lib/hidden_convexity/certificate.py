"""A lower bound on the global optimum from any trained network."""

from dataclasses import dataclass

import numpy as np

from hidden_convexity.network import ReLUNetwork
from hidden_convexity.oracle import Circle, coordinates, proving_oracle
from hidden_convexity.passes import Passes
from hidden_convexity.problem import TrainingProblem, relative_gap
from hidden_convexity.report import format_gap
from hidden_convexity.restricted import RestrictedProgram
from hidden_convexity.validation import data_matrix, real_array, whole_number

# Worst directions that one round of tightening takes up beside the network's own chambers.
WORST = 10


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """How far a network is from the global optimum of every width, at most.

    Attributes
    ----------
    objective : float
        P(W, a) of the network.
    lower_bound : float
        Proven lower bound on the optimal value.
    scope : {"global"}
        What the bound bounds: networks of every width.
    direction : (d,) ndarray
        The unit direction in which a neuron would violate the dual constraint most at the
        network's residual: where to grow.
    """

    objective: float
    lower_bound: float
    scope: str
    direction: np.ndarray

    @property
    def gap(self):
        """Relative duality gap, (objective - lower_bound) / objective; 0 if the objective is 0."""
        return relative_gap(self.objective, self.lower_bound)

    def __repr__(self):
        return (
            f"Certificate(objective={self.objective:.4g}, lower_bound={self.lower_bound:.4g}, "
            f"{format_gap(self.gap)}, {self.scope})"
        )


def certify(network, problem, rounds=1):
    """Bound the global optimum from below by means of a network, whatever trained it.

    Parameters
    ----------
    network : ReLUNetwork
        Any network for the problem; it is not changed.
    problem : TrainingProblem
        With y of shape (n,).
    rounds : int
        Rounds of tightening, >= 0. With 0 the dual point is the network's residual, whose bound is
        loose unless the network is nearly stationary. Each round solves the convex program over
        the network's own chambers and the worst directions, and uses its residual instead; the
        best bound is kept.

    Returns
    -------
    Certificate

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, or the shapes do not match.
    TooManyChambers
        If the data have rank above 2 and more chambers than can be listed.

    References
    ----------
    Weak duality for the convex program of Pilanci and Ergen (2020), arXiv:2002.10553.
    """
    if not isinstance(network, ReLUNetwork):
        raise TypeError(f"network must be a ReLUNetwork, got {type(network).__name__}")
    if not isinstance(problem, TrainingProblem):
        raise TypeError(f"problem must be a TrainingProblem, got {type(problem).__name__}")
    rounds = whole_number(rounds, "rounds", 0)
    if problem.y.ndim != 1:
        raise ValueError(f"problem.y must have shape (n,) to certify, got {problem.y.shape}")
    residual = problem.residual(network)
    basis = coordinates(problem.X)
    X = problem.X @ basis
    oracle = proving_oracle(X)
    found = oracle(residual)
    direction = basis @ found.directions[0] if len(found.directions) else np.zeros(len(basis))
    lower_bound = problem.dual_bound(residual, found.bound)

    passes = oracle if isinstance(oracle, Circle) else Passes(X)
    program = RestrictedProgram(X, problem.y, problem.beta, passes)
    neurons = _own_neurons(program, network, basis) if rounds else []
    for _ in range(rounds):
        worst = zip(found.directions[:WORST], np.sign(found.values[:WORST]), strict=True)
        neurons = program.solve(neurons + [program.neuron(u, sign) for u, sign in worst])
        neurons = program.polish(neurons)
        residual = program.residual(neurons)
        found = oracle(residual, level=problem.beta)
        lower_bound = max(lower_bound, problem.dual_bound(residual, found.bound))
    return Certificate(problem.objective(network), lower_bound, "global", direction)


def _own_neurons(program, network, basis):
    """One free neuron for each pair of activation pattern and sign that the network uses."""
    own = {}
    balanced = network.balance()
    for w, a in zip(balanced.hidden_weights @ basis, balanced.output_weights, strict=True):
        pattern = program.X @ w > 0
        if pattern.any():
            own.setdefault((np.packbits(pattern).tobytes(), a > 0), (w / np.linalg.norm(w), a))
    return [program.neuron(u, np.sign(a)) for u, a in own.values()]


def beta_max(X, y):
    """The smallest weight decay at which the zero network is optimal: M(y).

    Parameters
    ----------
    X : (n, d) array_like
        Data.
    y : (n,) array_like
        Targets.

    Returns
    -------
    float
        max over ||u|| <= 1 of |y.(Xu)_+|.

    Raises
    ------
    TypeError, ValueError
        If an argument is not finite and real, or the shapes do not match.
    TooManyChambers
        As `certify`.
    """
    X, y = data_matrix(X), real_array(y, "y", ndim=1)
    if len(y) != len(X):
        raise ValueError(f"y must have one entry per row of X: {len(X)}, got {len(y)}")
    return proving_oracle(X @ coordinates(X))(y).bound
