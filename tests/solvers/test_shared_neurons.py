"""Training and certificates of several outputs whose neurons feed all of them."""

import numpy as np
import pytest
from conftest import gaussian
from scipy.optimize import minimize
from threadpoolctl import threadpool_info, threadpool_limits

import hidden_convexity as hc
from hidden_convexity.equivalences import gated_relu_vector, relu_vector
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.oracle.several_outputs import VectorBranchAndBound
from hidden_convexity.problem.restricted.neurons import SharedNeuron
from hidden_convexity.problem.restricted.piece import Piece
from hidden_convexity.problem.restricted.shared import SharedProgram


def instance(loss="squared", n=30, d=3, c=3, share=0.1, seed=0):
    """Data with a column of ones, smooth targets, and a share of beta_max."""
    X = np.column_stack([gaussian(n, d - 1, seed=seed), np.ones(n)])
    y = np.sin(2 * X @ gaussian(d, c, seed=seed + 1)) + 0.3 * gaussian(n, c, seed=seed + 2)
    if loss == "softmax":
        y = np.eye(c)[y.argmax(axis=1)]
    return hc.TrainingProblem(X, y, share * hc.beta_max(X, y, loss), loss)


def with_beta(problem, beta):
    return hc.TrainingProblem(problem.X, problem.y, beta, problem.loss)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
@pytest.mark.parametrize("d, c, share", [(2, 2, 0.3), (3, 3, 0.05), (4, 2, 0.1)])
def test_training_ends_at_a_proven_optimum(loss, d, c, share):
    problem = instance(loss, d=d, c=c, share=share)
    solution = hc.train(problem, tol=1e-6)
    assert solution.scope == "global"
    assert solution.gap <= 1e-6
    assert solution.objective == problem.objective(solution.network)
    M = VectorBranchAndBound(problem.X)(solution.dual_point, tolerance=1e-6)
    assert M.value <= problem.beta * (1 + 1e-9)
    assert problem.dual_value(solution.dual_point) == pytest.approx(solution.lower_bound, rel=1e-9)


def blas_threads():
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_no_thread_of_blas_waits_for_another(monkeypatch):
    """On a busy machine ten classes of digits did not end in twice the time of one thread."""
    problem, seen, outputs = instance(d=2), set(), SharedProgram.outputs

    def watched(program, neurons):
        seen.update(blas_threads())
        return outputs(program, neurons)

    monkeypatch.setattr(SharedProgram, "outputs", watched)
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        hc.train(problem, tol=1e-3)
        assert blas_threads() == before
    assert seen == {1}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_value_is_that_of_the_semidefinite_program(seed):
    """In the plane the exact program of several outputs is one of matrices of size 2 + c."""
    X, y = gaussian(5, 2, seed=seed), gaussian(5, 2, seed=seed + 5)
    problem = hc.TrainingProblem(X, y, 0.4)
    exact = relu_vector.convex_program(X, y, 0.4)
    exact.solve()
    solution = hc.train(problem, tol=1e-7)
    assert solution.objective == pytest.approx(exact.value, rel=1e-6, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
def test_neurons_of_one_output_each_are_never_better(loss):
    problem = instance(loss, n=15)
    shared = hc.train(problem, tol=1e-6)
    apart = hc.train(problem, patterns=hc.Arrangement.enumerate(problem.X))
    assert shared.objective <= apart.objective * (1 + 1e-6)
    assert shared.lower_bound <= apart.objective


@pytest.mark.slow
def test_the_gated_relaxation_bounds_neurons_that_feed_all_outputs():
    """Over all chambers it is below the optimum of all ReLU networks; and so are the few of some.

    The gates of the optimal network's own chambers are enough to bound it.
    """
    problem = instance(n=12)
    X, y, beta = problem.X, problem.y, problem.beta
    relu = hc.train(problem, tol=1e-6)
    complete = hc.Arrangement.enumerate(X)
    gated = gated_relu_vector.train(X, y, beta, tol=1e-5, patterns=complete)
    assert gated.gap <= 1e-5 and gated.scope == "sampled"
    assert gated.lower_bound <= relu.objective
    # Neurons on walls are in the closed chamber of any direction nearby.
    W = relu.network.hidden_weights
    own = hc.Arrangement.from_gates(X, (W + 1e-6 * gaussian(*W.shape, seed=7)).T)
    some = gated_relu_vector.train(X, y, beta, tol=1e-5, patterns=own)
    assert gated.lower_bound <= some.objective
    assert some.lower_bound <= relu.objective
    with pytest.raises(ValueError, match="patterns"):
        gated_relu_vector.train(X[:-1], y[:-1], beta, patterns=complete)
    with pytest.raises(TypeError, match="patterns"):
        gated_relu_vector.train(X, y, beta, patterns="all")


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 3])
def test_one_column_is_a_vector(d):
    problem = instance(d=d, c=1)
    vector = hc.TrainingProblem(problem.X, problem.y[:, 0], problem.beta)
    assert hc.beta_max(vector.X, vector.y) == pytest.approx(10 * problem.beta, rel=1e-6)
    one, several = hc.train(vector, tol=1e-7), hc.train(problem, tol=1e-7)
    assert several.objective == pytest.approx(one.objective, rel=2e-7)
    assert several.network(problem.X).shape == problem.y.shape


