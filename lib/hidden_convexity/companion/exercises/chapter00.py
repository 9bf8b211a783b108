"""Checks of the exercises of notebook 00: start here."""

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.problem.data import with_bias
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.beta_max import beta_max
from hidden_convexity.proof.certificate import certify
from hidden_convexity.solvers import train

# Kinks of the networks that are tried are at least this far apart: half of it either side of a
# kink the output is straight.
APART = 0.02


@exercise("00.1")
def zero_is_optimal(answer, rng):
    X, y = rng.normal(size=(8, 2)), rng.normal(size=8)
    for ratio in (0.01, 0.3, 0.9, 0.999, 1.001, 1.2, 3.0, 100.0):
        problem = TrainingProblem(X, y, ratio * beta_max(X, y))
        empty = len(train(problem, tol=1e-9).network) == 0
        given = answer.truth(ratio)
        does = "has no neurons" if empty else "has neurons"
        require(given == empty, f"for beta = {ratio:g} beta_max the optimum {does}")
    require(answer.truth(1.0), "at beta_max itself the zero network is optimal too")


@exercise("00.2")
def bound_of_zero(answer, rng):
    X, y = rng.normal(size=(8, 2)), rng.normal(size=8)
    largest = beta_max(X, y)
    for ratio in (0.1, 0.5, 0.99, 1.0, 1.5, 10.0):
        problem = TrainingProblem(X, y, ratio * largest)
        given = answer.number(y, problem.beta, largest)
        above = given > train(problem).objective * (1 + 1e-6)
        require(not above, f"for beta = {ratio:g} beta_max your bound is above the optimum")
        bound = certify(ReLUNetwork(np.zeros((0, 2)), []), problem, rounds=0).lower_bound
        same = np.isclose(given, bound)
        require(same, f"for beta = {ratio:g} beta_max there is a scaling with a larger value")


@exercise("00.3")
def kinks(answer, rng):
    for count in (1, 6, 12):
        times = rng.permutation(np.arange(-75, 76))[:count] * APART
        slopes = rng.choice([-1, 1], size=count) * rng.uniform(0.5, 2, size=count)
        w = np.column_stack([slopes, -slopes * times])
        # The last neuron again, the other way round; and one that never switches.
        w = np.vstack([w, -2 * w[-1], [0.0, 1.0]])
        a = rng.uniform(0.5, 2, size=len(w))
        network = ReLUNetwork(w, a)
        given = answer.array(network, shape=(None,))
        inside = (np.abs(given) < 1).all()
        require(inside, "you return a time that is not strictly between -1 and 1")
        require((np.diff(given) > 0).all(), "your times do not increase: is one there twice?")
        around = given[:, None] + APART / 4 * np.array([-1, 0, 1])
        bends = _bend(network, around)
        require((np.abs(bends) > 1e-6).all(), "at one of your times the output does not bend")
        ends = np.concatenate([[-1.0], given, [1.0]])
        pieces = ends[:-1, None] + np.diff(ends)[:, None] * np.linspace(0, 1, 202)
        straight = np.abs(np.diff(_outputs(network, pieces), n=2, axis=1)).max() < 1e-7
        require(straight, "between two of your times the output bends")


def _outputs(network, times):
    if times.size == 0:  # no kinks: a network takes at least one sample
        return times
    return network(with_bias(times.ravel())).reshape(times.shape)


def _bend(network, triples):
    return _outputs(network, triples) @ [1, -2, 1]
