"""Networks with a slope, patches, skip and intercept: outputs, pooled rows, passes, PyTorch."""

import numpy as np
import pytest

from hidden_convexity import ReLUNetwork, TrainingProblem
from hidden_convexity.problem.free_terms import FreeTerms
from hidden_convexity.problem.pooling import Pooling
from hidden_convexity.problem.restricted.passes import Passes, PooledPasses

RNG = np.random.default_rng(0)


def phi(t, slope):
    return np.where(t > 0, t, slope * t)


def patches(n=6, K=5, d=3):
    """Integer patches, of which many are equal and some are zero."""
    X = RNG.integers(-1, 2, size=(n, K, d)).astype(float)
    X[0, 0] = 0.0
    return X


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0])
def test_outputs_are_averages_over_patches(slope):
    X, W, a = patches(), RNG.normal(size=(4, 3)), RNG.normal(size=4)
    skip = RNG.normal(size=3)
    network = ReLUNetwork(W, a, slope, skip=skip, intercept=0.5)
    expected = [phi(x @ W.T, slope).mean(axis=0) @ a + x.mean(axis=0) @ skip + 0.5 for x in X]
    np.testing.assert_allclose(network(X), expected, atol=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0])
@pytest.mark.parametrize("with_patches", [False, True])
def test_the_dual_function_is_one_of_relu_neurons_on_signed_rows(slope, with_patches):
    X = patches() if with_patches else RNG.normal(size=(6, 3))
    pooling, nu = Pooling.of(X, slope), RNG.normal(size=6)
    for u in RNG.normal(size=(20, 3)):
        direct = nu @ ReLUNetwork(u[None], [1.0], slope)(X)
        signed = pooling.signed(nu) @ np.maximum(pooling.signed_rows @ u, 0.0)
        assert abs(direct - signed) < 1e-12


def test_equal_patches_are_one_row_and_zero_ones_none():
    pooling = Pooling.of(patches(), 0.0)
    assert len(np.unique(pooling.rows, axis=0)) == len(pooling.rows) <= 26
    assert pooling.rows.any(axis=1).all()


@pytest.mark.parametrize("slope", [0.0, 0.3, -1.0])
def test_pooled_passes_agree_with_features_written_out(slope):
    X, nu = patches(), RNG.normal(size=6)
    passes = PooledPasses(Pooling.of(X, slope))
    directions, columns = RNG.normal(size=(3, 3)), RNG.normal(size=(5, 3))
    owner, curvature = np.array([0, 0, 1, 2, 2]), RNG.uniform(size=6)
    slopes = np.where(X @ directions.T > 0, 1.0, slope)
    F = (slopes[..., owner] * (X @ columns.T)).mean(axis=1)
    for _ in range(2):  # the second time from what is kept
        args = directions, columns, owner
        np.testing.assert_allclose(passes.correlate(nu, *args), nu @ F, atol=1e-12)
        np.testing.assert_allclose(passes.gram(*args), F.T @ F, atol=1e-12)
        weighted = F.T @ (curvature[:, None] * F)
        np.testing.assert_allclose(passes.gram(*args, curvature), weighted, atol=1e-12)
    network = ReLUNetwork(columns, [1.0, -1.0, 1.0, 1.0, -1.0], slope)
    predicted = passes.predict(columns, network.output_weights)
    np.testing.assert_allclose(predicted, network(X), atol=1e-12)


def test_pooled_passes_without_patches_or_slope_are_the_plain_ones():
    X, nu = RNG.normal(size=(8, 3)), RNG.normal(size=8)
    plain, pooled = Passes(X), PooledPasses(Pooling.of(X, 0.0))
    args = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3)), np.arange(2)
    np.testing.assert_allclose(pooled.gram(*args), plain.gram(*args), atol=1e-12)
    np.testing.assert_allclose(pooled.correlate(nu, *args), plain.correlate(nu, *args), atol=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0])
def test_balance_and_prune_keep_outputs_on_patches(slope):
    X = patches()
    network = ReLUNetwork(
        RNG.normal(size=(12, 3)), RNG.normal(size=12), slope, np.ones(3), intercept=-1.0
    )
    problem = TrainingProblem(X, RNG.normal(size=6), 0.1, slope=slope, skip=True, intercept=True)
    for smaller in (network.balance(), network.prune(X)):
        np.testing.assert_allclose(smaller(X), network(X), atol=1e-9)
        assert problem.objective(smaller) <= problem.objective(network) + 1e-9
    assert len(network.prune(X)) <= 6


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_free_terms_are_fitted_and_leave_a_balanced_residual(loss):
    X, f = RNG.normal(size=(30, 2)), RNG.normal(size=30)
    y = np.where(RNG.uniform(size=30) < 0.5, -1.0, 1.0)
    problem = TrainingProblem(X, y, 1.0, loss, skip=True, intercept=True)
    terms = problem.free_terms
    along = terms.fit(problem, f)
    outputs = f + terms.basis @ along
    assert np.abs(terms.columns.T @ problem.loss_residual(outputs)).max() < 1e-8
    by_columns = f + terms.columns @ terms.coefficients(along)
    np.testing.assert_allclose(by_columns, outputs, atol=1e-12)
    best = problem.loss_value(outputs)
    for step in 1e-3 * RNG.normal(size=(20, 3)):
        assert problem.loss_value(outputs + terms.columns @ step) >= best


