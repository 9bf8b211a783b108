"""The training problem: its value, the threshold beta_max, and the dual bound of any vector."""

import numpy as np
import pytest

from hidden_convexity.problem.gap import relative_gap
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.beta_max import beta_max
from hidden_convexity.proof.certificate import certify
from hidden_convexity.solvers import train


def problem(n=6, d=3, beta=0.2, seed=0):
    rng = np.random.default_rng(seed)
    return TrainingProblem(rng.normal(size=(n, d)), rng.normal(size=n), beta)


def largest_correlation(X, nu, directions=200_000):
    """M(nu) by brute force, from below."""
    U = np.random.default_rng(0).normal(size=(X.shape[1], directions))
    U /= np.linalg.norm(U, axis=0)
    return np.abs(nu @ np.maximum(X @ U, 0)).max()


def test_objective_is_half_the_squared_error_plus_half_beta_times_the_squared_weights():
    one = TrainingProblem([[1.0, 2.0], [3.0, -4.0]], [1.0, 1.0], 0.5)
    network = ReLUNetwork([[1.0, 1.0], [0.0, -1.0]], [2.0, -1.0])
    # Outputs: 2 * 3 - 0 = 6 and 0 - 4 = -4; weights: 2 + 1 + 4 + 1 = 8.
    assert one.objective(network) == 0.5 * (5**2 + 5**2) + 0.25 * 8


def test_objective_of_vector_outputs_adds_over_outputs():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    W, A = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    outputs = sum(0.5 * np.sum((np.maximum(X @ W.T, 0) @ A[:, k] - Y[:, k]) ** 2) for k in range(3))
    expected = outputs + 0.05 * (np.sum(W**2) + np.sum(A**2))
    assert TrainingProblem(X, Y, 0.1).objective(ReLUNetwork(W, A)) == pytest.approx(expected)


def test_no_neurons_cost_half_the_squared_targets():
    one = problem()
    empty = ReLUNetwork(np.zeros((0, 3)), np.zeros(0))
    assert one.objective(empty) == pytest.approx(0.5 * one.y @ one.y)


def test_arguments_become_float_arrays_that_nobody_can_change():
    X, y = np.array([[1, 2], [3, 4]]), [1, 0]
    one = TrainingProblem(X, y, 1)
    assert one.X.dtype == one.y.dtype == np.float64
    X[:] = 0
    assert one.X[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        one.X[0, 0] = 5
    with pytest.raises(AttributeError):
        one.beta = 2.0


def test_weight_decay_may_come_out_of_an_array():
    one = TrainingProblem([[1.0]], [1.0], np.array(0.5))
    assert one.beta == 0.5 and type(one.beta) is float


def test_problem_prints_as_one_line():
    assert repr(problem()) == "TrainingProblem(n=6, d=3, beta=0.2)"


def test_objective_refuses_a_network_of_other_shape():
    with pytest.raises(ValueError):
        problem(d=3).objective(ReLUNetwork(np.ones((2, 4)), np.ones(2)))
    with pytest.raises(ValueError):
        problem().objective(ReLUNetwork(np.ones((2, 3)), np.ones((2, 2))))


@pytest.mark.parametrize("network", [3, None, "network"], ids=repr)
def test_objective_refuses_what_is_no_network(network):
    with pytest.raises(TypeError, match="network must be a ReLUNetwork"):
        problem().objective(network)


@pytest.mark.parametrize("seed", range(5))
def test_dual_bound_of_any_vector_is_below_the_objective_of_any_network(seed):
    one = problem(seed=seed)
    rng = np.random.default_rng(100 + seed)
    # 2 % more than the best of 200,000 directions is above M(nu) in three dimensions.
    for nu in (one.y, rng.normal(size=6), one.y + 0.3 * rng.normal(size=6)):
        bound = one.dual_bound(nu, 1.02 * largest_correlation(one.X, nu))
        assert 0 <= bound <= 0.5 * one.y @ one.y
        for _ in range(20):
            m = rng.integers(1, 10)
            scale = 10 ** rng.uniform(-2, 0.5)
            network = ReLUNetwork(scale * rng.normal(size=(m, 3)), scale * rng.normal(size=m))
            assert bound <= one.objective(network)


def test_dual_bound_takes_the_best_feasible_scaling():
    one = problem()
    nu, maximum = one.y + 0.1, 3.0
    scales = np.linspace(0, one.beta / maximum, 10_001)
    brute_force = max(s * nu @ one.y - 0.5 * s**2 * nu @ nu for s in scales)
    assert one.dual_bound(nu, maximum) == pytest.approx(brute_force, rel=1e-6)


def test_dual_bound_of_a_vector_that_cannot_help_is_zero():
    one = problem()
    assert one.dual_bound(np.zeros(6), 0.0) == 0
    assert one.dual_bound(-one.y, 1.0) == 0


def test_without_a_proof_the_dual_bound_is_zero():
    one = problem()
    assert one.dual_bound(one.y, np.inf) == 0
    assert one.dual_bound(1e200 * one.y, 1e200 * one.beta) == 0


def test_a_dual_point_may_be_a_list():
    one = problem()
    assert one.dual_value(one.y.tolist()) == one.dual_value(one.y)
    assert one.dual_bound(one.y.tolist(), np.array(3.0)) == one.dual_bound(one.y, 3)


def test_dual_bound_of_the_targets_is_tight_where_they_are_feasible():
    one = problem()
    assert one.dual_bound(one.y, one.beta) == pytest.approx(0.5 * one.y @ one.y)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_beta_max_is_the_largest_correlation_of_the_targets(d):
    one = problem(d=d)
    brute_force = largest_correlation(one.X, one.y)
    exact = beta_max(one.X, one.y)
    assert brute_force <= exact * (1 + 1e-12)
    assert exact <= brute_force * (1 + 1e-3)


def test_beta_max_of_one_sample_is_known_by_hand():
    assert beta_max([[3.0, 4.0]], [-2.0]) == pytest.approx(2 * 5)


def test_beta_max_out_of_reach_says_how_to_go_on():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"rank 12: .*; use the lower bound \d.* by search"):
        beta_max(rng.normal(size=(100, 12)), rng.normal(size=100))


