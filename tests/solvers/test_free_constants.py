"""Gated networks with a free constant of the outputs: the optimum, its bounds, and its edges."""

import numpy as np
import pytest
from gated_program import optimum

import hidden_convexity as hc
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.problem.losses import LOSSES
from hidden_convexity.solvers.fixed_gates import gradient
from hidden_convexity.solvers.fixed_gates.constants import FreeConstants
from hidden_convexity.solvers.fixed_gates.gated import (
    cone_decomposition,
    gated_beta_max,
    train_gated,
    train_gated_path,
)
from hidden_convexity.solvers.fixed_gates.program import GatedProgram, group_norms

torch = pytest.importorskip("torch")
# Programs to solve: loss and number of outputs, 0 for targets (n,).
KINDS = [("squared", 0), ("squared", 3), ("logistic", 0), ("softmax", 3)]


def instance(kind, n=30, d=3, P=12, seed=0):
    """X, targets of a kind that are far from centred, and gates."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, d - 1)), np.ones(n)])
    clean = np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=n)
    targets = {
        ("squared", 0): clean + 10,
        ("squared", 3): np.column_stack([clean, clean**2 - 7, X[:, 0] + 100]),
        ("logistic", 0): np.where(clean > -0.5, 1.0, -1.0),
        ("softmax", 3): np.eye(3)[np.digitize(clean, [-1.0, 0.8])],
    }
    return X, targets[kind], rng.normal(size=(d, P))


@pytest.mark.parametrize("n", [30, 200])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_free_constant_is_part_of_the_program(kind, n):
    """n = 200 with few gates goes by the Gram matrix of the features, n = 30 by the kernel."""
    X, Y, gates = instance(kind, n=n, P=12 if n == 30 else 6)
    beta = 0.05 * gated_beta_max(X, Y, gates, kind[0], intercept=True)
    least = optimum(X, Y, gates, beta, kind[0], constant=True)
    for tol in (1e-1, 1e-6):
        solution = train_gated(X, Y, gates, beta, loss=kind[0], tol=tol, intercept=True)
        assert solution.gap <= tol
        assert all(0 <= step.lower_bound <= least * (1 + 1e-7) for step in solution.history)
    assert solution.objective == pytest.approx(least, rel=2e-6)
    fit = LOSSES[kind[0]]().value(Y, solution.predict(X))
    penalty = sum(np.linalg.norm(W) for W in solution.weights)
    assert solution.objective == pytest.approx(fit + beta * penalty, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_above_beta_max_the_outputs_are_the_mean_or_the_frequencies(kind):
    X, Y, gates = instance(kind)
    top = gated_beta_max(X, Y, gates, kind[0], intercept=True)
    none, some = (
        train_gated(X, Y, gates, s * top, loss=kind[0], intercept=True) for s in (1.001, 0.9)
    )
    assert len(none) == 0 and none.gap < 1e-9 and len(some) > 0
    outputs = none.predict(X)[0]
    if kind[0] == "squared":
        assert outputs == pytest.approx(Y.mean(axis=0), rel=1e-12)
    elif kind[0] == "logistic":
        assert 1 / (1 + np.exp(-outputs)) == pytest.approx((Y > 0).mean(), rel=1e-9)
    else:
        frequencies = np.exp(outputs) / np.exp(outputs).sum()
        assert frequencies == pytest.approx(Y.mean(axis=0), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_samples_that_are_weighted_or_repeated_have_one_optimum(kind):
    X, Y, gates = instance(kind)
    weights = np.random.default_rng(1).integers(0, 4, size=len(X)).astype(float)
    weights[0] = 7.0
    options = {"loss": kind[0], "tol": 1e-6, "intercept": True}
    top = gated_beta_max(X, Y, gates, kind[0], weights, intercept=True)
    weighted = train_gated(X, Y, gates, 0.1 * top, sample_weight=weights, **options)
    counts = weights.astype(int)
    repeated = train_gated(
        *(np.repeat(one, counts, axis=0) for one in (X, Y)), gates, 0.1 * top, **options
    )
    assert max(weighted.gap, repeated.gap) <= 1e-6
    assert weighted.objective == pytest.approx(repeated.objective, rel=2e-6)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_bound_holds_of_dual_points_that_are_far_from_balanced(kind):
    """Residuals of any outputs, whose sum is not 0: without its share a bound would be false."""
    X, Y, gates = instance(kind)
    beta = 0.05 * gated_beta_max(X, Y, gates, kind[0], intercept=True)
    least = optimum(X, Y, gates, beta, kind[0], constant=True)
    wide, loss = Y.reshape(len(X), -1), LOSSES[kind[0]]()
    program = GatedProgram(X, wide, gates, FreeConstants(loss, wide))
    masks, rng = program.masks(np.arange(gates.shape[1])), np.random.default_rng(0)
    best = train_gated(X, Y, gates, beta, loss=kind[0], tol=1e-8, intercept=True).predict(X)
    for size in (0.0, 1e-12, 1e-6, 1e-3, 1.0):
        moved = best.reshape(wide.shape) + size * rng.normal(size=(30, wide.shape[1]))
        nu = loss.residual(wide, moved + size)
        largest = group_norms(np, program.correlate(nu, masks)).max()
        assert program.bound(nu, largest, beta) <= least * (1 + 1e-7)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_pytorch_single_precision_and_paths(kind):
    X, Y, gates = instance(kind)
    top = gated_beta_max(X, Y, gates, kind[0], intercept=True)
    options = {"loss": kind[0], "intercept": True, "tol": 1e-3}
    path = train_gated_path(X, Y, gates, [0.3 * top, 0.1 * top], **options)
    single = [torch.tensor(one, dtype=torch.float32) for one in (X, Y, gates)]
    for beta, one in zip([0.3 * top, 0.1 * top], path, strict=True):
        alone, other = (
            train_gated(X, Y, gates, beta, **options),
            train_gated(*single, beta, **options),
        )
        assert one.gap <= 1e-3 and alone.objective == pytest.approx(one.objective, rel=1e-3)
        assert other.objective == pytest.approx(one.objective, rel=2e-3)


def test_a_cone_decomposition_keeps_the_constant():
    X, Y, gates = instance(("squared", 0))
    solution = train_gated(X, Y, gates, 0.5, intercept=True)
    assert cone_decomposition(solution, X)(X) == pytest.approx(solution.predict(X), abs=1e-6)


def test_a_budget_ends_the_path_early():
    X, Y, gates = instance(("softmax", 3), n=200)
    spent = train_gated(X, Y, gates, 0.01, loss="softmax", tol=1e-9, max_seconds=1e-9)
    assert spent.out_of_time and 0 <= spent.lower_bound <= spent.objective


def test_what_is_refused():
    X, Y, gates = instance(("softmax", 3))
    with pytest.raises(TypeError, match="intercept"):
        train_gated(X, Y, gates, 1.0, loss="softmax", intercept=np.ones(30))
    with pytest.raises(ValueError, match="every class"):
        empty = np.column_stack([Y, np.zeros(30)])
        train_gated(X, empty, gates, 1.0, loss="softmax", intercept=True)
    with pytest.raises(ValueError, match="max_seconds"):
        train_gated(X, Y, gates, 1.0, loss="softmax", max_seconds=-1.0)


@pytest.mark.parametrize("far", [1e6, 1e8])
@pytest.mark.parametrize("seed", range(5))
def test_samples_far_from_zero_are_trained_too(seed, far):
    """What rounding left of matrices had no factor, and its gap was called a contradiction."""
    rng = np.random.default_rng(seed)
    X, y, gates = far + rng.normal(size=(6, 2)), rng.normal(size=6), rng.normal(size=(2, 5))
    for decay in (1e-4, 1e-2, 1.0):
        beta = decay * gated_beta_max(X, y, gates, intercept=True)
        gated = train_gated(X, y, gates, beta, intercept=True)
        assert 0 <= gated.lower_bound <= gated.objective * (1 + 1e-9)
        problem = hc.TrainingProblem(X, y, beta, intercept=True)
        relu = hc.train(problem, patterns=hc.Arrangement.from_gates(X, gates), max_seconds=1)
        assert 0 <= relu.lower_bound <= relu.objective * (1 + 1e-9)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("far", [0.0, 1e6])
def test_no_weights_are_an_optimum_that_no_smaller_gap_than_rounding_spoils(far, intercept):
    """No gate is left to work on there, and once the program over none was called: no mean."""
    rng = np.random.default_rng(0)
    X, y, gates = far + rng.normal(size=(6, 2)), rng.normal(size=6), rng.normal(size=(2, 5))
    beta = 1.5 * gated_beta_max(X, y, gates, intercept=intercept)
    solution = train_gated(X, y, gates, beta, tol=1e-14, intercept=intercept)
    assert not solution.weights.any() and not solution.out_of_time
    constant = y.mean() if intercept else 0.0
    assert solution.objective == pytest.approx(0.5 * np.sum((y - constant) ** 2), rel=1e-12)
    assert 0 <= solution.gap < 1e-9


def test_constants_of_classes_do_not_drift_by_a_common_shift():
    """Where the curvature is small, Newton's steps shifted all constants together, by hundreds, and
    outputs lost so many digits that no step of the gradient method lowered the loss any more: it
    shortened steps until it divided by 0."""
    X, Y = np.array([[5.2], [12.15], [-1.03]]), np.eye(2)[[1, 0, 0]]
    options = {"loss": "softmax", "intercept": True, "sample_weight": [2.0, 1.0, 2.0]}
    solution = train_gated(X, Y, [[-1.0, 1.0, 1.0]], 0.00196, tol=1e-14, **options)
    assert abs(solution.intercept.sum()) <= 1e-9
    assert solution.gap <= 1e-6


def test_a_gradient_method_ends_where_no_step_lowers_a_rounded_loss():
    """It shortened steps until it divided by 0."""
    X, Y, gates = instance(("softmax", 3))

    class Rounded(LOSSES["softmax"]):
        """Its value rises from one call to the next, as if that were rounding."""

        calls = 0

        def value(self, y, f):
            self.calls += 1
            return super().value(y, f) + self.calls

    program = GatedProgram(X, Y, gates, Rounded())
    masks = program.masks(np.arange(gates.shape[1]))
    start = np.zeros((gates.shape[1], X.shape[1], Y.shape[1]))
    weights, step = gradient.minimise(program, masks, start, 0.1, 1e-6, 1.0, Budget(None))
    assert not weights.any() and step > 0


def test_the_objective_is_that_of_the_constants_returned():
    """A step far out left Newton's method for the constants where nothing curves: it stayed there
    for all outputs that came later, and constants of -83,320 were returned, of 8e10 and no 35."""
    X, y = np.array([[6.0, 8.0], [-3, -4], [6, 8], [-3, -4]]), np.array([-1.0, 1, 1, -1])
    weights, beta = np.array([2.0, 1, 1e6, 0.5]), 0.004999987
    options = {"loss": "logistic", "intercept": True, "sample_weight": weights}
    gates = [[6.0, 6, -3], [8, 8, -4]]
    for tol in 1e-2, 1e-6:
        solution = train_gated(X, y, gates, beta, tol=tol, **options)
        outputs = solution.predict(X)
        loss = weights @ np.logaddexp(0.0, -y * outputs)
        penalty = beta * np.linalg.norm(solution.weights, axis=1).sum()
        assert loss + penalty == pytest.approx(solution.objective, rel=1e-9)
