"""Checks of the exercises of notebook 07: architectures."""

import cvxpy as cp
import numpy as np

from hidden_convexity import equivalences
from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.equivalences import parts
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers import train

# Largest relative duality gap of an answer that counts as optimal: general solvers stop below it,
# and another problem's solution, or one with another constant, is far above.
OPTIMAL = 1e-3


@exercise("07.1")
def same_in_other_units(answer, rng):
    for name, row in equivalences.rows().items():
        X, y, beta = row.instance(rng)
        one, other = (row.convex_program(c * X, y, beta).solve() for c in (1.0, 2.0))
        same = bool(abs(other / one - 1) < OPTIMAL)
        given = answer.truth(name)
        does = "stays" if same else "changes"
        require(given == same, f"when all inputs are doubled, the value of {name} {does}")


@exercise("07.2")
def cheapest_scaling(answer, rng):
    X = rng.normal(size=(20, 3))
    scales = np.geomspace(0.01, 100, 400)
    for k in (1, 2, 3):
        for size in (0.2, 1.0, 7.0):
            w, a = size * rng.normal(size=3), rng.normal()
            new_w, new_a = answer.arrays(w, a, k, shapes=[(3,), ()])
            outputs = a * (X @ w) ** k
            same = np.abs(new_a * (X @ new_w) ** k - outputs).max() < 1e-6 * np.abs(outputs).max()
            require(same, f"for k = {k} your neuron computes another function")
            a_sizes, w_sizes = abs(a) / scales**k, np.linalg.norm(w) * scales
            prices = a_sizes ** (k + 1) + k * w_sizes ** (k + 1)
            price = abs(new_a) ** (k + 1) + k * np.linalg.norm(new_w) ** (k + 1)
            require(
                price <= prices.min() * (1 + 1e-9),
                f"for k = {k} the same neuron, scaled otherwise, is cheaper than yours",
            )


@exercise("07.3")
def cheapest_factors(answer, rng):
    for rank, m in ((2, 2), (3, 3), (2, 3), (1, 6)):
        Z = rng.normal(size=(4, rank)) @ rng.normal(size=(rank, 3))
        W, A = answer.arrays(Z, m, shapes=[(4, m), (m, 3)])
        same = np.abs(W @ A - Z).max() < 1e-6 * np.abs(Z).max()
        require(same, f"for rank {rank} and m = {m}, the product of your W and A is not Z")
        price = 0.5 * (np.sum(W**2) + np.sum(A**2))
        nuclear = np.linalg.svd(Z, compute_uv=False).sum()
        require(
            price <= nuclear * (1 + 1e-6),
            f"for rank {rank} and m = {m}, other factors of Z cost {nuclear:.2f}, "
            f"and yours {price:.2f}",
        )


@exercise("07.4")
def two_slopes(answer, rng):
    X, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    beta = 0.3
    relu = train(TrainingProblem(X, y, beta)).objective
    w = cp.Variable(2)
    cost = cp.sum_squares(X @ w - y) / 2 + beta * cp.norm(w)
    line = cp.Problem(cp.Minimize(cost)).solve(solver=cp.CLARABEL)
    leaky = parts.neurons_program(X, y, beta / 2, slope=0.25).solve()
    absolute = parts.neurons_program(X, y, beta, slope=-1.0).solve()
    for left, right, optimum, what in [
        (0.0, 1.0, relu, "a ReLU"),
        (1.0, 0.0, relu, "a ReLU of -t, with the other sign"),
        (1.0, 1.0, line, "linear"),
        (-1.0, 1.0, absolute, "the absolute value"),
        (0.5, 2.0, leaky, "twice a leaky ReLU"),
        (2.0, 0.5, leaky, "twice a leaky ReLU of -t, with the other sign"),
    ]:
        given = answer.number(X, y, beta, left, right)
        require(
            abs(given / optimum - 1) < OPTIMAL,
            f"slopes {left:g} and {right:g} are {what}: the optimum is {optimum:.3f}, and you "
            f"return {given:.3f}",
        )


@exercise("07.5")
def train_diagonal(answer, rng):
    X, noise = rng.normal(size=(12, 5)), rng.normal(size=12)
    y = X @ [2.0, 0.0, -1.0, 0.0, 0.0] + 0.3 * noise
    for share in (0.05, 0.5, 1.2):
        beta = share * np.abs(X.T @ y).max()
        w, a = answer.arrays(X, y, beta, shapes=[(5,), (5,)])
        residual = y - X @ (w * a)
        value = 0.5 * residual @ residual + 0.5 * beta * (w @ w + a @ a)
        charge = 0.5 * residual @ residual + beta * np.abs(w * a).sum()
        require(
            value - charge <= OPTIMAL * value,
            f"the same products w a cost {charge:.2f} when they are balanced, not {value:.2f}",
        )
        s = min(1.0, beta / max(np.abs(X.T @ residual).max(), beta))
        bound = s * (residual @ y) - s**2 * (residual @ residual) / 2
        require(
            value - bound <= OPTIMAL * value,
            "your network is not optimal: the dual bound of its residual is below its objective",
        )