@pytest.mark.slow
def test_two_classes_are_the_logistic_loss_at_a_larger_beta():
    """Softmax sees the margin f_1 - f_2 only, and is the logistic loss of it.

    A neuron of output weights a contributes a_1 - a_2 to the margin, |a_1 - a_2| <= sqrt(2) ||a||
    with equality for a_2 = -a_1: the margin's weight t costs |t| / sqrt(2). So the softmax loss at
    sqrt(2) beta has the value of the logistic loss at beta.
    """
    problem = instance("softmax", c=2)
    labels = problem.y[:, 0] - problem.y[:, 1]
    beta = problem.beta / np.sqrt(2)
    logistic = hc.TrainingProblem(problem.X, labels, beta, "logistic")
    assert hc.beta_max(problem.X, labels, "logistic") == pytest.approx(10 * beta, rel=1e-6)
    two, one = hc.train(problem, tol=1e-7), hc.train(logistic, tol=1e-7)
    assert two.objective == pytest.approx(one.objective, rel=2e-7)
    margins = two.network(problem.X) @ [1.0, -1.0]
    assert margins == pytest.approx(one.network(problem.X), abs=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
def test_no_descent_ends_below_the_bound(loss):
    problem = instance(loss, n=20)
    bound = hc.train(problem, tol=1e-6).lower_bound
    rng = np.random.default_rng(0)

    def objective(flat):
        W, a = flat[:24].reshape(8, 3), flat[24:].reshape(8, 3)
        pre = problem.X @ W.T
        residual = problem.loss_residual(np.maximum(pre, 0) @ a)
        down = problem.beta * flat
        down[:24] -= (((residual @ a.T) * (pre > 0)).T @ problem.X).ravel()
        down[24:] -= (np.maximum(pre, 0).T @ residual).ravel()
        return problem.objective(hc.ReLUNetwork(W, a)), down

    for _ in range(20):
        found = minimize(objective, rng.normal(size=48), jac=True, method="L-BFGS-B")
        assert found.fun >= bound * (1 - 1e-12)


@pytest.mark.slow
def test_outputs_may_be_permuted_and_for_the_squared_loss_rotated():
    problem = instance(n=20)
    solution = hc.train(problem, tol=1e-6)
    turned = np.linalg.qr(gaussian(3, 3, seed=4))[0]
    for y in (problem.y[:, [2, 0, 1]], problem.y @ turned):
        other = hc.train(hc.TrainingProblem(problem.X, y, problem.beta), tol=1e-6)
        assert other.objective == pytest.approx(solution.objective, rel=2e-6)
        assert other.gap <= 1e-6
    network = solution.network
    rotated = hc.ReLUNetwork(network.hidden_weights, network.output_weights @ turned)
    there = hc.TrainingProblem(problem.X, problem.y @ turned, problem.beta)
    assert hc.certify(rotated, there, rounds=0).gap == pytest.approx(
        hc.certify(network, problem, rounds=0).gap, abs=1e-6
    )


def test_below_the_threshold_neurons_enter_and_above_none():
    for loss in ("squared", "softmax"):
        problem = instance(loss, n=15, share=1.0)
        assert len(hc.train(with_beta(problem, 1.0001 * problem.beta)).network) == 0
        assert len(hc.train(with_beta(problem, 0.99 * problem.beta), tol=1e-4).network) > 0


@pytest.mark.slow
def test_paths_meet_single_runs():
    problem = instance(share=0.2)
    betas = [problem.beta, 2 * problem.beta]
    for beta, solution in zip(betas, hc.train_path(problem, betas, tol=1e-5), strict=True):
        alone = hc.train(with_beta(problem, beta), tol=1e-5)
        assert solution.gap <= 1e-5
        assert solution.objective == pytest.approx(alone.objective, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
def test_a_certificate_of_any_network_bounds_the_optimum(loss):
    problem = instance(loss, n=20)
    optimum = hc.train(problem, tol=1e-5)
    random = hc.ReLUNetwork(gaussian(6, 3, seed=3), gaussian(6, 3, seed=4))
    bounds = [hc.certify(random, problem, rounds=rounds).lower_bound for rounds in (0, 1, 3)]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= optimum.objective
    assert bounds[-1] >= 0.9 * optimum.objective
    certificate = hc.certify(optimum.network, problem)
    assert certificate.scope == "global"
    assert certificate.gap <= 1e-4
    assert hc.certify(optimum.network, problem, proof=False).scope == "searched"


@pytest.mark.parametrize("slope", [0.2, -1.0])
def test_networks_with_a_slope(slope):
    X, y = gaussian(12, 2), gaussian(12, 2, seed=1)
    beta = 0.2 * hc.beta_max(X, y, slope=slope)
    solution = hc.train(hc.TrainingProblem(X, y, beta, slope=slope), tol=1e-5)
    assert solution.network.slope == slope
    assert solution.gap <= 1e-5


@pytest.mark.slow
def test_equal_patches_are_one_sample():
    X, y = gaussian(15, 3), gaussian(15, 2, seed=1)
    plain = hc.train(hc.TrainingProblem(X, y, 0.5), tol=1e-6)
    patches = np.repeat(X[:, None, :], 4, axis=1)
    assert hc.train(hc.TrainingProblem(patches, y, 0.5), tol=1e-6).objective == pytest.approx(
        plain.objective, rel=2e-6
    )


@pytest.mark.slow
def test_ties_zero_rows_and_dependent_columns():
    rng = np.random.default_rng(0)
    X = rng.integers(-2, 3, size=(40, 3)).astype(float)
    X[0], X[1], X[2] = 0.0, X[3], -X[4]
    y = rng.integers(-2, 3, size=(40, 2)).astype(float)
    for data in (X, np.column_stack([X, X @ [1.0, 1.0, 0.0]])):
        beta = 0.1 * hc.beta_max(data, y)
        assert hc.train(hc.TrainingProblem(data, y, beta), tol=1e-5).gap <= 1e-5


def test_a_search_says_that_it_is_one():
    solution = hc.train(instance(n=20), tol=1e-3, proof=False)
    assert solution.scope == "searched"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.01, 0.1])
