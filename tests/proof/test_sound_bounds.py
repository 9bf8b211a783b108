"""Bounds that cannot be below what they bound: each fault there was, and rational arithmetic."""

import decimal
import functools
import pickle
from fractions import Fraction

import exact
import judge
import numpy as np
import pytest
import trouble
from hypothesis import given, settings
from hypothesis import strategies as st

import hidden_convexity as hc
from hidden_convexity.geometry.hyperplanes import coordinates
from hidden_convexity.oracle import (
    Ascent,
    BranchAndBound,
    Circle,
    DualMaximum,
    Exhaustive,
    exhaustive,
    proving_oracle,
)
from hidden_convexity.problem.gap import SAME_VALUE, ContradictedProof, relative_gap
from hidden_convexity.problem.losses import LOSSES


def through_chambers(X, dropped=None):
    return Exhaustive(hc.Arrangement.enumerate(X), dropped)


def branch_and_bound(X, dropped=None):
    return BranchAndBound(X, max_seconds=5.0, dropped=dropped)


EPS = np.finfo(float).eps
PROVING = [Circle, through_chambers, branch_and_bound]


def cross(p, q):
    return p[0] * q[1] - p[1] * q[0]


def by_angle(p, q):
    """Order of two vectors around the circle, from angle 0 on."""
    halves = [(v[1], v[0]) <= (0, 0) for v in (p, q)]
    return (
        halves[0] - halves[1] if halves[0] != halves[1] else (cross(q, p) > 0) - (cross(p, q) > 0)
    )


def height(rows, nu, u):
    """nu.(Xu)_+ for rational data."""
    return sum(c * max(x * u[0] + y * u[1], 0) for (x, y), c in zip(rows, nu, strict=True))


def exact_square(X, nu):
    """M(nu)^2 of data in the plane, a rational number: breakpoints, and each arc's own a.

    An arc's a counts where it lies on the arc, that is where its height is its length.
    """
    rows = [(Fraction(x), Fraction(y)) for x, y in np.asarray(X, dtype=float).tolist()]
    nu = [Fraction(c) for c in np.asarray(nu, dtype=float).tolist()]
    turned = [v for x, y in rows if (x, y) != (0, 0) for v in ((-y, x), (y, -x))]
    turned.sort(key=functools.cmp_to_key(by_angle))
    points = [v for k, v in enumerate(turned) if k == 0 or by_angle(turned[k - 1], v) != 0]
    best = max([height(rows, nu, v) ** 2 / (v[0] ** 2 + v[1] ** 2) for v in points], default=0)
    for before, after in zip(points, points[1:] + points[:1], strict=True):
        sizes = [max(abs(v[0]), abs(v[1])) for v in (before, after)]
        inside = tuple(before[k] / sizes[0] + after[k] / sizes[1] for k in (0, 1))
        if cross(before, after) <= 0:  # half the circle
            inside = (-before[1], before[0])
        active = [x * inside[0] + y * inside[1] > 0 for x, y in rows]
        a = [
            sum(c * row[k] for row, c, on in zip(rows, nu, active, strict=True) if on)
            for k in (0, 1)
        ]
        square = a[0] ** 2 + a[1] ** 2
        if square > 0:
            best = max(
                best,
                max(abs(height(rows, nu, (s * a[0], s * a[1]))) for s in (1, -1)) ** 2 / square,
            )
    return best


def is_sound(found, X, nu, square):
    """bound >= M >= value, up to the rounding of the sum that is the value: terms may cancel."""
    rounding = (len(nu) + 64 * len(X[0])) * EPS * judge.total_size(X, nu)
    within = found.value <= judge.sqrt_of(square) + rounding
    return Fraction(found.bound) ** 2 >= square and found.bound >= found.value and within


