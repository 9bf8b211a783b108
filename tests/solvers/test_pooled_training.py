"""Networks with a slope, patches, skip and intercept, trained: against two other judges.

The convex program over all chambers of the patches in CVXPY; descent from many starts; and rational
arithmetic for M(nu) in the plane and for dual points that free terms ask to be balanced exactly.
"""

from fractions import Fraction

import cvxpy as cp
import exact
import numpy as np
import pytest
from scipy.optimize import minimize

import hidden_convexity as hc
from hidden_convexity.equivalences.parts import Program
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.oracle import DualMaximum
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.oracle.pooled import one_of_opposites
from hidden_convexity.problem.free_terms import FreeTerms
from hidden_convexity.problem.pooling import Pooling


def reference(problem):
    """The optimal value by CVXPY, over the chambers of all patches, written out without merging."""
    X, y = problem.X, problem.y
    n, d = len(X), X.shape[-1]
    patches = X.size // (n * d)
    R, A = X.reshape(-1, d), np.kron(np.eye(n), np.full((1, patches), 1 / patches))
    outputs, price, cones = np.zeros(n), 0.0, []
    if R.any():
        patterns = Arrangement.enumerate(R).patterns
        slopes, signs = np.where(patterns, 1.0, problem.slope), 2.0 * patterns - 1.0
        u, v = (cp.Variable((d, patterns.shape[1])) for _ in range(2))
        outputs = A @ cp.sum(cp.multiply(slopes, R @ (u - v)), axis=1)
        price = cp.sum(cp.norm(u, 2, axis=0)) + cp.sum(cp.norm(v, 2, axis=0))
        cones = [cp.multiply(signs, R @ z) >= 0 for z in (u, v)]
    if problem.skip:
        outputs = outputs + (A @ R) @ cp.Variable(d)
    if problem.intercept:
        outputs = outputs + cp.Variable()
    if problem.loss == "squared":
        loss = 0.5 * cp.sum_squares(outputs - y)
    else:
        loss = cp.sum(cp.logistic(-cp.multiply(y, outputs)))
    return Program(loss + problem.beta * price, cones).solve()


def random_problem(seed):
    """A tiny problem: data of any kind, ties and zero patches among them."""
    rng = np.random.default_rng([seed, 16])
    d, n, patches = rng.integers(1, 4), rng.integers(1, 7), rng.integers(1, 4)
    if d == 3:
        n, patches = min(n, 4), min(patches, 2)
    shape = (n, patches, d) if rng.random() < 0.5 else (n, d)
    ties = rng.random() < 0.5
    X = rng.integers(-1, 2, size=shape).astype(float) if ties else rng.normal(size=shape)
    if rng.random() < 0.3:
        X[..., -1] = 1.0
    loss = "squared" if rng.random() < 0.6 else "logistic"
    y = rng.normal(size=n) if loss == "squared" else rng.choice([-1.0, 1.0], size=n)
    kinds = {"slope": rng.choice([0.0, 0.2, -1.0, -2.0]), "loss": loss}
    free = {"skip": bool(rng.random() < 0.4), "intercept": bool(rng.random() < 0.4)}
    return hc.TrainingProblem(X, y, rng.choice([0.02, 0.1, 0.4]), **kinds, **free)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_training_has_the_value_of_the_program_over_all_chambers(seed):
    problem = random_problem(seed)
    solution, value = hc.train(problem, tol=1e-8), reference(problem)
    # Where free terms fit all targets the value is 0, which the reference knows to 1e-6.
    assert solution.objective == pytest.approx(value, rel=1e-6, abs=1e-6)
    assert solution.lower_bound <= value * (1 + 1e-6) + 1e-9
    assert problem.objective(solution.network) == solution.objective
    if problem.loss == "squared" and value > 1e-6:
        assert solution.gap <= 1e-8


