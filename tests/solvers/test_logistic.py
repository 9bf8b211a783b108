"""The logistic loss: its dual, and training and certificates against CVXPY."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import hidden_convexity as hc
from hidden_convexity.problem.losses import LOSSES
from hidden_convexity.solvers import descent

Logistic = LOSSES["logistic"]()


def labelled(n, d, share, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, d - 1)), np.ones(n)])
    y = np.where(np.sin(2 * X[:, 0]) + 0.5 * rng.normal(size=n) > 0, 1.0, -1.0)
    return hc.TrainingProblem(X, y, share * hc.beta_max(X, y) / 2, "logistic")


def random_network(problem, neurons, seed):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(neurons, problem.X.shape[1]))
    return hc.ReLUNetwork(hidden, rng.normal(size=neurons))


@pytest.mark.parametrize("label", [-1.0, 1.0])
@pytest.mark.parametrize("probability", [0.01, 0.3, 0.5, 0.97])
def test_the_dual_value_is_minus_the_conjugate(label, probability):
    """-F*(-nu) is the smallest F(f) + nu f."""
    y, nu = np.array([label]), np.array([label * probability])
    least = minimize_scalar(lambda f: Logistic.value(y, np.array([f])) + nu[0] * f)
    assert Logistic.dual_value(y, nu) == pytest.approx(least.fun, rel=1e-8)


def test_outside_the_probabilities_the_dual_value_is_minus_infinity():
    y = np.array([1.0, -1.0])
    for nu in ([1.1, -0.5], [-0.1, -0.5]):
        assert Logistic.dual_value(y, np.array(nu)) == -np.inf
        assert Logistic.best_scale(y, np.array([-0.1, -0.5])) == 0.0


@pytest.mark.parametrize("seed", range(10))
def test_no_scaling_of_a_dual_point_beats_the_best_one(seed):
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], size=8)
    nu = y * rng.uniform(0, 1, size=8) ** rng.integers(1, 6)
    best = Logistic.dual_value(y, Logistic.best_scale(y, nu) * nu)
    scales = np.linspace(0, 1 / np.abs(nu).max(), 2_001)[:-1]
    assert best >= max(Logistic.dual_value(y, s * nu) for s in scales) - 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_residual_and_curvature_are_derivatives(seed):
    rng = np.random.default_rng(seed)
    y, f, step = rng.choice([-1.0, 1.0], size=6), 3 * rng.normal(size=6), 1e-5
    for i in range(6):
        move = step * np.eye(6)[i]
        slope = (Logistic.value(y, f + move) - Logistic.value(y, f - move)) / (2 * step)
        bend = (Logistic.residual(y, f - move) - Logistic.residual(y, f + move))[i] / (2 * step)
        assert -Logistic.residual(y, f)[i] == pytest.approx(slope, abs=1e-8)
        assert Logistic.curvature(y, f)[i] == pytest.approx(bend, abs=1e-8)


@pytest.mark.parametrize(("n", "d"), [(5, 1), (12, 2), (25, 2), (10, 3), (8, 4)])
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_training_reaches_the_optimum_of_the_full_program(n, d, share):
    problem = labelled(n, d, share, seed=n + d)
    exact, reference = hc.train(problem), hc.train(problem, solver="cvxpy")
    assert exact.gap < 1e-6 and exact.scope == "global"
    assert exact.objective == pytest.approx(reference.objective, rel=1e-6)
    assert exact.lower_bound <= reference.objective * (1 + 1e-9)
    assert exact.objective == pytest.approx(problem.objective(exact.network), rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(40, 2), (12, 3)])
def test_objective_and_bound_only_improve(n, d):
    problem = labelled(n, d, 0.05)
    history = hc.train(problem).history
    objectives, bounds = [one.objective for one in history], [one.lower_bound for one in history]
    assert objectives == sorted(objectives, reverse=True) and bounds == sorted(bounds)
    loose, tight = hc.train(problem, tol=1e-2), hc.train(problem, tol=1e-7)
    assert loose.gap <= 1e-2 and tight.gap <= 1e-7
    assert tight.objective <= loose.objective * (1 + 1e-8)


def test_ties_and_separable_data_are_welcome():
    X = np.array([[1, 1], [1, 1], [-1, 1], [-2, 2], [0, 0], [0, 1]], dtype=float)
    y = np.array([1, 1, -1, -1, 1, 1.0])
    problem = hc.TrainingProblem(X, y, 1e-3, "logistic")
    solution = hc.train(problem)
    assert solution.gap < 1e-6
    assert solution.objective == pytest.approx(
        hc.train(problem, solver="cvxpy").objective, rel=1e-6
    )


@pytest.mark.parametrize(("n", "d"), [(40, 2), (12, 3)])
def test_every_certificate_is_below_the_optimum(n, d):
    problem = labelled(n, d, 0.1)
    optimum = hc.train(problem).objective
    for seed in range(10):
        network = random_network(problem, 4, seed)
        for rounds in (0, 1):
            certificate = hc.certify(network, problem, rounds)
            assert certificate.lower_bound <= optimum * (1 + 1e-9)
            assert certificate.objective >= optimum
    assert hc.certify(hc.train(problem).network, problem).gap < 1e-6


def test_half_of_beta_max_is_where_the_zero_network_becomes_optimal():
    X, y = labelled(30, 2, 0.1).X, labelled(30, 2, 0.1).y
    half = hc.beta_max(X, y) / 2
    problem = hc.TrainingProblem(X, y, 1.0, "logistic")
    zero, first = hc.train_path(problem, [1.001 * half, 0.9 * half])
    assert len(zero.network) == 0 and zero.objective == pytest.approx(30 * np.log(2))
    assert len(first.network) > 0 and first.objective < zero.objective


def test_many_samples_and_no_proof():
    problem = labelled(6_000, 3, 0.2)
    solution = hc.train(problem, tol=1e-4, proof=False)
    assert solution.scope == "searched" and solution.gap < 1e-4
    assert hc.train(problem, tol=1e-4).lower_bound <= solution.objective * (1 + 1e-9)


@pytest.mark.slow
def test_adam_minimises_the_same_objective():
    problem = labelled(40, 2, 0.1)
    optimum = hc.train(problem).objective
    runs = descent.adam(problem, neurons=20, seeds=range(2), steps=2_000)
    for run in runs:
        assert run.objective == pytest.approx(run.history[-1].objective, rel=1e-9)
        assert optimum <= run.objective < 1.05 * optimum


@pytest.mark.parametrize("y", [[0.0, 1.0], [1.0, 2.0], [[1.0], [-1.0]]])
def test_other_labels_are_refused(y):
    with pytest.raises(ValueError, match="y must be a vector of labels -1 and 1"):
        hc.TrainingProblem(np.ones((2, 1)), y, 1.0, "logistic")


@pytest.mark.parametrize("loss", ["absolute", None, 3, ["squared"]])
def test_other_losses_are_refused(loss):
    with pytest.raises(ValueError, match="loss must be"):
        hc.TrainingProblem(np.ones((2, 1)), np.ones(2), 1.0, loss)