@st.composite
def troubled(draw):
    """Rows made to tie and to round: what has fooled a sweep of the circle before."""
    n, seed = draw(st.integers(1, 6)), draw(st.integers(0, 2**32 - 1))
    kind = draw(st.sampled_from(["lines", "grid", "bias", "jitter", "sizes", "columns", "far"]))
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if kind == "lines":
        X = turn[rng.integers(0, 2, n)] * rng.integers(-4, 5, (n, 1))
    elif kind == "grid":
        X = rng.integers(-3, 4, (n, 2)) @ turn
    elif kind == "bias":
        X = np.column_stack([rng.integers(-5, 6, n), np.ones(n)]).astype(float)
    elif kind == "jitter":
        X = turn[:1] + 10.0 ** rng.uniform(-17, -10) * rng.standard_normal((n, 2))
        X = X * rng.choice([-1.0, 1.0, 2.0], (n, 1))
    elif kind == "sizes":
        X = rng.standard_normal((n, 2)) * 10.0 ** rng.uniform(-200, 20, (n, 1))
    elif kind == "columns":
        X = rng.standard_normal((n, 2)) * [1e6, 1.0]
    else:
        X = np.column_stack([1e6 + np.arange(n), np.ones(n)])
    nu = rng.standard_normal(n) if rng.random() < 0.5 else rng.integers(-3, 4, n).astype(float)
    return X, nu


@pytest.mark.proves("cell-bound", "chamber-projection")
@pytest.mark.parametrize("oracle", PROVING)
@settings(deadline=None, max_examples=60)
@given(instance=troubled())
def test_no_bound_is_below_the_maximum_in_rational_arithmetic(oracle, instance):
    X, nu = instance
    assert is_sound(oracle(X)(nu, tolerance=1e-6), X, nu, exact_square(X, nu))


@pytest.mark.proves("chamber-projection")
@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(trouble.KINDS)),
    st.sampled_from([0.0, 0.3, 0.9, 0.999, 1.3]),
    st.sampled_from([0.0, 0.1]),
)
def test_cones_cleared_by_one_wall_are_bounded_by_what_it_leaves(seed, kind, share, tolerance):
    """One cone at a time: with so few samples all would be among the first, and be projected on."""
    made = trouble.case(seed, kind, (3, 3), 6)
    square, oracle = exact.maximum_squared(made.X, made.y), through_chambers(made.X)
    level = share * judge.sqrt_of(square)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exhaustive, "FIRST", 1)
        patch.setattr(exhaustive, "KNOWN", 1)
        found = oracle(made.y, tolerance=tolerance, level=level)
    assert is_sound(found, made.X, made.y, square)
    most = (1 + tolerance) * max(found.value, level)
    assert found.bound <= most + 4 * oracle.allowance(made.y)


@settings(deadline=None, max_examples=60)
@given(instance=troubled())
def test_the_circle_attains_its_bound_up_to_the_stated_allowance(instance):
    X, nu = instance
    oracle = Circle(X)
    found = oracle(nu)
    assert found.bound <= found.value + 3 * oracle.allowance(nu)


def test_a_peak_between_two_slopes_that_round_apart_is_found():
    """The sweep compared slopes of one arc computed in two ways, and both tests said no."""
    problem = hc.TrainingProblem([[0.1, -0.1], [-0.1, -0.1]], [0.5, -1.0], 0.1)
    solution = hc.train(problem)
    assert solution.objective == pytest.approx(0.5821, abs=1e-4)
    assert solution.gap < 1e-6
    X, y = [[1e3, -1e3], [-2e3, -2e3], [-4e3, -4e3]], [-0.0044541, 0.656475, 0.395122]
    assert hc.beta_max(X, y) == pytest.approx(float(exact_square(X, y)) ** 0.5, rel=1e-12)
    assert hc.beta_max(X, y) == pytest.approx(4091.939, abs=1e-3)


@pytest.mark.parametrize("oracle", PROVING)
@pytest.mark.parametrize("tiny", [1e-162, 1e-170, 1e-300, 5e-324])
def test_a_row_whose_square_underflows_still_has_a_direction(oracle, tiny):
    """Plain norms made NaN tangents of it, and a bound of 2.8e-17 for 2.05."""
    X, nu = [[1.0, 2.0], [0.0, tiny], [-0.5, 1.0]], [1.0, 0.5, -0.3]
    found = oracle(X)(nu, tolerance=1e-6)
    assert is_sound(found, X, nu, exact_square(X, nu))
    assert found.bound == pytest.approx(2.05244, abs=1e-5)