def descended(problem, rng, neurons=6):
    """P where L-BFGS ends, on all weights, free terms included, from a random start."""
    d, free = problem.X.shape[-1], problem.free_terms.columns.shape[1]

    def network(weights):
        W, a = weights[: neurons * d].reshape(neurons, d), weights[neurons * d :][:neurons]
        terms = problem.free_weights(weights[len(weights) - free :]) if free else {}
        return hc.ReLUNetwork(W, a, problem.slope, **terms)

    start = rng.normal(size=neurons * (d + 1) + free)
    found = minimize(lambda weights: problem.objective(network(weights)), start, method="L-BFGS-B")
    return found.fun


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_descent_from_many_starts_never_ends_below_the_bound(seed):
    problem, rng = random_problem(seed), np.random.default_rng(seed)
    bound = hc.train(problem, tol=1e-8).lower_bound
    assert min(descended(problem, rng) for _ in range(5)) >= bound


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0, -3.0])
@pytest.mark.parametrize("n", [1, 4])
def test_the_bound_on_pooled_neurons_holds_in_rational_arithmetic(slope, n):
    """M over the patches one by one, each with its nu_i / K: no merging, no weights of rows.

    Weights of merged patches were sums of rounded 1 / K, and what that loses was not counted.
    """
    rng = np.random.default_rng([n, 1 + int(slope < 0)])
    for _ in range(6):
        X = rng.integers(-1, 2, size=(n, 7, 2)).astype(float) * rng.choice([1.0, 0.1, 1 / 3])
        nu = rng.normal(size=n)
        problem = hc.TrainingProblem(X, nu, 1.0, slope=slope)
        found = HiddenLayer.of(problem, proof=True).last(nu)
        below = [slope * v for v in nu]  # exact judge: phi(t) = t_+ - slope (-t)_+
        rows = np.concatenate([X.reshape(-1, 2), -X.reshape(-1, 2)])
        # 7 nu.(A phi) has weights that are floats, or rounded once by the slope.
        weights = np.concatenate([np.repeat(nu, 7), -np.repeat(below, 7)])
        used = rows.any(axis=1) & (weights != 0)
        lines, of_line = np.unique(rows[used], axis=0, return_inverse=True)
        sums = [sum(map(Fraction, weights[used][of_line == k])) for k in range(len(lines))]
        square = exact_maximum_squared(lines, sums)
        assert Fraction(float(found.bound)) ** 2 * (1 + Fraction(1, 2**50)) ** 2 >= square / 49
        assert found.bound**2 <= float(square / 49) * (1 + 1e-12) + 1e-300


def exact_maximum_squared(rows, weights):
    """M^2 in the plane for rational weights: the largest over directions of every face."""
    rows = [[Fraction(float(v)) for v in row] for row in rows]
    best = Fraction(0)
    directions = [list(sign * v for v in (row[1], -row[0])) for row in rows for sign in (1, -1)]
    # Between hyperplanes: a direction next to each, towards its row and away from it.
    between = []
    for k, u in enumerate(directions):
        x = rows[k // 2]
        for side in (1, -1):
            active = [
                i
                for i, row in enumerate(rows)
                if (along := exact.dot(row, u)) > 0 or (along == 0 and side * exact.dot(row, x) > 0)
            ]
            a = [sum(weights[i] * rows[i][c] for i in active) for c in (0, 1)]
            between += [a, [-v for v in a]]
    for u in directions + between:
        length = exact.dot(u, u)
        if length:
            height = sum(
                w * max(exact.dot(row, u), Fraction(0))
                for w, row in zip(weights, rows, strict=True)
            )
            best = max(best, height * height / length)
    return best


# Free terms: bounds of points that are orthogonal to them exactly


def test_a_dual_point_that_is_not_balanced_proves_nothing_it_should_not():
    """nu = y was taken for a dual point although free terms alone fit y: P can be 0."""
    t = np.arange(6.0)
    problem = hc.TrainingProblem(np.column_stack([t, np.ones(6)]), 2 * t + 1, 0.1, skip=True)
    assert problem.dual_bound(problem.y, 1e-3) == 0.0
    assert hc.train(problem).objective < 1e-20


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_way_to_a_balanced_point_is_as_long_as_in_rational_arithmetic(loss):
    rng = np.random.default_rng(2)
    for near in (1.0, 1e-4, 1e-8):
        Z = rng.normal(size=(9, 2))
        Z[:, 1] = Z[:, 0] + near * Z[:, 1]
        nu, weights = rng.normal(size=9), None
        if loss == "logistic":
            nu = rng.uniform(0.01, 0.99, size=9) * rng.choice([-1.0, 1.0], size=9)
            weights = np.abs(nu) * (1 - np.abs(nu))
        terms = FreeTerms(Z)
        nu = terms.balance(nu, weights)
        found = terms.distances(nu, weights)
        assert found.max() < 1e-14 / near * 100
        assert (found >= [abs(v) for v in exact_shares(Z, nu, weights)]).all()


def exact_shares(Z, nu, weights):
    """Z c with Z'(nu - H Z c) = 0, by Cramer's rule."""
    H = [Fraction(1)] * len(Z) if weights is None else [Fraction(float(w)) for w in weights]
    a, b = ([Fraction(float(v)) for v in column] for column in Z.T)
    nu = [Fraction(float(v)) for v in nu]

    def product(p, q):
        return sum(h * s * t for h, s, t in zip(H, p, q, strict=True))

    aa, ab, bb = product(a, a), product(a, b), product(b, b)
    an, bn = exact.dot(a, nu), exact.dot(b, nu)
    determinant = aa * bb - ab * ab
    c = (an * bb - bn * ab) / determinant, (aa * bn - ab * an) / determinant
    return [c[0] * s + c[1] * t for s, t in zip(a, b, strict=True)]


@pytest.mark.parametrize("columns", ["equal", "zero", "ones", "tiny"])
def test_columns_that_depend_on_each_other_are_left_out_of_the_skip(columns):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 2)), rng.normal(size=12)
    extra = {
        "equal": X[:, 0],
        "zero": 0 * y,
        "ones": 0 * y + 1,
        "tiny": 1e-60 * rng.normal(size=12),
    }
    X = np.column_stack([X, extra[columns]])
    problem = hc.TrainingProblem(X, y, 0.3, slope=0.2, skip=True, intercept=True)
    assert len(problem.free_terms) == (4 if columns == "tiny" else 3)
    solution = hc.train(problem, tol=1e-7)
    assert solution.gap <= 1e-7
    assert solution.objective == pytest.approx(reference(problem), rel=1e-6) or columns == "tiny"


