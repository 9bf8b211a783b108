"""Interpolation of least norm: the same as CVXPY's, its certificate, and what it recovers."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import linprog

import hidden_convexity as hc
from hidden_convexity.solvers.fixed_gates.interpolation import all_active, interpolate


def data(n, d, seed=0):
    rng = np.random.default_rng([seed, n, d])
    return rng.normal(size=(n, d)) / np.sqrt(n), rng.normal(size=n), rng


def reference(arrangement, y, skip, cones):
    """The program as it is written."""
    X, patterns = arrangement.X, arrangement.patterns.astype(float)
    w, u, v = cp.Variable(X.shape[1]), cp.Variable((X.shape[1], len(arrangement))), None
    v = cp.Variable(u.shape)
    fit = X @ w + cp.sum(cp.multiply(patterns, X @ (u - v)), axis=1)
    norm = cp.norm(w) + cp.sum(cp.norm(u, axis=0)) + cp.sum(cp.norm(v, axis=0))
    constraints = [fit == y] + [w == 0] * (not skip)
    if cones:
        constraints += [cp.multiply(2 * patterns - 1, X @ z) >= 0 for z in (u, v)]
    return cp.Problem(cp.Minimize(norm), constraints).solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("cones", [True, False])
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize(("n", "d"), [(3, 2), (6, 2), (5, 3), (7, 3)])
def test_the_least_norm_is_that_of_cvxpy_and_its_certificate_proves_it(n, d, skip, cones):
    X, y, _ = data(n, d)
    chambers = hc.Arrangement.enumerate(X)
    found = interpolate(chambers, y, skip=skip, cones=cones)
    assert found.norm == pytest.approx(reference(chambers, y, skip, cones), rel=1e-6)

    fit = X @ found.skip + (chambers.patterns * (X @ (found.u - found.v))).sum(axis=1)
    np.testing.assert_allclose(fit, y, atol=1e-6)
    assert skip or not found.skip.any()
    if cones:
        np.testing.assert_allclose(X @ found.skip + found.network(X), y, atol=1e-6)

    assert found.nu @ y == pytest.approx(found.norm, rel=1e-6)
    if skip:
        assert np.linalg.norm(X.T @ found.nu) <= 1 + 1e-6
    correlations = X.T @ (chambers.patterns * found.nu[:, None])
    if not cones:
        assert np.linalg.norm(correlations, axis=0).max() <= 1 + 1e-6
    else:
        rng = np.random.default_rng(0)
        units = rng.normal(size=(d, 2000))
        units /= np.linalg.norm(units, axis=0)
        assert np.abs(found.nu @ np.maximum(X @ units, 0)).max() <= 1 + 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_training_with_little_weight_decay_is_interpolation(seed):
    X, y, _ = data(6, 3, seed)
    beta = 1e-6
    solution = hc.train(hc.TrainingProblem(X, y, beta))
    found = interpolate(hc.Arrangement.enumerate(X), y, skip=False)
    assert solution.objective / beta == pytest.approx(found.norm, rel=1e-3)
    assert solution.objective / beta <= found.norm * (1 + 1e-6)  # P of the interpolant, over beta


@pytest.mark.parametrize("seed", range(6))
def test_gates_never_recover_a_linear_teacher_while_all_samples_can_be_active(seed):
    X, _, rng = data(8, 5, seed)
    direction, w = all_active(X), rng.normal(size=5)
    gates = rng.normal(size=(5, 30))
    if direction is not None:
        gates = np.column_stack([gates, direction])
    found = interpolate(hc.Arrangement.from_gates(X, gates), X @ w, cones=False)
    recovered = np.abs(found.skip - w).max() < 1e-4
    assert direction is None or not recovered


@pytest.mark.parametrize("seed", range(6))
def test_neural_isometry_implies_recovery(seed):
    X, _, rng = data(40, 4, seed)
    w = rng.normal(size=4)
    w /= np.linalg.norm(w)
    chambers = hc.Arrangement.sample(X, 60, rng=seed)
    nu = X @ np.linalg.solve(X.T @ X, w)
    largest = np.linalg.norm(X.T @ (chambers.patterns * nu[:, None]), axis=0).max()
    assert largest < 1  # forty samples in four dimensions: it holds
    for cones in (False, True):
        np.testing.assert_allclose(interpolate(chambers, X @ w, cones=cones).skip, w, atol=1e-6)


def test_the_chance_that_all_samples_can_be_active_is_covers_count():
    rng, n, d, draws = np.random.default_rng(0), 7, 3, 500
    met = np.mean([all_active(rng.normal(size=(n, d))) is not None for _ in range(draws)])
    expected = hc.count_chambers(n, d) / 2**n
    assert abs(met - expected) < 4 * np.sqrt(expected * (1 - expected) / draws)


@pytest.mark.parametrize("seed", range(20))
def test_all_active_finds_a_direction_if_there_is_one(seed):
    X, _, rng = data(6, 3, seed)
    X[rng.integers(6)] = 0
    direction = all_active(X)
    rows = X[X.any(axis=1)]
    feasible = linprog(np.zeros(3), A_ub=-rows, b_ub=-np.ones(5), bounds=[(None, None)] * 3).success
    assert feasible == (direction is not None)
    if direction is not None:
        assert (rows @ direction > 0).all() and np.linalg.norm(direction) == pytest.approx(1)


def test_all_active_of_zero_rows_is_any_direction():
    assert np.linalg.norm(all_active(np.zeros((2, 3)))) == 1


def test_zero_targets_need_no_network():
    X, y, _ = data(5, 3)
    found = interpolate(hc.Arrangement.enumerate(X), 0 * y)
    assert found.norm < 1e-6 and "\n" not in repr(found)


CHAMBERS = hc.Arrangement.sample(np.random.default_rng(0).normal(size=(9, 2)), 1)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: interpolate(np.eye(3), np.ones(3)), "arrangement"),
        (lambda: interpolate(CHAMBERS, np.ones(4)), "y"),
        (lambda: interpolate(CHAMBERS, np.full(9, np.nan)), "y"),
        (lambda: interpolate(CHAMBERS, np.ones((9, 1))), "y"),
        (lambda: interpolate(CHAMBERS, np.ones(9), skip="yes"), "skip"),
        (lambda: interpolate(CHAMBERS, np.ones(9), cones=1), "cones"),
        (lambda: interpolate(CHAMBERS, np.random.default_rng(1).normal(size=9)), "y"),
        (lambda: all_active([[1.0, np.inf]]), "X"),
        (lambda: all_active(np.ones(3)), "X"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        call()
