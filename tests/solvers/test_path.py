"""The regularisation path: where it starts, its continuity, and that warm starts are safe."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import regression

import hidden_convexity as hc


@pytest.mark.parametrize(("n", "d"), [(15, 1), (30, 2), (12, 3)])
def test_the_path_starts_at_beta_max_with_the_zero_network(n, d):
    X, y = regression(n, d)
    top = hc.beta_max(X, y)
    zero, first = hc.train_path(hc.TrainingProblem(X, y, 1.0), [1.001 * top, 0.9 * top])
    assert len(zero.network) == 0 and zero.objective == pytest.approx(0.5 * y @ y)
    assert len(first.network) > 0 and first.objective < zero.objective


@pytest.mark.parametrize(("n", "d"), [(30, 2), (12, 3)])
def test_warm_starts_give_the_optimum_of_a_cold_start(n, d):
    X, y = regression(n, d, seed=1)
    betas = hc.beta_max(X, y) * np.array([0.01, 0.5, 0.1])
    path = hc.train_path(hc.TrainingProblem(X, y, 1.0), betas)
    for beta, solution in zip(betas, path, strict=True):
        problem = hc.TrainingProblem(X, y, beta)
        assert solution.gap < 1e-6 and solution.scope == "global"
        assert solution.objective == pytest.approx(hc.train(problem).objective, rel=2e-6)
        assert solution.objective == problem.objective(solution.network)


def test_the_value_is_increasing_concave_and_continuous_in_beta():
    """It is a minimum of functions that are affine in beta, with slope the penalty >= 0."""
    X, y = regression(40, 2, seed=2)
    betas = hc.beta_max(X, y) * np.linspace(0.01, 1.0, 41)
    path = hc.train_path(hc.TrainingProblem(X, y, 1.0), betas, tol=1e-8)
    values = np.array([one.objective for one in path])
    steps = np.diff(values)
    assert (steps >= 0).all()
    assert (np.diff(steps) <= 1e-6 * values[-1]).all()
    assert steps.max() <= 2 * steps[0]


@pytest.mark.parametrize(("n", "d"), [(40, 2), (15, 3)])
def test_the_outputs_are_continuous_in_beta(n, d):
    """||f - g||^2 <= (b - a) (R(f) - R(g)) for the optima f at a < g at b, R the penalty over beta.

    R is convex and (y - f) / a, (y - g) / b are subgradients of it: take the two inequalities.
    """
    X, y = regression(n, d, seed=3)
    betas = hc.beta_max(X, y) * np.linspace(0.02, 1.0, 15)
    path = hc.train_path(hc.TrainingProblem(X, y, 1.0), betas, tol=1e-9)
    outputs = np.array([one.network(X) for one in path])
    errors = 0.5 * ((outputs - y) ** 2).sum(axis=1)
    R = (np.array([one.objective for one in path]) - errors) / betas
    moved = ((outputs[1:] - outputs[:-1]) ** 2).sum(axis=1)
    assert (moved <= np.diff(betas) * -np.diff(R) + 1e-7 * (y @ y)).all()
    assert (np.diff(R) <= 1e-7 * R[0]).all() and (np.diff(errors) >= -1e-7 * errors[-1]).all()
    assert moved.max() > 1e-4 * (y @ y)


def test_the_order_of_the_weight_decays_does_not_matter():
    X, y = regression(12, 3, seed=4)
    betas = hc.beta_max(X, y) * np.array([0.05, 0.5, 0.05, 0.2])
    problem = hc.TrainingProblem(X, y, 1.0)
    one, other = hc.train_path(problem, betas), hc.train_path(problem, betas[::-1])
    assert [s.objective for s in one] == [s.objective for s in reversed(other)]
    assert one[0].objective == one[2].objective


def test_bad_weight_decays_are_refused():
    X, y = regression(5, 2)
    problem = hc.TrainingProblem(X, y, 1.0)
    for betas in ([], [1.0, 0.0], [np.nan], [[1.0]], "small"):
        with pytest.raises((TypeError, ValueError), match="betas"):
            hc.train_path(problem, betas)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_a_path_over_given_patterns_is_that_of_single_runs(loss):
    """Each run walked down from the zero network again: twenty weight decays took twenty walks."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(60, 3)), np.ones(60)])
    y = np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=60)
    y = y if loss == "squared" else np.where(y > 0, 1.0, -1.0)
    problem = hc.TrainingProblem(X, y, 1.0, loss, intercept=True)
    arrangement = hc.Arrangement.sample(X, 20)
    betas = [0.1, 3.0, 1.0, 0.1]
    path = hc.train_path(problem, betas, tol=1e-6, patterns=arrangement)
    assert path[0] is path[3] and [one.problem.beta for one in path] == betas
    for beta, one in zip(betas, path, strict=True):
        alone = hc.train(replace(problem, beta=beta), patterns=arrangement, tol=1e-6)
        assert one.scope == "sampled" and one.gap <= 1e-6
        assert one.objective == pytest.approx(alone.objective, rel=2e-6)
    with pytest.raises(ValueError, match="proof"):
        hc.train_path(problem, betas, proof=False, patterns=arrangement)
