"""Skip connection and output bias of networks with several outputs, against other judges.

The semidefinite program of the plane with free columns besides, in CVXPY; the logistic loss, which
softmax is for two classes; descent; and rational arithmetic for dual points that must be balanced.
"""

from dataclasses import replace
from decimal import localcontext
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
from conftest import gaussian
from exact import DIGITS, decimal, integers
from planar import arc_maxima, exceeds
from scipy.optimize import minimize

import hidden_convexity as hc
from hidden_convexity.equivalences.parts import Program
from hidden_convexity.geometry.zonotope import Zonotope
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.oracle.several_outputs import VectorCircle
from hidden_convexity.problem.duality import Feasible
from hidden_convexity.problem.losses import Softmax
from hidden_convexity.problem.restricted.piece import Piece

FREE = [{"intercept": True}, {"skip": True}, {"skip": True, "intercept": True}]


def instance(loss, free, n=12, d=2, c=3, share=0.2, seed=0):
    X = gaussian(n, d, seed=seed)
    y = np.sin(2 * X @ gaussian(d, c, seed=seed + 1)) + 0.3 * gaussian(n, c, seed=seed + 2) + 1
    if loss == "softmax":
        # Every other class at random: else a skip connection tells them apart without neurons.
        classes = np.where(np.arange(n) % 2, y.argmax(axis=1), np.arange(n) % c)
        y = np.eye(c)[classes]
    return hc.TrainingProblem(X, y, share * hc.beta_max(X, y, loss, **free), loss, **free)


def reference(problem):
    """The value of the semidefinite program of `equivalences.relu_vector`, with free columns."""
    X, y, free = problem.X, problem.y, problem.free_terms.columns
    c = y.shape[1]
    zonotope = Zonotope(X)
    outputs, price, cones = free @ cp.Variable((free.shape[1], c)), 0, []
    for g, pattern in enumerate(zonotope.arrangement.patterns.T):
        R = zonotope.normal_cone(g).T
        M = cp.Variable((2 + c, 2 + c), PSD=True)
        outputs = outputs + (pattern[:, None] * X) @ R @ M[:2, 2:]
        price = price + 0.5 * (cp.trace(R @ M[:2, :2] @ R.T) + cp.trace(M[2:, 2:]))
        cones.append(M[0, 1] >= 0)
    if problem.loss == "squared":
        loss = 0.5 * cp.sum_squares(outputs - y)
    else:
        loss = cp.sum(cp.log_sum_exp(outputs, axis=1)) - cp.sum(cp.multiply(y, outputs))
    return Program(loss + problem.beta * price, cones).solve()


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
@pytest.mark.parametrize("free", FREE)
def test_the_value_is_that_of_the_semidefinite_program(loss, free):
    problem = instance(loss, free)
    solution, value = hc.train(problem, tol=1e-7), reference(problem)
    assert solution.scope == "global"
    assert solution.gap <= 1e-7
    assert solution.objective == pytest.approx(value, rel=2e-6)
    assert solution.lower_bound <= value * (1 + 1e-6)
    assert solution.objective == problem.objective(solution.network)
    balanced = problem.free_terms.columns.T @ solution.dual_point
    assert np.abs(balanced).max() <= 1e-13 * np.abs(solution.dual_point).sum()