def test_a_budget_that_ends_leaves_a_valid_bound(seconds):
    problem = instance(n=60, share=0.02)
    early = hc.train(problem, tol=1e-9, max_seconds=seconds)
    assert early.out_of_time
    assert early.lower_bound <= hc.train(problem, tol=1e-3).objective
    assert early.objective == problem.objective(early.network)


def test_an_interrupted_training_has_the_best_network_and_a_valid_bound(monkeypatch):
    """Ctrl-C in the middle of Newton's steps, of any round."""
    problem = instance(n=30)
    known, steps, calls = hc.train(problem, tol=1e-4), SharedProgram.solve, []

    def interrupted(self, neurons):
        calls.append(len(neurons))
        if len(calls) == stop:
            raise KeyboardInterrupt
        return steps(self, neurons)

    monkeypatch.setattr(SharedProgram, "solve", interrupted)
    for stop in (1, 3):
        calls.clear()
        early = hc.train(problem, tol=1e-4)
        assert early.interrupted and not early.out_of_time
        assert early.objective == problem.objective(early.network)
        assert early.lower_bound <= known.objective <= early.objective * (1 + 1e-4)
        assert (len(early.network) > 0) == (stop > 1)


def test_what_is_not_there_is_refused_by_name():
    wide = hc.TrainingProblem(gaussian(20, 9), gaussian(20, 2), 0.1)
    with pytest.raises(ValueError, match=r"rank 9.*proof=False"):
        hc.train(wide)


@pytest.mark.parametrize("loss", ["squared", "softmax"])
def test_pieces_of_the_program_have_the_derivatives_of_P(loss):
    problem = instance(loss, n=12)
    program = HiddenLayer.of(problem, proof=True).program(problem)
    bases = [np.eye(3), np.linalg.qr(gaussian(3, 2, seed=5))[0].T, None]
    neurons = []
    for k, basis in enumerate(bases):
        inner = gaussian(3 if basis is None else len(basis), seed=k)
        u = inner if basis is None else basis.T @ inner
        u = u / np.linalg.norm(u)
        basis = u[None, :] if basis is None else basis
        neurons.append(SharedNeuron(u, basis, 2.0 * basis @ u, gaussian(3, seed=k + 9)))
    piece = Piece(program, neurons)
    assert piece.height == pytest.approx(program.objective(neurons), rel=1e-12)
    gradient, hessian, step = piece.gradient(), piece.hessian(), 1e-5
    for axis in step * np.eye(len(gradient)):
        up, down = piece.change(piece.start + axis), piece.change(piece.start - axis)
        assert (up - down) / (2 * step) == pytest.approx(gradient[axis > 0][0], rel=1e-4, abs=1e-5)
    for seed in range(10):
        direction = gaussian(len(gradient), seed=seed)
        both = sum(piece.change(piece.start + s * 1e-3 * direction) for s in (1.0, -1.0))
        assert both / 1e-6 == pytest.approx(direction @ hessian @ direction, rel=1e-3)
