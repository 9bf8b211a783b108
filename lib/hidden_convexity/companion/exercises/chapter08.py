"""Checks of the exercises of notebook 08: the landscape."""

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.landscape import newton
from hidden_convexity.landscape.minima import subsampled_optimum
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.beta_max import beta_max
from hidden_convexity.solvers import train

# P along a straight line is compared with its slope after a step this long; the curvature that
# this leaves out is below a hundred for the data here, so slopes agree to SAME_SLOPE.
STEP, SAME_SLOPE = 1e-7, 1e-4
# A product x.w of unit vectors this small is on a wall; the others here are far above.
ON_WALL = 1e-9
# P falls by less than it can be computed to in a round in which it hardly falls.
ROUNDING = 1e-12
# Relative difference of two objectives of local minima that are one: descent is far more precise,
# and minima that are not one are further apart.
SAME_VALUE = 1e-6


@exercise("08.1")
def zero_network(answer, rng):
    angles = np.linspace(0, 2 * np.pi, 2000)
    U = np.array([np.cos(angles), np.sin(angles)])
    for ratio in (0.5, 0.95, 1.05, 2.0):
        X, y = rng.normal(size=(6, 2)), rng.normal(size=6)
        slopes = y @ np.maximum(X @ U, 0)
        k = np.argmax(np.abs(slopes))
        # A small balanced neuron in the best direction changes P by size^2 (beta - |slope|).
        beta = ratio * abs(slopes[k])
        pairs, value, minimum = answer.array(X, y, beta, shape=(3,))
        require(pairs == 0, "a network without a non-zero neuron visits no pair")
        require(np.isclose(value, y @ y / 2), "the value is that of the program without any group")
        small = ReLUNetwork(1e-3 * U[:, k : k + 1].T, [1e-3 * np.sign(slopes[k])])
        falls = TrainingProblem(X, y, beta).objective(small) < y @ y / 2
        does = "there is a small neuron that lowers P" if falls else "every small neuron raises P"
        require(minimum == (not falls), f"for beta = {ratio:g} beta_max {does}")


@exercise("08.2")
def rate(answer, rng):
    for d, on_walls in [(2, 0), (3, 0), (2, 1), (3, 2)]:
        for s in (1.0, -1.0):
            X = rng.integers(-4, 5, size=(7, d)).astype(float)
            X[:2] = np.arange(1.0, 2 * d + 1).reshape(2, d)  # two rows that are not parallel
            u = rng.normal(size=d)
            if on_walls:  # products of whole numbers, so that these are exactly zero
                u = np.cross(X[0], X[1]) if d == 3 else np.array([-X[0, 1], X[0, 0]])
            nu = rng.normal(size=7)
            for z in (u, -u, rng.normal(size=d), rng.normal(size=d)):
                given = answer.number(u, z, s, nu, X, 0.7)
                moved = u + STEP * z
                change = s * (np.maximum(X @ moved, 0) - np.maximum(X @ u, 0))
                fit = (change @ change / 2 - nu @ change) / STEP
                length = (np.linalg.norm(moved) - np.linalg.norm(u)) / STEP
                where = "on a wall" if on_walls else "inside a chamber"
                same = abs(given - fit - 0.7 * length) < SAME_SLOPE * (1 + abs(fit))
                require(same, f"for a neuron {where} P changes at another rate than yours")


@exercise("08.3")
def covered(answer, rng):
    for n, d in [(5, 2), (6, 2), (5, 3), (7, 3)]:
        X = rng.normal(size=(n, d))
        optimum, network = _on_walls(X, 4, rng), _on_walls(X, 10, rng)
        sides = np.where(Arrangement.enumerate(X).patterns, 1.0, -1.0)
        held = _held(optimum, X, sides) @ _held(network, X, sides).T > 0
        signs = np.sign(optimum.output_weights)[:, None] == np.sign(network.output_weights)
        expected = int((held & signs).any(axis=1).sum())
        given = answer.count(network, optimum, X)
        require(
            given == expected,
            f"of {len(optimum)} optimal neurons, those that share a closed cone and a sign with a "
            f"neuron of the network: {expected}, and you count {given}",
        )


@exercise("08.4")
def grow(answer, rng):
    for n, d, share in [(8, 2, 0.2), (9, 3, 0.3)]:
        X, y = rng.normal(size=(n, d)), rng.normal(size=n)
        problem = TrainingProblem(X, y, share * beta_max(X, y))
        optimum = train(problem, tol=1e-8).objective
        start = newton.descend(ReLUNetwork(rng.normal(size=(1, d)), [1.0]), problem)
        for network in (ReLUNetwork(np.zeros((0, d)), []), start):
            rounds = answer(network, problem)
            fits = isinstance(rounds, list | tuple) and len(rounds) > 0
            fits = fits and all(isinstance(one, ReLUNetwork) for one in rounds)
            require(fits, "your function must return a list of networks of type ReLUNetwork")
            values = np.array([problem.objective(one) for one in rounds])
            first = np.isclose(values[0], problem.objective(network))
            require(first, "the first of your networks is not the one that was given")
            sizes = np.array([len(one.balance()) for one in rounds])  # without idle neurons
            require((np.diff(sizes) <= 1).all(), "in one of your rounds more than one neuron comes")
            falls = (np.diff(values) <= ROUNDING * values[:-1]).all()
            require(falls, "in one of your rounds P rises")
            for one, value in zip(rounds[1:], values[1:], strict=True):
                own = problem.objective(subsampled_optimum(one, problem))
                at = value <= own * (1 + SAME_VALUE)
                require(at, "a round ends above the optimum of the network's own program")
            reached = values[-1] <= optimum * (1 + SAME_VALUE)
            require(reached, "your last network is above the global optimum")


def _on_walls(X, m, rng):
    """Random neurons of both signs: half of them inside chambers, half where d - 1 walls meet."""
    d = X.shape[1]
    W = rng.normal(size=(m, d))
    for k in range(m // 2):
        rows = X[rng.choice(len(X), size=d - 1, replace=False)]
        W[k] -= rows.T @ np.linalg.lstsq(rows.T, W[k])[0]
    return ReLUNetwork(W, rng.choice([-2.0, -1.0, 1.0, 2.0], size=m))


def _held(network, X, sides):
    """(m, G), whether the closed cone of the chamber holds the neuron."""
    units = [X / np.linalg.norm(X, axis=1, keepdims=True), network.hidden_weights]
    products = units[0] @ (units[1] / np.linalg.norm(units[1], axis=1, keepdims=True)).T
    return (sides[:, None, :] * products[:, :, None] >= -ON_WALL).all(axis=0).astype(int)
