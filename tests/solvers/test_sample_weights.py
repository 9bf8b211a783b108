"""Sample weights: of the objective, the dual and training; a weight of k is k repetitions."""

from dataclasses import replace

import judge
import numpy as np
import pytest
import trouble
from scipy.optimize import minimize

import hidden_convexity as hc
from hidden_convexity.landscape.newton import descend
from hidden_convexity.problem.losses import LOSSES
from hidden_convexity.solvers import descent
from hidden_convexity.solvers.fixed_gates.gated import gated_beta_max, train_gated

N = 24
# What problems are like besides their loss: arguments of `TrainingProblem`, and patches.
PLAIN = {}
FREE = {"skip": True, "intercept": True}
LEAKY = {"slope": -1.0}
# Losses, numbers of outputs (0 for a vector y), and kinds that go with them.
CASES = [
    ("squared", 0, PLAIN),
    ("squared", 0, FREE),
    ("squared", 0, LEAKY),
    ("squared", 2, PLAIN),
    ("squared", 2, FREE),
    ("logistic", 0, PLAIN),
    ("logistic", 0, FREE),
    ("hinge", 0, PLAIN),
    ("hinge", 0, LEAKY),
    ("softmax", 3, PLAIN),
    ("softmax", 3, {"intercept": True}),
]


