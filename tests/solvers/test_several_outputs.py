"""Several outputs over given patterns, cones included: each neuron feeds one of them."""

import cvxpy as cp
import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity.oracle.exhaustive import Exhaustive
from hidden_convexity.problem.losses import LOSSES
from hidden_convexity.solvers.fixed_gates import cones as cone_program
from hidden_convexity.solvers.fixed_gates.flats import Pairs
from hidden_convexity.solvers.fixed_gates.gated import cone_decomposition, train_gated
from hidden_convexity.solvers.fixed_gates.softmax import SoftmaxProgram

KINDS = [("squared", 2), ("squared", 3), ("softmax", 3)]


def data(kind, n, d, P, seed=0):
    """X, targets and an arrangement of at most P chambers."""
    loss, outputs = kind
    rng = np.random.default_rng([seed, n, d, outputs])
    X = np.column_stack([rng.normal(size=(n, d - 1)), np.ones(n)])
    scores = np.sin(X @ rng.normal(size=(d, outputs))) + 0.5 * rng.normal(size=(n, outputs))
    y = scores if loss == "squared" else np.eye(outputs)[scores.argmax(axis=1)]
    return X, y, hc.Arrangement.sample(X, P, rng=seed)


def threshold(X, y, loss, arrangement):
    """The largest dual norm at the outputs 0, over cones and columns."""
    nu = LOSSES[loss]().residual(y, np.zeros(y.shape))
    return max(Exhaustive(arrangement)(column).bound for column in nu.T)


def instance(kind, n=20, d=3, P=15, share=0.05, seed=0):
    X, y, arrangement = data(kind, n, d, P, seed)
    beta = share * threshold(X, y, kind[0], arrangement)
    return hc.TrainingProblem(X, y, beta, kind[0]), arrangement


def optimum(problem, arrangement):
    """The program, one vector at a time, for CVXPY."""
    X, y = problem.X, problem.y
    columns, price, cones = [], 0, []
    for _ in range(y.shape[1]):
        f = 0
        for pattern in arrangement.patterns.T:
            for sign in (1, -1):
                u = cp.Variable(X.shape[1])
                f = f + sign * (pattern[:, None] * X) @ u
                price = price + cp.norm(u)
                cones.append(np.where(pattern[:, None], X, -X) @ u >= 0)
        columns.append(f)
    if problem.loss == "squared":
        loss = sum(0.5 * cp.sum_squares(f - t) for f, t in zip(columns, y.T, strict=True))
    else:
        right = sum(t @ f for f, t in zip(columns, y.T, strict=True))
        loss = cp.sum(cp.log_sum_exp(cp.vstack(columns), axis=0)) - right
    program = cp.Problem(cp.Minimize(loss + problem.beta * price), cones)
    return program.solve(solver=cp.CLARABEL)


def single(network, k):
    """The neurons that feed output k, as a network of one output."""
    own = network.output_weights[:, k] != 0
    return hc.ReLUNetwork(network.hidden_weights[own], network.output_weights[own, k])