def test_the_circle_sees_a_row_of_which_rounding_vanishes():
    """Its peak was 0 in units of 1, and the value at a breakpoint contradicted the bound."""
    X = np.array([[-1e-310, 0.0], [3.0, 1.0], [5e-324, 1.0], [-2.0, 0.0]])
    found = Circle(X)([1.0, 0.0, 0.0, 0.0])
    assert found.bound >= found.value == 1e-310


def test_balancing_keeps_a_neuron_whose_square_underflows():
    network = hc.ReLUNetwork([[1e-170] * 2], [1e170]).balance()
    assert len(network) == 1
    assert network([[1.0, 1.0]])[0] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("X", "y", "beta", "better"),
    [
        ([[1e6, 1], [1e6 + 1, 1], [1e6 + 2, 1]], [1, -2, 1], 1e-9, 2.0096),
        ([[1, 0], [1, 1e-12]], [1, -1], 1e-13, 0.5),
    ],
)
def test_a_direction_that_is_nearly_empty_is_not_left_out_of_the_bound(X, y, beta, better):
    """Rank 1 within 1e-12, so one column was dropped, and a bound of 3.0 called global."""
    solution = hc.train(hc.TrainingProblem(X, y, beta))
    assert solution.scope == "global"
    assert solution.lower_bound <= better


@pytest.mark.slow
@pytest.mark.parametrize("oracle", [through_chambers, branch_and_bound])
@pytest.mark.parametrize("height", [1e-13, 1e-12, 1e-11])
def test_directions_that_an_oracle_drops_are_charged(oracle, height):
    X = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, height], [1.0, 1.0, height]])
    nu = np.array([1.0, -1.0, -1.0, 1.0])
    # The rows cancel but for this: at u = (1, 0.1, 0) all are active, and X'nu = 0.
    lowest = max(abs(np.maximum(X @ u, 0) @ nu) for u in ([-1.0, 1.0, 0.3], [-1.0, 1.0, -0.3]))
    assert oracle(X)(nu, tolerance=1e-3).bound >= lowest / np.sqrt(2.09)
    reduced = coordinates(X)
    prove = proving_oracle(reduced.rows, exact=True, dropped=reduced.dropped)
    assert prove(nu, tolerance=1e-3).bound >= lowest / np.sqrt(2.09)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 5), st.integers(1, 5))
def test_coordinates_know_how_far_rows_were_moved(seed, n, d, rank):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))
    X += 1e-13 * rng.standard_normal((n, d))
    reduced = coordinates(X)
    distances = np.linalg.norm(X - reduced.rows @ reduced.basis.T, axis=1)
    assert reduced.rows.shape[1] >= 2
    assert np.all(distances <= reduced.dropped) or not reduced.dropped.any()
    assert np.all(reduced.dropped <= 1e-10 * np.linalg.norm(X, axis=1).max())


def test_data_in_the_plane_stay_as_they_are():
    X = np.array([[1e6, 1.0], [1e6 + 1, 1.0]])
    reduced = coordinates(X)
    assert reduced.rows is X and not reduced.dropped.any()


@pytest.mark.parametrize("oracle", PROVING)
def test_what_was_dropped_at_the_door_is_added_to_every_bound(oracle):
    rng = np.random.default_rng(0)
    X, nu, dropped = rng.standard_normal((8, 2)), rng.standard_normal(8), rng.uniform(0, 1, 8)
    plain, charged = oracle(X)(nu, tolerance=1e-6), oracle(X, dropped)(nu, tolerance=1e-6)
    assert charged.bound - plain.bound == pytest.approx(np.abs(nu) @ dropped, rel=1e-5)
    assert charged.value == plain.value
    for wrong in (dropped[1:], -dropped):
        with pytest.raises(ValueError, match="dropped"):
            oracle(X, wrong)