def sample(loss, outputs, patches=0, d=2, seed=0, n=N):
    """X, y and weights of integers, some of them 0."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, patches, d) if patches else (n, d))
    flat = X.reshape(n, -1)
    y = np.sin(2 * flat[:, 0]) + 0.3 * rng.normal(size=n)
    if loss in ("logistic", "hinge"):
        y = np.sign(y)
    elif loss == "softmax":
        y = np.eye(outputs)[np.digitize(y, [-0.5, 0.5])]
    elif outputs:
        y = np.column_stack([y, flat[:, 1] + 0.3 * rng.normal(size=n)])
    return X, y, rng.integers(0, 4, size=n)


def repeated(weights, *arrays):
    return [np.repeat(array, weights, axis=0) for array in arrays]


def weight_decay(X, y, weights, loss, kind, share=0.1):
    return share * hc.beta_max(X, y, loss, sample_weight=weights, **kind)


@pytest.mark.parametrize(("loss", "outputs", "kind"), CASES)
@pytest.mark.parametrize("patches", [0, 3])
def test_a_weight_is_a_number_of_repetitions(loss, outputs, kind, patches):
    X, y, weights = sample(loss, outputs, patches)
    beta = weight_decay(X, y, weights, loss, kind)
    one = hc.TrainingProblem(X, y, beta, loss, sample_weight=weights, **kind)
    other = hc.TrainingProblem(*repeated(weights, X, y), beta, loss, **kind)
    weighted, repetition = hc.train(one, tol=1e-7), hc.train(other, tol=1e-7)
    assert weighted.scope == "global" and weighted.gap <= 1e-7
    assert weighted.objective == pytest.approx(repetition.objective, rel=2e-7)
    assert other.objective(weighted.network) == pytest.approx(weighted.objective, rel=1e-12)
    # A dual point of the one is the same multiple of one of the other.
    kept = weights[weights > 0]
    nu = weighted.dual_point
    parts = np.repeat((nu.T / kept).T, kept, axis=0)
    maximum = 3.0 * beta
    assert one.dual_value(nu) == pytest.approx(other.dual_value(parts), rel=1e-12)
    assert one.dual_bound(nu, maximum) == pytest.approx(other.dual_bound(parts, maximum), rel=1e-9)
    assert hc.beta_max(*repeated(weights, X, y), loss, **kind) == pytest.approx(10 * beta, rel=1e-6)
    if loss != "hinge":  # strictly convex in the outputs on the samples
        ours, theirs = (found.network(one.X) for found in (weighted, repetition))
        if loss == "softmax":  # but for a number added to all outputs of a sample
            ours, theirs = (f - f.mean(axis=1, keepdims=True) for f in (ours, theirs))
        assert ours == pytest.approx(theirs, abs=5e-3)
    for network in (weighted.network, repetition.network):
        certificate = hc.certify(network, one, rounds=3)
        assert certificate.lower_bound == pytest.approx(weighted.objective, rel=1e-6)


@pytest.mark.parametrize(("loss", "outputs", "kind"), CASES)
def test_a_sample_of_weight_zero_is_not_there(loss, outputs, kind):
    X, y, weights = sample(loss, outputs)
    kept = weights > 0
    beta = weight_decay(X, y, weights, loss, kind)
    one = hc.TrainingProblem(X, y, beta, loss, sample_weight=weights, **kind)
    other = hc.TrainingProblem(X[kept], y[kept], beta, loss, sample_weight=weights[kept], **kind)
    assert (one.X == other.X).all() and (one.y == other.y).all()
    solutions = [hc.train(problem) for problem in (one, other)]
    assert solutions[0].objective == solutions[1].objective
    assert (solutions[0].network(X) == solutions[1].network(X)).all()
    assert beta == weight_decay(X[kept], y[kept], weights[kept], loss, kind)


@pytest.mark.parametrize(("loss", "outputs", "kind"), CASES)
def test_weights_and_weight_decay_have_one_unit(loss, outputs, kind):
    X, y, weights = sample(loss, outputs)
    weights, beta = weights + 0.5, weight_decay(X, y, weights + 0.5, loss, kind)
    values = [
        hc.train(
            hc.TrainingProblem(X, y, k * beta, loss, sample_weight=k * weights, **kind), tol=1e-7
        ).objective
        for k in (1.0, 7.0)
    ]
    assert values[1] == pytest.approx(7 * values[0], rel=3e-7)


def test_weights_of_one_are_none():
    X, y, _ = sample("squared", 0)
    problem = hc.TrainingProblem(X, y, 1.0, sample_weight=np.ones(N))
    assert problem.sample_weight is None and "weighted" not in repr(problem)
    assert "weighted" in repr(hc.TrainingProblem(X, y, 1.0, sample_weight=np.full(N, 2.0)))


@pytest.mark.parametrize("loss", ["squared", "logistic", "softmax"])
def test_residuals_and_curvatures_are_derivatives(loss):
    rng = np.random.default_rng(1)
    _, y, _ = sample(loss, 3 if loss == "softmax" else 0)
    weights = rng.exponential(size=N) if y.ndim == 1 else rng.exponential(size=(N, 1))
    here, f, step = LOSSES[loss](weights), rng.normal(size=y.shape), 1e-5
    for place in np.ndindex(y.shape):
        move = np.zeros(y.shape)
        move[place] = step
        slope = (here.value(y, f + move) - here.value(y, f - move)) / (2 * step)
        assert here.residual(y, f)[place] == pytest.approx(-slope, abs=1e-7)
        if loss != "softmax":
            bend = here.residual(y, f - move) - here.residual(y, f + move)
            bend = bend[place] / (2 * step)
            assert here.curvature(y, f)[place] == pytest.approx(bend, abs=1e-7)


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge", "softmax"])
def test_the_dual_value_is_minus_the_conjugate(loss):
    """-F*(-nu) is the smallest F(f) + nu.f, attained at 0 where nu is the residual at 0."""
    rng = np.random.default_rng(2)
    _, y, _ = sample(loss, 3 if loss == "softmax" else 0, n=4)
    weights = rng.exponential(size=4) if y.ndim == 1 else rng.exponential(size=(4, 1))
    here = LOSSES[loss](weights)
    nu = 0.7 * here.residual(y, 0.0 * y)

    def height(f):
        f = f.reshape(y.shape)
        return here.value(y, f) + float((nu * f).sum())

    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}
    least = minimize(height, y.ravel(), method="Nelder-Mead", options=options)
    assert here.dual_value(y, nu) == pytest.approx(least.fun, rel=1e-4)
    assert here.dual_value(y, nu) <= least.fun + 1e-12
    scales = [s * here.best_scale(y, nu) for s in (0.9, 1.0, 1.1)]
    values = [here.dual_value(y, nu, s) for s in scales]
    assert values[1] >= max(values) - 1e-12 * abs(values[1])


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_dual_variables_are_bounded_by_the_weights(loss):
    X, y, _ = sample(loss, 0)
    weights = np.random.default_rng(0).exponential(size=N)
    problem = hc.TrainingProblem(X, y, 0.3, loss, sample_weight=weights)
    nu = 0.5 * y * weights
    assert problem.dual_value(nu) > 0
    nu[3] = 1.01 * y[3] * weights[3]
    assert problem.dual_value(nu) == -np.inf
    solution = hc.train(problem)
    assert (np.abs(solution.dual_point) <= weights).all()


@pytest.mark.parametrize(("loss", "outputs"), [("squared", 0), ("logistic", 0), ("hinge", 0)])
def test_training_reaches_the_optimum_of_the_full_program(loss, outputs):
    X, y, _ = sample(loss, outputs, n=12)
    weights = np.random.default_rng(0).exponential(size=12) ** 2
    beta = weight_decay(X, y, weights, loss, PLAIN)
    problem = hc.TrainingProblem(X, y, beta, loss, sample_weight=weights)
    ours, theirs = hc.train(problem, tol=1e-7), hc.train(problem, solver="cvxpy")
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
    assert theirs.gap < 1e-4 and theirs.lower_bound <= ours.objective


@pytest.mark.parametrize(
    ("loss", "outputs", "kind"),
    [
        (loss, outputs, kind)
        for loss, outputs, kind in CASES
        if loss != "hinge" and kind is not LEAKY and not (outputs and kind)
    ],
)
def test_over_given_patterns_a_weight_is_a_number_of_repetitions_too(loss, outputs, kind):
    X, y, weights = sample(loss, outputs, d=3, n=60)
    X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
    beta = 0.1 * hc.beta_max(X[:, :2], y, loss, sample_weight=weights)
    one = hc.TrainingProblem(X, y, beta, loss, sample_weight=weights, **kind)
    other = hc.TrainingProblem(*repeated(weights, X, y), beta, loss, **kind)
    arrangement = hc.Arrangement.sample(X, 20, rng=0)
    same = hc.Arrangement.from_gates(other.X, arrangement.gates)
    weighted = hc.train(one, patterns=arrangement, tol=1e-6)
    repetition = hc.train(other, patterns=same, tol=1e-6)
    assert weighted.scope == "sampled" and weighted.gap <= 1e-6
    assert weighted.objective == pytest.approx(repetition.objective, rel=2e-6)
    assert weighted.lower_bound <= repetition.objective * (1 + 1e-9)


def test_over_all_patterns_the_given_ones_are_enough():
    """Free terms and weights over given patterns: the optimum of all, where all are given."""
    X, y, weights = sample("logistic", 0)
    kept = weights > 0
    X, y, weights = X[kept], y[kept], weights[kept]
    beta = weight_decay(X, y, weights, "logistic", FREE)
    problem = hc.TrainingProblem(X, y, beta, "logistic", sample_weight=weights, **FREE)
    everywhere = hc.train(problem, tol=1e-7)
    complete = hc.Arrangement.enumerate(X)
    given = hc.train(problem, patterns=replace(complete, complete=False), tol=1e-7)
    assert given.objective == pytest.approx(everywhere.objective, rel=1e-6)
    assert given.network.intercept == pytest.approx(everywhere.network.intercept, abs=1e-2)


@pytest.mark.parametrize("loss", ["squared", "logistic", "softmax"])
@pytest.mark.parametrize("n", [N, 400])
def test_gated_networks_take_weights(loss, n):
    X, y, weights = sample(loss, 3 if loss == "softmax" else 0, n=n, d=3)
    gates = np.random.default_rng(0).normal(size=(3, 15))
    beta = 0.1 * gated_beta_max(X, y, gates, loss, sample_weight=weights)
    one = train_gated(X, y, gates, beta, loss=loss, sample_weight=weights, tol=1e-6)
    other = train_gated(*repeated(weights, X, y), gates, beta, loss=loss, tol=1e-6)
    assert one.gap <= 1e-6 and one.objective == pytest.approx(other.objective, rel=2e-6)
    for wrong, told in ((-weights, ">= 0"), (0 * weights, ">= 0"), (weights[:-1], "per row")):
        with pytest.raises(ValueError, match=f"sample_weight must .*{told}"):
            train_gated(X, y, gates, beta, loss=loss, sample_weight=wrong.astype(float))


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
@pytest.mark.parametrize("ratio", [1e6, 1e10, 1e14])
@pytest.mark.parametrize("d", [2, 3])
def test_gaps_of_weights_far_apart_are_honest(loss, ratio, d):
    """Rows scaled by the roots of such weights ended at gaps of 0.02 to 0.99."""
    X, y, _ = sample(loss, 0, d=d, n=9)
    weights = np.where(np.arange(9) % 3 == 0, ratio, 1.0)
    beta = weight_decay(X, y, weights, loss, PLAIN, share=1e-3)
    verdict = judge.judge_training(X, y, beta, loss, sample_weight=weights)
    assert verdict.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
def test_no_search_ends_below_a_global_bound(kind, loss):
    made = trouble.case(800, kind, (2, 3), most_rows=5, losses=(loss,), weighted=True)
    rest = {"sample_weight": made.sample_weight}
    beta = 0.03 * hc.beta_max(made.X, made.y, loss, **rest) or 1.0
    assert judge.judge_training(made.X, made.y, beta, loss, **rest).complaints == []


def test_paths_and_descents_take_weights():
    X, y, weights = sample("hinge", 0)
    beta = weight_decay(X, y, weights, "hinge", PLAIN)
    problem = hc.TrainingProblem(X, y, beta, "hinge", sample_weight=weights)
    path = hc.train_path(problem, [beta, 0.3 * beta], tol=1e-6)
    alone = hc.train(replace(problem, beta=0.3 * beta), tol=1e-6)
    assert path[1].objective == pytest.approx(alone.objective, rel=2e-6)
    for loss in ("squared", "logistic", "hinge"):
        here = replace(problem, loss=loss)
        [found] = descent.adam(here, 10, [0], steps=50)
        assert found.objective == pytest.approx(here.objective(found.network), rel=1e-12)
        assert found.history[-1].objective == pytest.approx(found.objective, rel=1e-9)


def test_what_takes_no_weights_says_so():
    X, y, weights = sample("squared", 0)
    problem = hc.TrainingProblem(X, y, 0.1, sample_weight=weights)
    network = hc.train(problem).network
    with pytest.raises(ValueError, match="without weights"):
        descend(network, problem)


@pytest.mark.parametrize(
    ("weights", "error", "told"),
    [
        (np.full(N, -1.0), ValueError, "must be >= 0"),
        (np.zeros(N), ValueError, "> 0 for at least one"),
        (np.ones(N - 1), ValueError, f"one entry per row of X, {N}"),
        (np.ones((N, 1)), ValueError, "dimension"),
        (np.full(N, np.nan), ValueError, "NaN or infinite"),
        (np.full(N, "1"), TypeError, "real numbers"),
        (np.full(N, 1e80), ValueError, "between"),
        (np.append(np.full(N - 1, 1.0), 1e-80), ValueError, "between"),
    ],
)
def test_weights_that_are_none_are_refused(weights, error, told):
    X, y, _ = sample("squared", 0)
    with pytest.raises(error, match=f"sample_weight .*{told}"):
        hc.TrainingProblem(X, y, 1.0, sample_weight=weights)
