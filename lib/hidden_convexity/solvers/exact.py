"""Column generation: train to a certified global optimum, one batch of neurons at a time.

Training is a Lasso over the dictionary of all neurons { (Xu)_+ : ||u|| = 1 }. A dual oracle tells
which neuron violates the dual constraint |nu.(Xu)_+| <= beta most, at nu = the residual of the
current network. We add it, solve the convex program over the few neurons met so far, and repeat.
The oracle's maximum also scales the residual to a dual feasible point, so every round proves a
lower bound on the optimal value of every width.
"""

from time import perf_counter

import numpy as np

from hidden_convexity.network import ReLUNetwork
from hidden_convexity.problem import relative_gap
from hidden_convexity.restricted import RestrictedProgram
from hidden_convexity.solvers.solution import Solution, Step

# Neurons added a round. Fewer cost more rounds, more cost larger restricted problems: measured
# on 1-D data, n = 200 to 10^6, the time is flat between 5 and 20.
BATCH = 10
# A violator strictly decreases the optimum; this many rounds without a decrease are the end of
# double precision.
PATIENCE = 3
# Relative gap from which the precision of the restricted solutions starts to matter.
POLISH_BELOW = 1e-4


def solve(problem, oracle, passes, tol, scope):
    """Minimise P over networks of every width whose neurons the oracle can see.

    Parameters
    ----------
    problem : TrainingProblem
        With y of shape (n,).
    oracle : Circle or Exhaustive
        Maximises |nu.(Xu)_+|.
    passes : Circle or Passes
        Predictions, correlations and Gram matrices on X.
    tol : float
        Relative duality gap to reach.
    scope : {"global", "sampled"}
        What the oracle's maximum ranges over.

    Returns
    -------
    Solution
        Interrupted by the user, it is the best one so far with its valid bound.

    References
    ----------
    The dual is that of Pilanci and Ergen (2020), arXiv:2002.10553; column generation on it is the
    Frank-Wolfe method for measures of Bach (2017), fully corrective.
    """
    start = perf_counter()
    program = RestrictedProgram(problem.X, problem.y, problem.beta, passes)
    neurons, best, objective, lower_bound, history = [], [], np.inf, 0.0, []
    stalled = 0
    try:
        while True:
            residual = program.residual(neurons)
            value = program.objective(neurons, residual)
            stalled += 1
            if value < objective:
                objective, best, stalled = value, neurons, 0
            found = oracle(residual, level=problem.beta)
            lower_bound = max(lower_bound, problem.dual_bound(residual, found.bound))
            history.append(Step(perf_counter() - start, objective, lower_bound, len(best)))
            entering = _entering(found, neurons, problem.beta)
            gap = relative_gap(objective, lower_bound)
            if gap <= tol or stalled == PATIENCE:
                break
            neurons = program.solve(neurons + [program.neuron(*one) for one in entering])
            if gap <= POLISH_BELOW or not entering:
                neurons = program.polish(neurons)
    except KeyboardInterrupt:
        pass
    network = decode(best, problem.X.shape[1])
    if len(network) > len(problem.X):
        network = network.prune(problem.X)
    return Solution(network, problem.objective(network), lower_bound, scope, history, "exact")


def _entering(found, neurons, beta):
    """Up to BATCH violators (direction, sign), none of which is there already."""
    present = np.array([n.sign * n.direction for n in neurons if len(n.basis) == 1]).reshape(
        -1, found.directions.shape[1]
    )
    entering = []
    for direction, value in zip(found.directions, found.values, strict=True):
        if abs(value) <= beta or len(entering) == BATCH:
            break
        sign = np.sign(value)
        if not (np.abs(present - sign * direction).max(axis=1) < 1e-12).any():
            entering.append((direction, sign))
    return entering


def decode(neurons, d):
    """The network (||w|| = |a|) of the restricted problem's neurons."""
    weights = np.reshape([neuron.weights for neuron in neurons], (-1, d)).T
    positive = np.array([neuron.sign > 0 for neuron in neurons], dtype=bool)
    return ReLUNetwork.decode(weights[:, positive], weights[:, ~positive])