def test_balancing_keeps_logistic_residuals_probabilities():
    X, y = RNG.normal(size=(30, 2)), np.where(RNG.uniform(size=30) < 0.5, -1.0, 1.0)
    problem = TrainingProblem(X, y, 1.0, "logistic", intercept=True)
    f = 30.0 * RNG.normal(size=30)  # some probabilities are 1e-20
    f = f + problem.free_terms.basis @ problem.free_terms.fit(problem, f) + 1e-6
    nu = problem.free_terms.balance(problem.loss_residual(f), problem.loss_curvature(f))
    assert abs(nu.sum()) < 1e-14 * np.abs(nu).sum() + 1e-15
    assert (nu * y).min() >= 0 and (nu * y).max() <= 1


def test_dependent_free_columns_are_one():
    columns = np.column_stack([np.ones(5), np.arange(5.0), 2 + 3 * np.arange(5.0), np.zeros(5)])
    assert len(FreeTerms(columns)) == 2


def test_problem_refuses_networks_it_does_not_speak_of():
    X, y = patches(), RNG.normal(size=6)
    problem = TrainingProblem(X, y, 0.1, slope=0.2)
    for other in [
        ReLUNetwork(np.ones((1, 3)), [1.0]),
        ReLUNetwork(np.ones((1, 3)), [1.0], 0.2, skip=np.ones(3)),
        ReLUNetwork(np.ones((1, 3)), [1.0], 0.2, intercept=1.0),
    ]:
        with pytest.raises(ValueError, match=r"slope|skip|intercept"):
            problem.objective(other)


@pytest.mark.parametrize("slope", [1.0, 2.0, np.nan, np.inf, -np.inf, -1e7])
def test_slope_must_be_below_one(slope):
    with pytest.raises(ValueError, match="slope must be finite and < 1"):
        TrainingProblem(patches(), np.ones(6), 0.1, slope=slope)
    with pytest.raises(ValueError, match="slope must be finite and < 1"):
        ReLUNetwork(np.ones((1, 3)), [1.0], slope)


# PyTorch


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("outputs", [1, 3])
def test_convolutions_from_torch_and_back(slope, outputs):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    act = nn.ReLU() if slope == 0 else nn.LeakyReLU(slope)
    pool, flat = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    module = nn.Sequential(nn.Conv2d(2, 4, 2), act, pool, flat, nn.Linear(4, outputs)).double()
    images = torch.randn(5, 2, 4, 6, dtype=torch.float64)
    X = torch.nn.functional.unfold(images, 2).transpose(1, 2).numpy()
    with torch.no_grad():
        expected = module(images).numpy().reshape((5,) if outputs == 1 else (5, outputs))
    network = ReLUNetwork.from_torch(module)
    ones = np.ones((*X.shape[:2], 1))
    np.testing.assert_allclose(network(np.concatenate([X, ones], axis=2)), expected, atol=1e-12)

    without_bias = ReLUNetwork(
        network.hidden_weights[:, :-1], network.output_weights, slope, intercept=network.intercept
    )
    again = without_bias.to_torch(kernel=(2, 2, 2))
    with torch.no_grad():
        back = again(images).numpy().reshape(expected.shape)
    np.testing.assert_allclose(back, without_bias(X), atol=1e-12)


def test_one_dimensional_convolution_and_output_bias():
    torch = pytest.importorskip("torch")
    network = ReLUNetwork(RNG.normal(size=(3, 4)), RNG.normal(size=3), -1.0, intercept=2.0)
    signals = RNG.normal(size=(5, 1, 9))
    X = np.lib.stride_tricks.sliding_window_view(signals[:, 0], 4, axis=1)
    module = network.to_torch(kernel=(1, 4))
    with torch.no_grad():
        outputs = module(torch.tensor(signals)).numpy()[:, 0]
    np.testing.assert_allclose(outputs, network(X), atol=1e-12)
    again = ReLUNetwork.from_torch(module)
    np.testing.assert_array_equal(again.hidden_weights, network.hidden_weights)
    assert again.slope == -1.0 and again.intercept == 2.0


def test_torch_forms_that_are_refused_say_which_are_taken():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    tail = [nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(3, 1)]
    for first in [nn.Conv1d(1, 3, 2, padding=1), nn.Conv1d(1, 3, 2, dilation=2)]:
        with pytest.raises(ValueError, match="no padding, groups or dilation"):
            ReLUNetwork.from_torch(nn.Sequential(first, *tail))
    tail[1] = nn.AdaptiveAvgPool1d(2)
    with pytest.raises(ValueError, match="pooling must average over all positions"):
        ReLUNetwork.from_torch(nn.Sequential(nn.Conv1d(1, 3, 2), *tail))
    with pytest.raises(ValueError, match="Conv1d or Conv2d"):
        ReLUNetwork.from_torch(nn.Sequential(nn.Conv1d(1, 3, 2), nn.ReLU()))
    skipping = ReLUNetwork(np.ones((1, 2)), [1.0], skip=np.ones(2))
    with pytest.raises(ValueError, match="no skip connection"):
        skipping.to_torch()
    with pytest.raises(ValueError, match="kernel must be"):
        ReLUNetwork(np.ones((1, 2)), [1.0]).to_torch(kernel=(1, 3))