def test_labels_that_free_terms_separate_leave_nothing_to_prove():
    X, y = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, -2.0]]), np.array([1.0, 1.0, -1.0])
    solution = hc.train(hc.TrainingProblem(X, y, 0.1, "logistic", skip=True))
    assert solution.objective < 1e-20
    assert solution.lower_bound == 0


# Data at the edge


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("d", [2, 3])
def test_no_neuron_of_absolute_value_is_there_twice(d, outputs):
    """|Xu| = |X(-u)|: both entered, each with a feature of its own, and half a batch was wasted."""
    rng = np.random.default_rng(d)
    X, y = rng.normal(size=(60, d)), rng.normal(size=(60, outputs))
    y = y[:, 0] if outputs == 1 else y
    problem = hc.TrainingProblem(X, y, 0.02 * np.abs(y).sum(), slope=-1.0)
    network = hc.train(problem, tol=1e-4).network
    units = network.hidden_weights / np.linalg.norm(network.hidden_weights, axis=1, keepdims=True)
    cosines = np.abs(units @ units.T)
    assert len(units) > 1
    assert np.all(cosines[np.triu_indices(len(units), 1)] < 1 - 1e-9)
    found = DualMaximum(
        2.0, 3.0, np.vstack([np.eye(d), -np.eye(d)[::-1]]), np.linspace(2, 1, 2 * d)
    )
    kept = one_of_opposites(found)
    np.testing.assert_array_equal(kept.directions, np.eye(d))
    np.testing.assert_array_equal(kept.values, found.values[:d])


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0])
@pytest.mark.parametrize("kind", ["zero", "equal", "one sample", "one patch", "scales"])
def test_degenerate_patches_train(kind, slope):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(5, 3, 2)), rng.normal(size=5)
    if kind == "zero":
        X = 0 * X
    elif kind == "equal":
        X[:] = [0.1, -0.7]
    elif kind == "one sample":
        X, y = X[:1], y[:1]
    elif kind == "one patch":
        X = X[:, :1]
    else:
        X *= 10.0 ** rng.integers(-6, 7, size=(5, 1, 1))
    for free in ({}, {"intercept": True}):
        problem = hc.TrainingProblem(X, y, 0.01, slope=slope, **free)
        solution = hc.train(problem, tol=1e-7)
        assert solution.gap <= 1e-7 or solution.objective < 1e-20
        assert hc.certify(solution.network, problem).lower_bound <= solution.objective * (1 + 1e-9)


def test_weights_of_repeated_patches_are_rounded_once():
    """1/49 added up 49 times is not 1."""
    pooling = Pooling.of(np.ones((1, 49, 2)), 0.0)
    assert pooling.averages.toarray().tolist() == [[1.0]]
