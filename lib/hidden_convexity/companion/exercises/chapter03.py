"""Checks of the exercises of notebook 03: the convex program."""

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.foundations.wording import counted
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.beta_max import beta_max
from hidden_convexity.solvers import train

# Largest relative duality gap of an answer that counts as optimal: general solvers stop below it,
# and another problem's solution, or one with another constant, is far above.
OPTIMAL = 1e-3


@exercise("03.1")
def program_size(answer, rng):
    for n, d in [(4, 1), (6, 2), (7, 3), (5, 4)]:
        X = rng.normal(size=(n, d))
        groups = 2 * len(Arrangement.enumerate(X))
        variables, constraints = answer.array(n, d, shape=(2,))
        require(
            variables == groups * d,
            f"for n = {n} and d = {d} there are {groups} vectors of {counted(d, 'number')}, which "
            f"makes {groups * d} variables, not {variables:g}",
        )
        require(
            constraints == groups * n,
            f"for n = {n} and d = {d} there are {groups} vectors with {n} inequalities each, "
            f"which makes {groups * n}, not {constraints:g}",
        )


@exercise("03.2")
def best_bound(answer, rng):
    X, y = rng.normal(size=(7, 2)), rng.normal(size=7)
    for share in (0.1, 0.6, 1.5):
        beta = share * beta_max(X, y)
        optimum = train(TrainingProblem(X, y, beta)).objective
        for nu in (y, 5 * y, 0.2 * y, -y, y + rng.normal(size=7), rng.normal(size=7)):
            M = beta_max(X, nu)
            given = answer.number(nu, y, M, beta)
            require(
                given <= optimum * (1 + 1e-6),
                "your bound is above the objective of a network: is the scaling feasible?",
            )
            s = np.linspace(-beta / M, beta / M, 10_001)
            scan = (s * (nu @ y) - s**2 * (nu @ nu) / 2).max()
            # The scan misses the summit by less than a ten-thousandth of the interval.
            slack = 1e-6 * (nu @ nu) * (beta / M) ** 2
            best = s[np.argmax(s * (nu @ y) - s**2 * (nu @ nu) / 2)]
            where = "one inside the interval" if abs(best) < 0.99 * beta / M else "its right end"
            where = "a negative one" if best < 0 else where
            better = f"another feasible scaling has a larger dual value: {where}"
            require(given >= scan - slack, better)
            require(given <= scan + slack, "no feasible scaling has so large a dual value")


@exercise("03.3")
def decode(answer, rng):
    X, y = rng.normal(size=(6, 3)), rng.normal(size=6)
    chambers = Arrangement.enumerate(X)
    problem = TrainingProblem(X, y, 0.3)
    for m in (1, 4, 9):
        network = ReLUNetwork(rng.normal(size=(m, 3)), rng.normal(size=m))
        u, v = network.encode(chambers)
        lengths = np.linalg.norm(np.hstack([u, v]), axis=0)
        columns = np.count_nonzero(lengths)
        W, a = answer.arrays(u, v, shapes=[(None, 3), (None,)])
        require(
            len(W) == len(a) == columns,
            f"the number of columns that are not zero is {columns}, and you return "
            f"{counted(len(W), 'row')} of W and a of length {len(a)}",
        )
        decoded = ReLUNetwork(W, a)
        same = np.allclose(decoded(X), network(X))
        require(same, "the outputs of your network are not those of the convex program")
        fit = 0.5 * np.sum((network(X) - y) ** 2)
        same = np.isclose(problem.objective(decoded), fit + problem.beta * lengths.sum())
        require(same, "P of your network is not C: is every neuron balanced?")


@exercise("03.4")
def gated(answer, rng):
    for n, d in [(6, 2), (5, 3)]:
        X, y = rng.normal(size=(n, d)), rng.normal(size=n)
        D = Arrangement.enumerate(X).patterns.astype(float)
        beta = 0.2 * np.linalg.norm(X.T @ (D * y[:, None]), axis=0).max()
        shape = d, D.shape[1]
        u, v = answer.arrays(X, y, beta, D, shapes=[shape, shape])
        residual = y - np.sum(D * (X @ (u - v)), axis=1)
        lengths = np.linalg.norm(u, axis=0).sum() + np.linalg.norm(v, axis=0).sum()
        value = 0.5 * residual @ residual + beta * lengths
        largest = np.linalg.norm(X.T @ (D * residual[:, None]), axis=0).max()
        s = min(1.0, beta / max(largest, beta))
        bound = s * (residual @ y) - s**2 * (residual @ residual) / 2
        optimal = value - bound <= OPTIMAL * value
        with_cones = train(TrainingProblem(X, y, beta)).objective
        require(
            optimal or abs(value - with_cones) > OPTIMAL * value,
            "your value is the optimum with the cone constraints, which were to be left out",
        )
        require(
            optimal,
            "your u and v are not optimal: the dual bound of their residual is below their value",
        )


@exercise("03.5")
def worst_direction(answer, rng):
    for n in (3, 6, 12):
        X = rng.normal(size=(n, 2))
        draw = rng.normal(size=n)
        for nu in (draw, -draw, np.abs(draw), -np.abs(draw)):
            u = answer.array(X, nu, shape=(2,))
            require(abs(np.linalg.norm(u) - 1) < 1e-6, "your vector does not have length one")
            require(
                abs(nu @ np.maximum(X @ u, 0)) >= 0.99 * beta_max(X, nu),
                "another direction violates the dual constraint more than yours, by over 1%",
            )