@pytest.mark.slow
@pytest.mark.parametrize("free", FREE)
def test_two_classes_are_the_logistic_loss_at_a_larger_beta(free):
    """Free terms have no price: the margin's are free as well. See `test_shared_neurons`."""
    problem = instance("softmax", free, n=20, c=2)
    beta, labels = problem.beta / np.sqrt(2), problem.y @ [1.0, -1.0]
    logistic = hc.TrainingProblem(problem.X, labels, beta, "logistic", **free)
    assert hc.beta_max(problem.X, labels, "logistic", **free) == pytest.approx(5 * beta, rel=1e-6)
    two, one = hc.train(problem, tol=1e-7), hc.train(logistic, tol=1e-7)
    assert two.objective == pytest.approx(one.objective, rel=2e-7)
    margins = two.network(problem.X) @ [1.0, -1.0]
    assert margins == pytest.approx(one.network(problem.X), abs=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
def test_a_column_that_is_one_output_is_a_vector(loss):
    """With c = 1 (squared); and of a softmax a third class that never occurs changes little."""
    free = {"skip": True, "intercept": True}
    problem = instance(loss, free, c=1 if loss == "squared" else 2, n=25)
    if loss == "squared":
        vector = hc.TrainingProblem(problem.X, problem.y[:, 0], problem.beta, **free)
        assert hc.train(problem, tol=1e-7).objective == pytest.approx(
            hc.train(vector, tol=1e-7).objective, rel=2e-7
        )
    else:
        known = hc.train(problem, tol=1e-7)
        y = np.column_stack([problem.y, np.zeros(len(problem.y))])
        wider = hc.TrainingProblem(problem.X, y, problem.beta, loss, **free)
        network = known.network
        padded = hc.ReLUNetwork(
            network.hidden_weights,
            np.column_stack([network.output_weights, np.zeros(len(network))]),
            skip=np.column_stack([network.skip, np.zeros(2)]),
            intercept=np.append(network.intercept, -40.0),
        )
        assert wider.objective(padded) == pytest.approx(known.objective, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
@pytest.mark.parametrize("patches", [None, 3])
def test_no_descent_ends_below_the_bound(loss, patches):
    free = {"skip": True, "intercept": True}
    if patches:
        X, y = gaussian(10, patches, 2), gaussian(10, 3, seed=1)
        y = np.eye(3)[np.arange(10) % 3] if loss == "softmax" else y
        problem = hc.TrainingProblem(X, y, 0.1, loss, slope=0.2, **free)
    else:
        problem = instance(loss, free)
    solution = hc.train(problem, tol=1e-6)
    assert solution.gap <= 1e-6
    rng = np.random.default_rng(0)

    def network(flat):
        W, a, skip, constant = np.split(flat, [12, 30, 36])
        free = {"skip": skip.reshape(2, 3), "intercept": constant}
        return hc.ReLUNetwork(W.reshape(6, 2), a.reshape(6, 3), problem.slope, **free)

    lowest = min(
        minimize(
            lambda x: problem.objective(network(x)), rng.normal(size=39), method="L-BFGS-B"
        ).fun
        for _ in range(3)
    )
    assert lowest >= solution.lower_bound
    assert solution.objective <= lowest * (1 + 1e-6)


@pytest.mark.parametrize("share", [0.1, 0.02])
def test_neurons_that_nothing_joins_are_solved_for_to_the_end(share):
    """Each such round asked a proof ten times as sharp, until cells were too small for it."""
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    free = {"skip": True, "intercept": True}
    problem = hc.TrainingProblem(X, y, share * hc.beta_max(X, y, **free), **free)
    solution = hc.train(problem, tol=1e-6, max_seconds=60)
    assert solution.gap <= 1e-6 and not solution.out_of_time


@pytest.mark.slow
def test_outputs_may_be_permuted_and_for_the_squared_loss_rotated():
    free = {"skip": True, "intercept": True}
    for loss in ("squared", "softmax"):
        problem = instance(loss, free)
        value = hc.train(problem, tol=1e-6).objective
        turned = [np.eye(3)[[2, 0, 1]]]
        turned += [np.linalg.qr(gaussian(3, 3, seed=4))[0]] * (loss == "squared")
        for turn in turned:
            other = hc.TrainingProblem(problem.X, problem.y @ turn, problem.beta, loss, **free)
            solution = hc.train(other, tol=1e-6)
            assert solution.gap <= 1e-6
            assert solution.objective == pytest.approx(value, rel=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
def test_paths_meet_single_runs_and_start_where_neurons_enter(loss):
    free = {"intercept": True}
    problem = instance(loss, free)
    largest = problem.beta / 0.2
    betas = [problem.beta, 1.0001 * largest]
    path = hc.train_path(problem, betas, tol=1e-6)
    assert len(path[1].network) == 0 and path[1].gap <= 1e-6
    alone = hc.train(problem, tol=1e-6)
    assert path[0].objective == pytest.approx(alone.objective, rel=2e-6)
    below = hc.TrainingProblem(problem.X, problem.y, 0.99 * largest, loss, **free)
    assert len(hc.train(below, tol=1e-5).network) > 0


@pytest.mark.slow
def test_the_usual_classifier_of_pytorch_is_certified():
    """Its last layer has a bias: it was refused, and so were all others with several outputs."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10))
    network = hc.ReLUNetwork.from_torch(module)
    X = hc.datasets.with_bias(gaussian(60, 2))
    y = np.eye(10)[np.random.default_rng(0).integers(10, size=60)]
    problem = hc.TrainingProblem(X, y, 2.0, "softmax", intercept=True)
    with torch.no_grad():
        logits = module.double()(torch.tensor(X[:, :2])).numpy()
    assert network(X) == pytest.approx(logits, abs=1e-12)
    certificate = hc.certify(network, problem)
    assert certificate.scope == "global"
    assert 0 < certificate.lower_bound <= certificate.objective
    trained = hc.train(problem, tol=1e-3)
    assert certificate.lower_bound <= trained.objective
    assert trained.lower_bound <= certificate.objective
    assert hc.certify(trained.network, problem).gap <= 2e-3


def test_the_fit_of_free_terms_starts_from_anywhere():
    """Newton's step had no end where probabilities are 0 or 1, and the fit stayed where it was."""
    problem = instance("softmax", {"skip": True, "intercept": True}, n=30)
    terms = problem.free_terms
    own = 10 * gaussian(30, 3, seed=8)
    best = problem.loss_value(own + terms.basis @ terms.fit(problem, own))
    for seed in range(5):
        start = 100 * gaussian(3, 3, seed=seed)
        fitted = own + terms.basis @ terms.fit(problem, own, start)
        assert problem.loss_value(fitted) == pytest.approx(best, rel=1e-9)
        assert np.abs(terms.basis.T @ problem.loss_residual(fitted)).max() < 1e-7


def test_a_step_that_the_penalty_alone_makes_climb_is_refused_without_a_fit(monkeypatch):
    """Of outputs of 1e11 the best constants took a hundred Newton steps, and later fits as many."""
    problem = instance("softmax", {"intercept": True})
    program = HiddenLayer.of(problem, proof=False).program(problem)
    piece = Piece(program, [replace(program.ray(np.eye(2)[0], np.eye(3)[0]), inner=np.ones(1))])
    near, far = 1.01 * piece.start, 1e6 * piece.start
    assert abs(piece.change(near)) < piece.height
    monkeypatch.setattr(piece, "_with_free", None)
    below = 0.5 * problem.beta * (far @ far) - piece.height
    assert piece.change(far) == pytest.approx(below, rel=1e-9) and below > 0


@pytest.mark.parametrize("near", [1.0, 1e-4, 1e-7])
def test_the_way_to_a_balanced_point_is_as_long_as_in_rational_arithmetic(near):
    rng = np.random.default_rng(3)
    Z = rng.normal(size=(9, 2))
    Z[:, 1] = Z[:, 0] + near * Z[:, 1]
    y = np.eye(3)[np.arange(9) % 3]
    problem = hc.TrainingProblem(Z, y, 1.0, "softmax", skip=True)
    own, terms = 2 * rng.normal(size=(9, 3)), problem.free_terms
    residual = problem.loss_residual(own + terms.basis @ terms.fit(problem, own))
    p = y - residual
    for nu in (residual + 1e-3 * p * rng.normal(size=(9, 3)), terms.balance(residual, p)):
        h = y - nu
        found = terms.coupled_distances(nu, h, Softmax.unbalanced(nu))
        moved = exactly_balanced(Z, nu, h)
        for row, masses, there, theta in zip(nu, h, moved, found, strict=True):
            for value, mass, exact in zip(row, masses, there, strict=True):
                total = sum(map(Fraction, row))
                start = Fraction(value) - total * Fraction(mass) / sum(map(Fraction, masses))
                others = (sum(map(Fraction, masses)) - Fraction(mass)) / sum(map(Fraction, masses))
                assert abs(exact - start) <= others * Fraction(mass) * Fraction(float(theta))
    assert found.max() < 1e-13 / near * 100


def exactly_balanced(Z, nu, h):
    """nu, its rows' sums taken off, less the He with Z'(nu - He) = 0: Gauss' elimination."""
    Z, nu, h = ([[Fraction(float(v)) for v in row] for row in array] for array in (Z, nu, h))
    n, q, c = len(Z), len(Z[0]), len(h[0])
    totals = [sum(row) for row in h]
    nu = [
        [v - sum(row) * m / total for v, m in zip(row, masses, strict=True)]
        for row, masses, total in zip(nu, h, totals, strict=True)
    ]
    H = [
        [[h[i][k] * ((k == m) - h[i][m] / totals[i]) for m in range(c)] for k in range(c)]
        for i in range(n)
    ]
    places = [(a, k) for a in range(q) for k in range(c - 1)]
    system = [
        [sum(Z[i][a] * Z[i][b] * H[i][k][m] for i in range(n)) for b, m in places]
        + [sum(Z[i][a] * nu[i][k] for i in range(n))]
        for a, k in places
    ]
    for pivot in range(len(system)):
        system[pivot] = [v / system[pivot][pivot] for v in system[pivot]]
        for other in range(len(system)):
            if other != pivot:
                factor = system[other][pivot]
                pairs = zip(system[other], system[pivot], strict=True)
                system[other] = [v - factor * w for v, w in pairs]
    solved = dict(zip(places, (row[-1] for row in system), strict=True))
    moved = []
    for i in range(n):
        e = [sum(Z[i][a] * solved.get((a, k), 0) for a in range(q)) for k in range(c)]
        moved.append([nu[i][k] - sum(H[i][k][m] * e[m] for m in range(c)) for k in range(c)])
    for a in range(q):
        assert all(sum(Z[i][a] * moved[i][k] for i in range(n)) == 0 for k in range(c))
    assert all(sum(row) == 0 for row in moved)
    return moved


def test_a_heavy_sample_that_is_sure_of_its_class_hardly_moves():
    """It was charged for its probability, which is 1, times its weight: the bound was 0."""
    rng = np.random.default_rng(0)
    X, y = gaussian(60, 2), np.eye(3)[np.repeat([0, 1, 2], 20)]
    weights = np.where(y[:, 0] == 1, 1e3, 1e-4)
    problem = hc.TrainingProblem(X, y, 1e-4, "softmax", intercept=True, sample_weight=weights)
    terms, own = problem.free_terms, 0.1 * rng.normal(size=(60, 3))
    outputs = own + terms.basis @ terms.fit(problem, own)
    nu = terms.balance(problem.loss_residual(outputs), problem.loss_curvature(outputs))
    bound = problem.dual_bound(nu, 1e-4)
    assert bound == pytest.approx(problem.dual_value(nu), rel=1e-2)
    there = exactly_balanced(terms.columns, nu, weights[:, None] * y - nu)
    with localcontext() as context:
        context.prec = DIGITS
        value = 0
        for labels, row, weight in zip(y, there, weights, strict=True):
            p = [
                Fraction(t) - v / Fraction(float(weight)) for t, v in zip(labels, row, strict=True)
            ]
            value -= decimal(Fraction(float(weight))) * sum(decimal(v) * decimal(v).ln() for v in p)
    assert decimal(Fraction(bound)) <= value


@pytest.mark.parametrize("free", FREE)
@pytest.mark.parametrize("seed", range(4))
def test_the_bound_of_the_softmax_loss_holds_in_rational_arithmetic(free, seed):
    """At the point that is exactly feasible: rows and Z'nu add up to 0, and M(s nu) <= beta."""
    X = gaussian(15, 2, seed=seed)
    if seed % 2:
        X = np.round(2 * X)
    # Rows of all classes: no free terms tell them apart, so there is a best fit.
    X[:9] = np.repeat(X[:9:3], 3, axis=0)
    X[-1], y = -X[0], np.eye(3)[np.arange(15) % 3]
    problem = hc.TrainingProblem(X, y, 0.3, "softmax", **free)
    own, terms = 2 * gaussian(15, 3, seed=seed + 1), problem.free_terms
    outputs = own + terms.basis @ terms.fit(problem, own)
    nu = terms.balance(problem.loss_residual(outputs), problem.loss_curvature(outputs))
    maximum = VectorCircle(X)(nu).bound
    bound, scale = problem.dual_bound(nu, maximum), Feasible.of(problem, nu, maximum).scale
    assert bound > 0
    there = exactly_balanced(terms.columns, nu, y - nu)
    rows, unit = integers(X)
    most = Fraction(problem.beta) / Fraction(scale) / unit
    assert not any(exceeds(pair, most) for pair in arc_maxima(rows, there))
    with localcontext() as context:
        context.prec = DIGITS
        p = [
            decimal(Fraction(label) - Fraction(scale) * v)
            for labels, row in zip(y, there, strict=True)
            for label, v in zip(labels, row, strict=True)
        ]
        value = -sum(v * v.ln() for v in p if v > 0)
        assert decimal(Fraction(bound)) <= value
    assert bound == pytest.approx(float(value), rel=1e-9)


def test_a_dual_point_that_is_not_balanced_proves_nothing_it_should_not():
    """The softmax loss was refused with free terms: its bound ignored that b is free."""
    X, y = gaussian(6, 2), np.eye(2)[[0, 0, 0, 0, 1, 0]]
    problem = hc.TrainingProblem(X, y, 0.1, "softmax", intercept=True)
    assert problem.dual_bound(y - 0.5, 1.0) == 0.0
    best = problem.dual_bound(y - y.mean(axis=0), 1e-9)
    assert best == pytest.approx(6 * -(np.log(5 / 6) * 5 + np.log(1 / 6)) / 6, rel=1e-9)