@pytest.mark.parametrize("seed", range(40))
def test_cuts_of_a_relaxation_keep_the_weights_of_the_step_taken(seed):
    """Weights of a step that was not taken could make an activity negative, and a bound too low."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((60, 2)), np.ones(60)])
    nu = rng.standard_normal(60)
    found = BranchAndBound(X)(nu, tolerance=1e-6)
    assert found.bound <= (1 + 1e-6) * found.value * (1 + 1e-12)
    near = found.directions[0] + 1e-5 * rng.standard_normal((2000, 3))
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    assert np.abs(np.maximum(near @ X.T, 0) @ nu).max() <= found.bound


def test_every_oracle_states_its_allowance():
    rng = np.random.default_rng(1)
    X, nu = rng.standard_normal((9, 2)), rng.standard_normal(9)
    size = np.abs(nu) @ np.linalg.norm(X, axis=1)
    for oracle in PROVING:
        assert 0 < oracle(X).allowance(nu) < 1e-12 * size
        with pytest.raises(ValueError, match="nu"):
            oracle(X).allowance(nu[1:])
    assert Ascent(X).allowance(nu) == np.inf == Ascent(X)(nu).bound


@pytest.mark.parametrize("copies", [1, 2])
def test_a_list_that_is_not_known_to_be_complete_is_charged_for_thin_chambers(copies):
    """A turned grid has triples of rows that meet nearly, and chambers too thin to be listed."""
    grid = np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]])
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    X, nu = np.repeat(grid @ Q, copies, axis=0), np.ones(6 * copies)
    size = np.abs(nu) @ np.linalg.norm(X, axis=1)
    assert through_chambers(X).allowance(nu) >= 1e-13 * size
    general = np.random.default_rng(1).standard_normal((6, 3))
    assert through_chambers(general).allowance(np.ones(6)) < 1e-13 * size


def test_a_bound_above_an_objective_is_an_error_and_says_what_to_report():
    assert relative_gap(1.0, 1.0 + SAME_VALUE / 2) == 0.0
    assert relative_gap(0.0, 0.0) == 0.0
    for objective, bound in ((1.0, 1.0 + 2 * SAME_VALUE), (0.0, 1e-300), (1e-300, 1.0)):
        with pytest.raises(ContradictedProof, match="report"):
            relative_gap(objective, bound)
        assert relative_gap(objective, bound, proven=False) == 0.0
    network = hc.ReLUNetwork(np.zeros((0, 1)), [])
    problem = hc.TrainingProblem([[1.0]], [1.0], 1.0)
    with pytest.raises(ContradictedProof, match="savez"):
        hc.Solution(network, 1.0, 1.1, "global", [], "exact")
    with pytest.raises(ContradictedProof, match="savez"):
        hc.Certificate(1.0, 1.1, "global", np.zeros(1), network, problem, np.zeros(1))
    searched = hc.Certificate(1.0, 1.1, "searched", np.zeros(1), network, problem, np.zeros(1))
    assert searched.gap == 0.0


def test_a_bound_below_an_attained_value_is_an_error():
    with pytest.raises(ContradictedProof, match="attained"):
        DualMaximum(1.0, 0.9, np.eye(1), np.ones(1))
    with pytest.raises(ContradictedProof, match="attained"):
        DualMaximum.proven(np.eye(2), np.ones(2), 0.99, np.eye(2)[:1], np.ones(1))
    assert DualMaximum.proven(np.eye(2), np.ones(2), 1.0, np.eye(2)[:1], np.ones(1)).bound == 1.0


def test_a_network_of_columns_that_the_problem_leaves_out_is_refused():
    """The bound for all others was called contradicted, and an error of this library."""
    rng = np.random.default_rng(0)
    x, apart = rng.normal(size=(2, 12))
    X = np.column_stack([x, x + 2e-13 * apart])
    problem = hc.TrainingProblem(X, (X[:, 1] - X[:, 0]) / 2e-13, 0.01, skip=True)
    none = np.zeros((0, 2)), np.zeros(0)
    with pytest.raises(ValueError, match="columns that depend on others"):
        hc.certify(hc.ReLUNetwork(*none, skip=[-5e12, 5e12]), problem)
    assert hc.certify(hc.ReLUNetwork(*none, skip=[0.5, 0.5]), problem).scope == "global"


def test_free_weights_on_columns_that_depend_on_others_exactly_are_welcome():
    X = np.column_stack([np.arange(5.0), np.ones(5)])
    problem = hc.TrainingProblem(X, 3 + X[:, 0], 0.01, skip=True, intercept=True)
    network = hc.ReLUNetwork(np.zeros((0, 2)), np.zeros(0), skip=[1.0, 1.5], intercept=1.5)
    assert hc.certify(network, problem).gap == 0


def test_the_error_survives_a_process_pool():
    error = ContradictedProof("a", "b")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert isinstance(error, ArithmeticError) and hc.ContradictedProof is ContradictedProof


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_the_dual_value_of_the_squared_loss_is_below_the_exact_one(seed, n):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n) * 10.0 ** rng.integers(-3, 4, n)
    nu, beta, maximum = rng.standard_normal(n), rng.uniform(0, 2), rng.uniform(0.1, 3)
    problem = hc.TrainingProblem(np.ones((n, 1)), y, beta)
    exact = [Fraction(value) for value in nu.tolist()]
    fit = sum(a * Fraction(b) for a, b in zip(exact, y.tolist(), strict=True))
    energy = sum(a * a for a in exact)
    assert Fraction(problem.dual_value(nu)) <= fit - energy / 2
    size = float(np.abs(nu * y).sum() + energy)
    assert problem.dual_value(nu) >= float(fit - energy / 2) - 1e-13 * size
    most = Fraction(beta) / Fraction(maximum)
    scale = max(min(most, fit / energy), 0)
    assert Fraction(problem.dual_bound(nu, maximum)) <= max(scale * fit - scale**2 * energy / 2, 0)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.floats(1e-20, 1.0))
def test_the_dual_value_of_the_logistic_loss_is_below_the_exact_one(seed, n, scale):
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], n)
    nu = y * (rng.uniform(0, 1, n) if seed % 2 else 10.0 ** rng.uniform(-30, 0, n))
    with decimal.localcontext() as context:
        context.prec = 100
        exact = decimal.Decimal(0)
        for p in (nu * y).tolist():
            p = decimal.Decimal(p) * decimal.Decimal(scale)
            exact -= sum(q * q.ln() for q in (p, 1 - p) if q > 0)
    value = LOSSES["logistic"]().dual_value(y, nu, scale)
    assert decimal.Decimal(value) <= exact
    assert value >= float(exact) * (1 - 1e-13) - 1e-14 * n


def test_splines_and_mirrors_do_not_hide_a_bound_above_the_objective():
    x = np.linspace(0, 1, 30)
    y = np.sin(7 * x)
    for solution in (hc.splines.train(x, y, 1e-2), hc.mirrors.train(x, y, 1e-2)):
        assert solution.lower_bound <= solution.objective * (1 + SAME_VALUE)
        assert solution.gap < 1e-6


@pytest.mark.parametrize("size", [1e-153, 3e-156, 7e-160])
def test_a_dual_bound_from_a_point_whose_squares_underflow_is_below_the_optimum(size):
    """With nu.nu of few digits the scaled dual value was above the loss of all networks."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=5)
    nu = size * (y + rng.normal(size=5))
    problem = hc.TrainingProblem(np.eye(5), y, 1e3)
    exact = [Fraction(float(one)) for one in nu]
    fit = sum(a * Fraction(float(b)) for a, b in zip(exact, y, strict=True))
    best = fit**2 / (2 * sum(one * one for one in exact))
    assert 0 <= Fraction(problem.dual_bound(nu, 10 * size)) <= best