# The optimum and its bound


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(("n", "d", "P", "share"), [(20, 2, 12, 0.02), (15, 4, 15, 0.1)])
def test_training_reaches_the_optimum_of_the_program(kind, n, d, P, share):
    problem, arrangement = instance(kind, n, d, P, share)
    solution = hc.train(problem, patterns=arrangement)
    least = optimum(problem, arrangement)
    assert solution.scope == "sampled" and solution.gap <= 1e-6
    assert solution.objective == pytest.approx(least, rel=1e-6)
    assert solution.objective == problem.objective(solution.network)
    assert all(step.lower_bound <= least * (1 + 1e-7) for step in solution.history)
    assert all(step.objective >= least * (1 - 1e-7) for step in solution.history)
    assert solution.history[-1].objective == pytest.approx(solution.objective, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_reference_solves_the_same_program(kind):
    problem, arrangement = instance(kind, n=12, P=8)
    reference = hc.train(problem, patterns=arrangement, solver="cvxpy")
    # Its dual point is right to the root of the tolerance of its optimum, 1e-10.
    assert reference.scope == "sampled" and reference.gap <= 1e-4
    assert reference.objective == pytest.approx(optimum(problem, arrangement), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_every_bound_on_the_way_is_below_the_optimum(kind, seed):
    problem, arrangement = instance(kind, n=12, d=3, P=8, share=0.03, seed=seed)
    least = optimum(problem, arrangement)
    for tol in (0.5, 1e-2, 1e-4):
        solution = hc.train(problem, patterns=arrangement, tol=tol)
        assert solution.gap <= tol
        bounds = [step.lower_bound for step in solution.history]
        assert all(0 <= bound <= least * (1 + 1e-7) for bound in bounds)
        assert bounds == sorted(bounds)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_neuron_feeds_one_output_and_lies_in_a_given_chamber(kind):
    problem, arrangement = instance(kind, n=40, d=5, P=30)
    network = hc.train(problem, patterns=arrangement).network
    assert len(network) > 0
    assert ((network.output_weights != 0).sum(axis=1) == 1).all()
    for k in range(problem.y.shape[1]):
        single(network, k).encode(arrangement)  # refuses a neuron in none of the chambers


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_without_cones_it_costs_no_more(kind):
    """Gated neurons are not held in cones, and one matrix norm is less than those of columns."""
    problem, arrangement = instance(kind)
    solution = hc.train(problem, patterns=arrangement)
    gated = train_gated(problem.X, problem.y, arrangement, problem.beta, loss=problem.loss)
    assert gated.lower_bound < solution.objective


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_decomposed_gated_network_is_one_of_those_trained_over(kind):
    problem, arrangement = instance(kind)
    X, y, gates = problem.X, problem.y, arrangement.gates
    gated = train_gated(X, y, gates, problem.beta, loss=problem.loss)
    decomposed = problem.objective(cone_decomposition(gated, X))
    assert hc.train(problem, patterns=arrangement).lower_bound < decomposed


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_at_and_above_the_threshold_the_network_is_zero(kind):
    X, y, arrangement = data(kind, n=20, d=3, P=15)
    top = threshold(X, y, kind[0], arrangement)
    above, at, below = (
        hc.train(hc.TrainingProblem(X, y, share * top, kind[0]), patterns=arrangement)
        for share in (1.5, 1 + 1e-9, 0.9)
    )
    for solution in (above, at):
        assert len(solution.network) == 0 and solution.gap < 1e-12
        assert solution.network(X).shape == y.shape
    assert len(below.network) > 0 and below.objective < at.objective


# Symmetries and special cases


def test_the_squared_loss_trains_each_output_as_if_alone():
    problem, arrangement = instance(("squared", 3))
    solution = hc.train(problem, patterns=arrangement)
    alone = [
        hc.train(hc.TrainingProblem(problem.X, y, problem.beta), patterns=arrangement)
        for y in problem.y.T
    ]
    assert solution.lower_bound == sum(one.lower_bound for one in alone)
    for k, one in enumerate(alone):
        mine = single(solution.network, k)
        assert (mine.hidden_weights == one.network.hidden_weights).all()
        assert (mine.output_weights == one.network.output_weights).all()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_order_of_the_outputs_does_not_matter(kind):
    problem, arrangement = instance(kind)
    order = np.roll(np.arange(kind[1]), 1)
    turned = hc.TrainingProblem(problem.X, problem.y[:, order], problem.beta, kind[0])
    one, other = (hc.train(p, patterns=arrangement, tol=1e-8) for p in (problem, turned))
    assert other.objective == pytest.approx(one.objective, rel=1e-7)
    # The outputs of the softmax loss are determined up to a number a sample, the residual is not.
    expected = problem.residual(one.network)[:, order]
    assert turned.residual(other.network) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("share", [0.3, 0.02])
def test_two_classes_are_worth_one_logistic_output(share):
    """log(e^f_1 + e^f_2) - f_1 is the logistic loss of f_1 - f_2, and so are the prices."""
    X, y, arrangement = data(("softmax", 2), n=25, d=3, P=20)
    beta = share * threshold(X, y, "softmax", arrangement)
    both = hc.train(hc.TrainingProblem(X, y, beta, "softmax"), patterns=arrangement)
    labels = y[:, 0] - y[:, 1]
    one = hc.train(hc.TrainingProblem(X, labels, beta, "logistic"), patterns=arrangement)
    assert both.objective == pytest.approx(one.objective, rel=2e-6)


def test_one_column_is_one_output():
    X, y, arrangement = data(("squared", 2), n=20, d=3, P=15)
    column = hc.train(hc.TrainingProblem(X, y[:, :1], 0.3), patterns=arrangement)
    vector = hc.train(hc.TrainingProblem(X, y[:, 0], 0.3), patterns=arrangement)
    assert column.objective == pytest.approx(vector.objective, rel=1e-12)
    assert column.network(X).shape == (20, 1)


def test_the_bound_is_none_for_neurons_that_feed_several_outputs():
    """One sample, two equal outputs: a neuron for each pays 2 beta a unit, one for both sqrt(2)."""
    X, y, beta = np.array([[1.0]]), np.array([[1.0, 1.0]]), 0.1
    problem = hc.TrainingProblem(X, y, beta)
    arrangement = hc.Arrangement.enumerate(X)
    assert arrangement.complete
    solution = hc.train(problem, patterns=arrangement)
    assert solution.scope == "sampled"
    assert solution.objective == pytest.approx(2 * (beta - beta**2 / 2), rel=1e-6)
    size = np.sqrt(2) - beta
    both = hc.ReLUNetwork([[np.sqrt(size)]], [[np.sqrt(size / 2)] * 2])
    assert problem.objective(both) < 0.8 * solution.lower_bound


def test_ties_and_zero_rows_are_welcome():
    rng = np.random.default_rng(0)
    X = rng.integers(-2, 3, size=(40, 3)).astype(float)
    X[0] = 0.0
    arrangement = hc.Arrangement.sample(X, 60)
    y = np.eye(3)[rng.integers(0, 3, 40)]
    for kind, targets in (("softmax", y), ("squared", y * [1.0, -2.0, 0.0])):
        problem = hc.TrainingProblem(X, targets, 0.5, kind)
        assert hc.train(problem, patterns=arrangement).gap <= 1e-6


def test_classes_that_can_be_told_apart_are_fitted_to_the_gap():
    """Probabilities go to 0 and 1, where the loss has next to no curvature."""
    problem, arrangement = instance(("softmax", 3), n=12, share=1e-4)
    solution = hc.train(problem, patterns=arrangement)
    assert solution.gap <= 1e-6
    assert np.abs(problem.residual(solution.network)).max() < 0.05


# The quadratic model of the softmax loss


def test_the_root_of_the_softmax_model_gives_its_derivatives():
    problem, arrangement = instance(("softmax", 3), n=6)
    rng, step = np.random.default_rng(1), 1e-5
    f, working = rng.normal(size=(6, 3)), np.array([0, 20, 40])
    pairs = Pairs(problem.X, arrangement.patterns, 3)
    model = SoftmaxProgram(problem, pairs, working, f, 1e-9)
    for k in range(3):
        move = step * np.eye(3)[k]
        change = problem.loss_residual(f - move) - problem.loss_residual(f + move)
        hessian = (model.root.transpose(0, 2, 1) @ model.root)[:, :, k]
        assert hessian == pytest.approx(change / (2 * step), abs=1e-9)
    nu = model.start.reshape(6, 3, 1)
    residual = (model.root.transpose(0, 2, 1) @ nu)[:, :, 0]
    assert residual == pytest.approx(problem.loss_residual(f), abs=1e-12)
    # What it takes off the outputs changes neither value nor residual.
    outputs = ((model.Y - model.start).reshape(6, 3)) / model.scale
    assert problem.loss_value(outputs) == pytest.approx(problem.loss_value(f), rel=1e-12)


def test_products_of_several_outputs_are_those_of_what_the_loss_sees():
    problem, arrangement = instance(("softmax", 3), n=9)
    rng = np.random.default_rng(2)
    pairs = Pairs(problem.X, arrangement.patterns, 3)
    model = SoftmaxProgram(problem, pairs, np.arange(4), rng.normal(size=(9, 3)), 1e-9)
    features, feeds = rng.normal(size=(9, 5)), np.array([2, 0, 2, 1, 0])
    seen = model._seen(features, feeds)
    loud = [root[:, feeds] * row for root, row in zip(model.root, features, strict=True)]
    assert seen == pytest.approx(np.concatenate(loud), abs=1e-12)
    assert model._gram(features, feeds) == pytest.approx(seen.T @ seen, abs=1e-12)
    for nu, x in ((rng.normal(size=27), rng.normal(size=5)), rng.normal(size=(2, 27, 4))):
        x = x[:5]
        assert model._times(features, feeds, x) == pytest.approx(seen @ x, abs=1e-12)
        products = model._transposed_times(features, feeds, nu)
        assert products == pytest.approx(seen.T @ nu, abs=1e-12)
    felt = (features * model._felt(nu[:, 0], feeds)).sum(axis=0)
    assert felt == pytest.approx(seen.T @ nu[:, 0], abs=1e-12)


# The dual bound


@pytest.mark.parametrize("loss", ["squared", "softmax"])
@pytest.mark.parametrize("seed", range(3))
def test_the_dual_bound_of_any_matrix_is_below_any_network(loss, seed):
    X, y, _ = data((loss, 3), n=8, d=2, P=1, seed=seed)
    problem, rng = hc.TrainingProblem(X, y, 0.2, loss), np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 20_001)
    features = np.maximum(X @ [np.cos(angles), np.sin(angles)], 0.0)
    for nu in (y - y.mean(axis=1, keepdims=True), problem.loss_residual(rng.normal(size=y.shape))):
        # A thousandth more than the largest of as many directions: neurons may feed all outputs.
        bound = problem.dual_bound(nu, 1.001 * np.linalg.norm(nu.T @ features, axis=0).max())
        assert 0 < bound <= problem.loss_value(0 * y)
        for _ in range(20):
            scale = 10 ** rng.uniform(-2, 0.5)
            network = hc.ReLUNetwork(scale * rng.normal(size=(6, 2)), rng.normal(size=(6, 3)))
            assert bound <= problem.objective(network.balance())


# Interruption


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_ctrl_c_leaves_a_network_and_a_valid_bound(kind, monkeypatch):
    problem, arrangement = instance(kind, n=15, P=10)
    least = optimum(problem, arrangement)
    original, values = cone_program._dual_norms, []
    for last in range(1, 100):
        calls = []

        def counted(*given, calls=calls, last=last):
            calls.append(given)
            if len(calls) == last:
                raise KeyboardInterrupt
            return original(*given)

        monkeypatch.setattr(cone_program, "_dual_norms", counted)
        solution = hc.train(problem, patterns=arrangement)
        if not solution.interrupted:
            break
        assert len(calls) == last
        assert solution.objective == problem.objective(solution.network)
        assert 0 <= solution.lower_bound <= least * (1 + 1e-7)
        assert solution.objective >= least * (1 - 1e-7)
        values.append(solution.lower_bound)
    assert len(values) > 3 and values == sorted(values) and values[-1] > 0.5 * least


# Bad input


@pytest.mark.parametrize(
    "y",
    [
        np.ones(20),
        np.ones((20, 1)),
        np.ones((20, 3)),
        np.zeros((20, 3)),
        np.full((20, 2), 0.5),
        np.tile([2.0, -1.0], (20, 1)),
    ],
    ids=["a vector", "one class", "all classes", "no class", "halves", "other numbers"],
)
def test_the_softmax_loss_takes_one_hot_rows_only(y):
    with pytest.raises(ValueError, match=r"\by must be \(n, c\).*softmax"):
        hc.TrainingProblem(np.ones((20, 2)), y, 0.1, "softmax")


def test_the_logistic_loss_has_one_output():
    with pytest.raises(ValueError, match=r"\by must be a vector of labels -1 and 1"):
        hc.TrainingProblem(np.ones((4, 2)), np.ones((4, 2)), 0.1, "logistic")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_for_one_output_says_so(kind):
    problem, _ = instance(kind)
    with pytest.raises(ValueError, match=r"given patterns only.*problem\.y"):
        hc.train(problem, solver="cvxpy")
    with pytest.raises(ValueError, match="nu"):
        problem.dual_bound(np.ones(20), 1.0)
    with pytest.raises(ValueError, match="nu"):
        problem.dual_value(np.ones((19, kind[1])))
