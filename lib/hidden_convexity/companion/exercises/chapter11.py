"""Checks of the exercises of notebook 11: solvers and proofs."""

from math import comb

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.foundations.wording import counted
from hidden_convexity.oracle import BranchAndBound
from hidden_convexity.problem.data import with_bias
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.beta_max import beta_max
from hidden_convexity.solvers import train

# Step of finite differences along a great circle: smooth parts of h leave an error of this order,
# times the sum of |nu_i| ||x_i||.
STEP = 1e-6
# Hyperplanes that are not meant to be met are at least so far from a unit vector.
APART = 0.02


@exercise("11.1")
def largest_list(answer, rng):
    for memory, d in [(10**9, 3), (16 * 10**9, 6), (50, 2), (10**6, 2), (12_345, 4)]:
        given = answer.count(memory, d)
        require(given >= 1, "your n is less than one sample")
        require(
            _bytes(given, d) <= memory,
            f"for d = {d} the list of {counted(given, 'sample')} is larger than {memory} bytes",
        )
        require(
            _bytes(given + 1, d) > memory,
            f"for d = {d} the list of {given + 1} samples fits into {memory} bytes too",
        )


@exercise("11.2")
def change_of_slope(answer, rng):
    for d, tight in [(3, 1), (2, 1), (3, 2), (4, 3), (3, 0)]:
        for _ in range(3):
            X, nu = rng.normal(size=(8, d)), rng.normal(size=8)
            u = rng.normal(size=d)
            if tight:  # the part of u that is orthogonal to these rows
                basis = np.linalg.qr(X[:tight].T)[0]
                u -= basis @ (basis.T @ u)
                X[3] = -2 * X[0]  # opposite rows have one hyperplane
            u /= np.linalg.norm(u)
            distances = np.abs(X @ u) / np.linalg.norm(X, axis=1)
            if ((distances > 1e-9) & (distances < APART)).any():
                continue
            v = rng.normal(size=d)
            v -= (u @ v) * u
            v /= np.linalg.norm(v)
            angles = STEP * np.array([[-1.0], [0.0], [1.0]])
            before, here, after = _h(X, nu, np.cos(angles) * u + np.sin(angles) * v)
            change = (after - 2 * here + before) / STEP
            given = answer.number(X, nu, u, v)
            size = np.abs(nu) @ np.linalg.norm(X, axis=1)
            require(
                abs(given - change) < 1e-4 * size,
                f"at a point on {counted(tight, 'hyperplane')} the slope changes by {change:.2f}, "
                f"not {given:.2f}",
            )


@exercise("11.3")
def corner_bounds(answer, rng):
    for n, d in [(9, 2), (12, 3), (12, 4)]:
        X, nu = rng.normal(size=(n, d)), rng.normal(size=n)
        for prices, samples in [(nu, "samples"), (-np.abs(nu), "samples with negative prices")]:
            V = np.linalg.qr(rng.normal(size=(d, d)))[0]
            weights = np.vstack([np.eye(d), rng.exponential(size=(500, d))])
            given = answer.array(X, prices, V, shape=(d,))
            excess = (_h(X, prices, weights @ V) - weights @ given).max()
            require(excess < 1e-9, f"for {n} {samples}, h is above your bound within the cone")
            # So small a cone around a direction that no hyperplane crosses it.
            middle = rng.normal(size=d)
            nearest = (np.abs(X @ middle) / np.linalg.norm(X, axis=1)).min()
            V = middle + nearest / 2 * V
            given = answer.array(X, prices, V, shape=(d,))
            same = np.allclose(given, _h(X, prices, V))
            require(same, "where no hyperplane crosses the cone, your bound is not exact")


@exercise("11.4")
def cells_per_factor_of_ten(answer, rng):
    X = with_bias(rng.normal(size=(30, 2)))
    y = np.sin(2 * X[:, 0]) * X[:, 1]
    problem = TrainingProblem(X, y, 0.1 * beta_max(X, y))
    for nu in (problem.residual(train(problem).network), rng.normal(size=30)):
        oracle = BranchAndBound(X)
        coarse, fine = (len(oracle.cover(nu, tolerance)[1]) for tolerance in (1e-1, 1e-5))
        given = answer.number(X, nu)
        # Rounding, which differs between machines, may decide whether a cell is cut.
        near = abs(given - (fine - coarse) / 4) <= 0.1 * (fine - coarse) / 4
        require(near, "the covers at the two tolerances differ by another number of cells")


@exercise("11.5")
def plant(answer, rng):
    X, nu = rng.normal(size=(20, 3)), rng.normal(size=20)
    beta = beta_max(X, nu)  # M(nu), from a list of the chambers
    rows, prices = answer.arrays(X, nu, beta, shapes=[(None, 3), (None,)])
    require(len(rows) == len(prices), "you return another number of prices than of samples")
    X, nu = np.vstack([X, rows]), np.append(nu, prices)
    heights = np.abs(_h(X, nu, _unit_rows(rng.normal(size=(1000, 3)))))
    found = np.count_nonzero(heights > beta)
    require(found == 0, f"of 1000 random directions {found} find your peak")
    exceeds = beta_max(X, nu) >= 1.01 * beta
    require(exceeds, "|h| does not exceed beta by a hundredth anywhere")


def _bytes(n, d):
    return 2 * n * sum(comb(n - 1, k) for k in range(d))


def _h(X, nu, directions):
    return np.maximum(directions @ X.T, 0) @ nu


def _unit_rows(directions):
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)