def test_beta_max_scales_with_the_data_and_the_targets():
    one = problem()
    assert beta_max(2 * one.X, -3 * one.y) == pytest.approx(6 * beta_max(one.X, one.y))


def test_relative_gap():
    assert relative_gap(2.0, 1.0) == 0.5
    assert relative_gap(0.0, 0.0) == 0
    assert relative_gap(np.inf, 1.0) == 1
    assert relative_gap(1.0, 1.0 + 1e-15) == 0


# Numbers whose squares leave the range of floats. A zero network was once "certified" there.


def rescaled(X=1.0, y=1.0, beta=1.0):
    """The same problem in other units."""
    one = problem()
    return X * one.X, y * one.y, beta * one.beta


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e-80, 1e80, 1e155, 1e160])
@pytest.mark.parametrize("name", ["X", "y"])
def test_data_whose_squares_overflow_or_vanish_are_refused(name, scale):
    X, y, beta = rescaled(**{name: scale})
    with pytest.raises(ValueError, match=rf"^{name} must .* rescale"):
        TrainingProblem(X, y, beta)
    with pytest.raises(ValueError, match=rf"^{name} must .* rescale"):
        beta_max(X, y)


@pytest.mark.parametrize("beta", [5e-324, 1e-151, 1e151, 1e300])
def test_a_weight_decay_whose_products_overflow_or_vanish_is_refused(beta):
    with pytest.raises(ValueError, match=r"^beta must .* rescale"):
        TrainingProblem([[1.0]], [1.0], beta)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize(("x", "y"), [(1e-74, 1e74), (1e74, 1e-74), (1e74, 1e74), (1e-74, 1e-74)])
def test_up_to_the_limits_training_and_certificates_do_not_depend_on_units(d, x, y):
    one, beta = problem(n=8, d=d), 0.1 * beta_max(problem(n=8, d=d).X, problem(n=8, d=d).y)
    plain = train(TrainingProblem(one.X, one.y, beta))
    extreme = TrainingProblem(x * one.X, y * one.y, x * y * beta)
    solution = train(extreme)
    assert solution.gap <= 1e-6 and solution.scope == "global"
    assert solution.objective / y / y == pytest.approx(plain.objective, rel=2e-6)
    assert certify(solution.network, extreme).gap < 1e-5
    assert beta_max(extreme.X, extreme.y) / x / y == pytest.approx(beta_max(one.X, one.y))


def test_a_skip_column_whose_weights_would_overflow_is_refused():
    """They became NaN, and it was the network of the solution that was said to have them."""
    X = [[1.0, 1e-310], [2.0, -1e-310], [0.0, 1e-310]]
    with pytest.raises(ValueError, match="for a skip term"):
        train(TrainingProblem(X, [1.0, 2.0, -1.0], 0.1, skip=True))
    X = [[1.0, 1e-199], [2.0, -1e-199], [0.0, 1e-199]]
    assert train(TrainingProblem(X, [1.0, 2.0, -1.0], 0.1, skip=True)).scope == "global"


def test_zero_targets_and_zero_samples_are_of_moderate_size():
    assert beta_max(np.ones((3, 2)), np.zeros(3)) == 0
    assert beta_max(np.zeros((3, 2)), np.ones(3)) == 0


def test_a_logistic_loss_of_infinite_outputs_is_infinite():
    """Fault: no number and a warning, where a trial step of the training had overflowed."""
    problem = TrainingProblem(np.eye(2), np.array([1.0, -1.0]), 0.1, loss="logistic")
    with np.errstate(all="raise"):
        assert problem.loss_value(np.array([-np.inf, 0.0])) == np.inf


def test_a_network_whose_objective_overflows_is_not_certified():
    with pytest.raises(ValueError, match=r"^network must have a finite objective"):
        certify(ReLUNetwork([[1e200, 0.0, 0.0]], [1e200]), problem())
