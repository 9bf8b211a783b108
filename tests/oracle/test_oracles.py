"""The dual oracles, searching, proving and exact, against brute force over patterns."""

import tracemalloc
from itertools import product
from time import process_time

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import lsq_linear, nnls

import hidden_convexity as hc
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.oracle import BoundedOrListed, proving_oracle, search
from hidden_convexity.oracle import ascent as ascents
from hidden_convexity.oracle.ascent import Ascent
from hidden_convexity.oracle.branch_and_bound import BranchAndBound
from hidden_convexity.oracle.circle import Circle
from hidden_convexity.oracle.exhaustive import Exhaustive
from hidden_convexity.oracle.flats import (
    one_sided_slopes,
    releases,
    span_of_tight_rows,
    steepest_release,
)
from hidden_convexity.oracle.several_outputs import VectorAscent


def heights(X, nu, directions):
    """nu.(Xu)_+ for each row u of `directions`."""
    return np.maximum(directions @ X.T, 0) @ nu


def largest_over_all_patterns(X, nu):
    """M(nu), from all 2^n patterns."""
    return largest_over(product([True, False], repeat=len(X)), X, nu)


def largest_over(patterns, X, nu):
    """The maximum over some patterns: |nu.(Xu)_+| is linear on the closed cone of each.

    The largest a.u over the cone {S u >= 0} and the unit ball is the norm of the projection of a
    on the cone, a + S^T m with the m >= 0 that makes it shortest. Patterns that occur nowhere, or
    on a lower-dimensional face only, have cones where the formula holds as well.
    """
    best = 0.0
    for pattern in patterns:
        pattern = np.array(pattern)
        S = np.where(pattern[:, None], X, -X)
        for sign in (1, -1):
            best = max(best, np.linalg.norm(projection(S, sign * X.T @ (pattern * nu))))
    return best


def projection(S, a):
    """Of a on the cone {S u >= 0}; SciPy's nnls does not always end there, but says how far."""
    multipliers, left = nnls(S.T, -a)
    if abs(np.linalg.norm(a + S.T @ multipliers) - left) > 1e-9 * (1 + left):
        multipliers = lsq_linear(S.T, -a, (0, np.inf), method="bvls").x
    return a + S.T @ multipliers


# On these data nnls ends at 5.24 for a pattern whose cone has no more than 4.90.
EQUAL_ROWS = np.array([[0.0, 2, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, -2, 1]])
RESIDUAL = np.array([0.0, -2, 2, 0, -2])


def random_directions(count, d, seed=0):
    directions = np.random.default_rng(seed).standard_normal((count, d))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


@st.composite
def ties(draw, min_d=1, max_d=4):
    """Small integer data: zero, repeated, opposite, parallel and dependent rows; n < d too."""
    n, d = draw(st.integers(1, 6)), draw(st.integers(min_d, max_d))
    X = draw(arrays(np.int64, (n, d), elements=st.integers(-2, 2)))
    nu = draw(arrays(np.int64, n, elements=st.integers(-3, 3)))
    return X.astype(float), nu.astype(float)


def generic(n, d, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)])
    return X, rng.standard_normal(n)


@pytest.mark.slow
@pytest.mark.proves("chamber-projection", "cell-bound")
@settings(deadline=None, max_examples=150)
@given(ties(), st.sampled_from([1e-1, 1e-3, 1e-6]))
@example((EQUAL_ROWS, RESIDUAL), 1e-3)
def test_branch_and_bound_brackets_the_maximum(instance, tolerance):
    X, nu = instance
    exact = largest_over_all_patterns(X, nu)
    found = BranchAndBound(X)(nu, tolerance=tolerance)
    rounding = 1e-12 * np.abs(nu) @ np.linalg.norm(X, axis=1)
    assert found.value - rounding <= exact <= found.bound + rounding
    assert found.bound <= (1 + tolerance) * found.value + rounding


@settings(deadline=None, max_examples=150)
@given(ties(), st.sampled_from([1e-1, 1e-3, 1e-6]), st.floats(0, 1.1))
def test_a_proof_that_stops_at_a_violator_has_one_and_a_valid_bound(instance, tolerance, share):
    """Without random starts some maxima are missed by ascents, and met by the centres of cells."""
    X, nu = instance
    exact = largest_over_all_patterns(X, nu)
    stop = share * exact
    found = BranchAndBound(X, random_starts=0)(nu, tolerance=tolerance, stop=stop)
    rounding = 1e-12 * np.abs(nu) @ np.linalg.norm(X, axis=1)
    assert found.value - rounding <= exact <= found.bound + rounding
    assert found.value > stop or found.bound <= (1 + tolerance) * found.value + rounding


def hidden_maximum():
    """Data whose highest maximum ascents from the axes miss, what they reach, and the maximum."""
    for seed in range(100):
        X, nu = generic(200, 4, seed)
        oracle = BranchAndBound(X, random_starts=0)
        reached = oracle.ascent(nu, starts=oracle.with_axes(None)).value
        if reached < 0.995 * Ascent(X)(nu).value:
            return X, nu, reached, BranchAndBound(X)(nu, 1e-6)


def test_a_proof_ends_at_the_first_violator_and_bounds_again_from_it(monkeypatch):
    """A proof used to be finished before the violator that it had met was told."""
    monkeypatch.setattr(search, "FIRST_WORK", 10_000)
    X, nu, reached, exact = hidden_maximum()
    oracle = BranchAndBound(X, random_starts=0)
    whole, stopped = oracle(nu, 1e-4), oracle(nu, 1e-4, stop=(reached + exact.value) / 2)
    assert stopped.value > (reached + exact.value) / 2 and stopped.bound >= exact.value
    assert stopped.cells < whole.cells and stopped.bound <= search.NEAR * stopped.value
    # Of a maximum that ascents reach the bound is what is asked for.
    again = oracle(nu, 1e-4, starts=exact.directions, stop=reached)
    assert again.bound <= (1 + 2e-4) * exact.value and again.cells > stopped.cells


def test_a_violator_above_all_known_ones_ends_a_proof_soon(monkeypatch):
    """One known above `stop` made the call finish its proof, whatever else was met."""
    monkeypatch.setattr(search, "FIRST_WORK", 10_000)
    X, nu, reached, exact = hidden_maximum()
    oracle = BranchAndBound(X, random_starts=0)
    whole, stopped = oracle(nu, 1e-4), oracle(nu, 1e-4, stop=reached / 2)
    assert stopped.value > reached and stopped.cells < whole.cells / 2
    assert exact.value <= stopped.bound <= search.NEAR * stopped.value


def test_chambers_are_not_listed_for_a_bound_that_nobody_needs(monkeypatch):
    monkeypatch.setattr(search, "FIRST_WORK", 10_000)
    X, nu, reached, exact = hidden_maximum()
    monkeypatch.setattr(Arrangement, "enumerate", None)
    oracle = BoundedOrListed(X)
    oracle._bounds.ascent = oracle._bounds.climb
    found = oracle(nu, tolerance=1e-4, stop=(reached + exact.value) / 2)
    assert found.value > (reached + exact.value) / 2


def is_local_maximum(X, nu, u, value):
    """No nearby direction has a value of this sign that is larger by more than rounding."""
    around = u + 1e-6 * random_directions(200, X.shape[1])
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    rounding = 1e-14 * np.abs(nu) @ np.linalg.norm(X, axis=1)
    return np.all(np.sign(value) * heights(X, nu, around) <= abs(value) + rounding)


@settings(deadline=None, max_examples=150)
@given(ties(min_d=2, max_d=2))
def test_the_sweep_of_the_circle_is_exact(instance):
    X, nu = instance
    found = Circle(X)(nu)
    rounding = 1e-13 * np.abs(nu) @ np.linalg.norm(X, axis=1)
    assert found.value <= found.bound <= found.value + rounding
    assert found.value == pytest.approx(largest_over_all_patterns(X, nu), abs=rounding)
    np.testing.assert_allclose(heights(X, nu, found.directions), found.values, atol=rounding)
    assert np.all(np.diff(np.abs(found.values)) <= 0)
    for u, value in zip(found.directions, found.values, strict=True):
        assert is_local_maximum(X, nu, u, value)


@pytest.mark.parametrize("seed", range(5))
def test_the_sweep_finds_every_local_maximum_above_the_level(seed):
    X, nu = generic(15, 2, seed)
    nu -= X @ np.linalg.lstsq(X, nu)[0]  # no linear trend, or one peak is above all others
    angles = np.linspace(0, 2 * np.pi, 100_001)[:-1]
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    height = np.abs(heights(X, nu, directions))
    level = 0.3 * height.max()
    peaks = (height > np.roll(height, 1)) & (height > np.roll(height, -1)) & (height > level)
    found = Circle(X)(nu, level=level)
    assert len(found.values) == peaks.sum() > 1
    assert np.all(np.abs(found.values) > level)
    assert (found.directions @ directions[peaks].T).max(axis=0).min() > np.cos(1e-4)


@settings(deadline=None, max_examples=100)
@given(ties())
def test_going_through_the_chambers_is_exact(instance):
    X, nu = instance
    found = Exhaustive(Arrangement.enumerate(X))(nu)
    rounding = 1e-12 * np.abs(nu) @ np.linalg.norm(X, axis=1)
    assert found.value == pytest.approx(largest_over_all_patterns(X, nu), abs=rounding)
    assert found.value <= found.bound <= found.value + rounding
    np.testing.assert_allclose(heights(X, nu, found.directions), found.values, atol=rounding)


@pytest.mark.parametrize(
    "X, nu",
    [
        (
            [[-2.99602404, -1.07376113], [-2.99602712, -1.07376163], [-2.99602763, -1.07375907]],
            [-0.3805879, 0.463057366, -0.0824698431],
        ),
        (
            [[1, 2.32475477e-08], [3, -1.54983652e-08], [3, 1.54983652e-08], [3, -2.32475477e-08]],
            [1.72686125, 0.321626484, -1.4458143, 0.548567397],
        ),
    ],
)
def test_a_direction_is_on_the_walls_it_is_said_to_be_on(X, nu):
    """Its value was 6e-4 and 11% too low: rows cancel, and off a wall by rounding they do not."""
    found = Exhaustive(Arrangement.enumerate(np.array(X)))(np.array(nu))
    assert found.value >= (1 - 1e-5) * found.bound


@settings(deadline=None, max_examples=60)
@given(ties(), st.integers(1, 4))
def test_over_sampled_chambers_it_is_the_maximum_over_these(instance, count):
    X, nu = instance
    some = Arrangement.sample(X, count)
    found = Exhaustive(some)(nu)
    rounding = 1e-12 * np.abs(nu) @ np.linalg.norm(X, axis=1)
    assert found.bound == pytest.approx(largest_over(some.patterns.T, X, nu), abs=rounding)
    assert found.value <= largest_over_all_patterns(X, nu) + rounding


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
@pytest.mark.parametrize("level", [0.5, 2.0])
def test_chambers_that_do_not_matter_are_bounded_too(tolerance, level):
    X, nu = generic(12, 3)
    oracle = Exhaustive(Arrangement.enumerate(X))
    exact = oracle(nu).value
    found = oracle(nu, tolerance=tolerance, level=level * exact)
    assert found.value <= exact <= found.bound * (1 + 1e-12)
    assert found.bound <= (1 + tolerance) * max(1.0, level) * exact * (1 + 1e-12)


@settings(deadline=None, max_examples=150)
@given(ties())
def test_ascent_ends_at_local_maxima_on_exactly_tight_rows(instance):
    X, nu = instance
    found = Ascent(X, random_starts=6)(nu)
    norms = np.linalg.norm(X, axis=1)
    assert np.all(np.diff(np.abs(found.values)) <= 0)
    for u, value in zip(found.directions, found.values, strict=True):
        assert np.linalg.norm(u) == pytest.approx(1, abs=1e-15 * len(u) * 4)
        assert heights(X, nu, u[None])[0] == pytest.approx(value, rel=1e-14)
        products = np.abs(X @ u)
        assert not np.any((products > 1e-12 * norms) & (products < 1e-9 * norms))
        assert is_local_maximum(X, nu, u, value)


@settings(deadline=None, max_examples=150)
@given(ties(), st.integers(0, 100))
def test_ascents_in_their_surroundings_end_at_local_maxima_of_all_rows(instance, seed):
    X, nu = instance
    starts = random_directions(6, X.shape[1], seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ascents, "COARSEN_ABOVE", 0)
        found = Ascent(X, random_starts=0)(nu, starts=starts)
    for u, value in zip(found.directions, found.values, strict=True):
        assert heights(X, nu, u[None])[0] == pytest.approx(value, rel=1e-12)
        assert is_local_maximum(X, nu, u, value)


@pytest.mark.parametrize("d", [3, 5])
def test_among_many_rows_most_of_an_ascent_is_on_few_and_its_end_on_all(d, monkeypatch):
    """Random starts climbed on a million rows each, a minute for one search."""
    X, nu = generic(10_000, d)
    nu += 3 * X[:, 0] ** 2 - 3
    best, climbed, original = Ascent(X)(nu), [], ascents.ascend_each

    def counting(columns, *rest):
        climbed.append(columns.shape[1] * len(rest[-1]))
        original(columns, *rest)

    monkeypatch.setattr(ascents, "COARSEN_ABOVE", 1_000)
    monkeypatch.setattr(ascents, "ascend_each", counting)
    found = Ascent(X)(nu)
    assert found.value == pytest.approx(best.value, rel=1e-12)
    assert sum(climbed) < 0.5 * 64 * len(X)
    around = random_directions(2_000, d)
    for u, value in zip(found.directions, np.abs(found.values), strict=True):
        near = u + 1e-5 * around
        near /= np.linalg.norm(near, axis=1, keepdims=True)
        assert (np.sign(heights(X, nu, u[None])) * heights(X, nu, near)).max() <= value


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_part_is_searched_only_where_its_noise_is_below_the_level(share, monkeypatch):
    """Ascents all ended at maxima of the noise, and missed violators of a third of the level."""
    X, nu = generic(25_000, 3)
    level = np.abs(nu) @ np.linalg.norm(X, axis=1) / np.sqrt(share * len(X))
    climbed, original = [], ascents.ascend_each

    def counting(columns, *rest):
        climbed.append(columns.shape[1])
        original(columns, *rest)

    monkeypatch.setattr(ascents, "ascend_each", counting)
    found = Ascent(X)(nu, level=level)
    assert (min(climbed) < len(X) / 5) == (share < 0.1)
    monkeypatch.setattr(ascents, "COARSEN_ABOVE", len(X))
    if share == 0.5:
        assert found.value == Ascent(X)(nu, level=level).value


def test_a_level_far_below_rounding_is_as_good_as_any(monkeypatch):
    """The least weight decay of a problem made a search among many samples overflow."""
    X, nu = generic(100, 3)
    known = Ascent(X)(nu, level=1e-150)
    monkeypatch.setattr(ascents, "COARSEN_ABOVE", 50)
    for level in (1e-150, 1e-300):
        found = Ascent(1e5 * X)(nu, level=level)
        assert found.value == pytest.approx(1e5 * known.value, rel=1e-12)


@pytest.mark.parametrize("kind", [Ascent, VectorAscent])
def test_ascents_from_given_starts_share_the_rows_of_the_search(kind):
    """A proof held the rows twice more, for what it ascends from itself."""
    X, nu = generic(1_000, 3)
    nu = nu if kind is Ascent else np.outer(nu, [1.0, -2.0])
    tracemalloc.start()
    search = kind(X)
    one = tracemalloc.get_traced_memory()[0]
    fewer = search.from_given()
    two = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert two - one < 0.1 * X.nbytes < one
    found, alone = fewer(nu, starts=X[:5]), kind(X, 0)(nu, starts=X[:5])
    np.testing.assert_array_equal(found.directions, alone.directions)
    assert fewer(nu, starts=X[:0]).value == 0.0 < search(nu).value


@pytest.mark.parametrize("spikes", [1, 3])
def test_a_search_among_many_rows_sees_the_few_that_have_weights(spikes):
    """All were left out of the part that was searched first, and zero was said to be largest."""
    X, _ = generic(25_000, 3)
    nu = np.zeros(len(X))
    few = np.random.default_rng(spikes).choice(len(X), spikes, replace=False)
    nu[few] = 10.0
    found, alone = Ascent(X)(nu), Ascent(X[few])(nu[few])
    assert found.value == pytest.approx(alone.value, rel=1e-9)
    assert Ascent(X)(np.zeros(len(X))).value == 0.0


@pytest.mark.parametrize("d", [2, 3, 4, 6])
def test_ascent_in_general_position_has_at_most_one_tight_row_less_than_dimensions(d):
    X, nu = generic(60, d)
    found = Ascent(X)(nu)
    tight = np.abs(found.directions @ X.T) <= 1e-12 * np.linalg.norm(X, axis=1)
    assert len(found.values) > 0
    assert tight.sum(axis=1).max() <= d - 1
    assert np.abs(found.values).max() >= np.abs(heights(X, nu, random_directions(5000, d))).max()


def test_ascent_leaves_a_direction_only_for_a_higher_one():
    X, nu = generic(200, 5)
    starts = random_directions(20, 5)
    ascent = Ascent(X, random_starts=0)
    for start in starts:
        found = ascent(nu, starts=[3 * start])
        assert found.value >= abs(heights(X, nu, start[None])[0])
        again = ascent(nu, starts=found.directions)
        np.testing.assert_allclose(again.directions, found.directions, atol=1e-12)


def test_ascent_in_one_dimension():
    found = Ascent([[2.0], [-1.0], [0.0]])([1.0, -3.0, 5.0])
    assert sorted(zip(found.values, found.directions[:, 0], strict=True)) == [(-3, -1), (2, 1)]
    assert found.bound == np.inf


@pytest.mark.parametrize("oracle", [Ascent, BranchAndBound])
@pytest.mark.parametrize("X", [np.zeros((3, 2)), np.eye(3, 4)])
def test_nothing_to_find(oracle, X):
    found = oracle(X)(np.zeros(3), tolerance=0.1)
    assert found.value == 0 and found.directions.shape == (0, X.shape[1])
    found = oracle(np.zeros((3, 2)))(np.ones(3))
    assert found.value == 0 and len(found.values) == 0


@pytest.mark.parametrize(("n", "d"), [(50, 2), (300, 3), (40, 4), (12, 5)])
def test_bound_is_above_every_sampled_value(n, d):
    X, nu = generic(n, d)
    found = BranchAndBound(X)(nu, tolerance=0.01)
    assert found.value <= found.bound <= 1.01 * found.value * (1 + 1e-12)
    assert np.abs(heights(X, nu, random_directions(20_000, d))).max() <= found.value
    assert np.abs(heights(X, nu, found.directions[:1]))[0] == pytest.approx(found.value)


@settings(deadline=None, max_examples=60)
@given(ties(), st.integers(1, 50))
def test_bound_is_valid_when_the_budget_ends(instance, max_cells):
    X, nu = instance
    found = BranchAndBound(X, random_starts=1, max_cells=max_cells)(nu, tolerance=1e-6)
    exact = largest_over_all_patterns(X, nu)
    rounding = 1e-12 * np.abs(nu) @ np.linalg.norm(X, axis=1)
    assert found.value - rounding <= exact <= found.bound + rounding


def test_a_larger_budget_never_gives_a_worse_bound():
    X, nu = generic(500, 4)
    bounds = [
        BranchAndBound(X, max_cells=budget)(nu, tolerance=1e-4).bound
        for budget in (1, 100, 1000, 10_000, 1_000_000)
    ]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] < bounds[0]
    hurried = BranchAndBound(X, max_seconds=1e-6, max_memory=1)(nu, tolerance=1e-4)
    assert hurried.bound >= hurried.value


def test_cells_are_counted_and_stay_within_the_budget():
    X, nu = generic(300, 4)
    loose, tight = (BranchAndBound(X)(nu, tolerance=tolerance) for tolerance in (1e-1, 1e-3))
    assert 2 * 4 <= loose.cells <= tight.cells
    assert BranchAndBound(X, max_cells=1)(nu).cells == 2 * 4
    assert Ascent(X)(nu).cells == 0


@pytest.mark.parametrize("max_memory", [1, 1e9])
def test_memory_limit_changes_the_order_only(max_memory):
    X, nu = generic(300, 4)
    found = BranchAndBound(X, max_memory=max_memory)(nu, tolerance=1e-2)
    assert found.value <= found.bound <= 1.01 * found.value * (1 + 1e-12)


def test_branch_and_bound_finds_the_maximum_without_ascents_from_random_starts():
    X, nu = generic(100, 4)
    blind = BranchAndBound(X, random_starts=0)(nu, tolerance=1e-4)
    assert blind.value == pytest.approx(BranchAndBound(X)(nu, tolerance=1e-4).value, rel=1e-9)


def test_level_stops_the_proof_early_and_leaves_lower_maxima_out():
    X, nu = generic(200, 3)
    oracle = BranchAndBound(X)
    exact = oracle(nu, tolerance=1e-6)
    above = oracle(nu, tolerance=1e-3, level=3 * exact.value)
    assert exact.value <= above.bound <= 1.001 * 3 * exact.value
    assert len(above.values) == 1
    below = oracle(nu, tolerance=1e-3, level=exact.value / 2)
    assert exact.value <= below.bound * (1 + 1e-12)
    assert below.bound <= 1.001 * exact.value * (1 + 1e-12)
    assert np.all(np.abs(below.values) > exact.value / 2)


def through_chambers(X):
    return Exhaustive(Arrangement.enumerate(X))


@pytest.mark.parametrize(
    ("oracle", "n", "d"),
    [(BranchAndBound, 60, d) for d in (2, 3, 4)] + [(Circle, 60, 2), (through_chambers, 12, 3)],
)
def test_permuting_rotating_and_scaling_the_data_changes_nothing(oracle, n, d):
    X, nu = generic(n, d)
    order = np.random.default_rng(1).permutation(n)
    Q = np.linalg.qr(np.random.default_rng(2).standard_normal((d, d)))[0]
    plain = oracle(X)(nu, tolerance=1e-6)
    for changed, factor in ((X[order], 1.0), (X[order] @ Q, 1.0), (1e-150 * X[order], 1e-150)):
        found = oracle(changed)(nu[order], tolerance=1e-6)
        assert found.value == pytest.approx(factor * plain.value, rel=1e-9)
        assert found.bound == pytest.approx(factor * plain.bound, rel=2e-6)


def test_repeating_a_row_adds_its_weights():
    X, nu = generic(30, 3)
    plain = BranchAndBound(X)(nu, tolerance=1e-6)
    repeated = BranchAndBound(np.repeat(X, 3, axis=0))(np.repeat(nu, 3) / 3, tolerance=1e-6)
    assert repeated.value == pytest.approx(plain.value, rel=1e-12)


def test_rank_deficient_data_are_searched_in_their_row_space():
    X, nu = generic(40, 3)
    lift = np.linalg.qr(np.random.default_rng(3).standard_normal((20, 3)))[0]
    plain = BranchAndBound(X)(nu, tolerance=1e-6)
    lifted = BranchAndBound(X @ lift.T)(nu, tolerance=1e-6)
    assert repr(BranchAndBound(X @ lift.T)) == "BranchAndBound(n=40, d=20, rank=3)"
    assert lifted.value == pytest.approx(plain.value, rel=1e-9)
    np.testing.assert_allclose(lifted.directions[0] @ lift, plain.directions[0], atol=1e-7)


def test_results_do_not_depend_on_chance():
    X, nu = generic(300, 4)
    one, other = (BranchAndBound(X)(nu, tolerance=1e-3) for _ in range(2))
    assert one.bound == other.bound
    np.testing.assert_array_equal(one.directions, other.directions)


@pytest.mark.parametrize("oracle", [Ascent, BranchAndBound])
def test_bad_arguments_are_named(oracle):
    X, nu = generic(10, 3)
    with pytest.raises(ValueError, match="nu must have one entry per row of X: 10"):
        oracle(X)(nu[:9])
    with pytest.raises(ValueError, match="starts must have one column per column of X: 3"):
        oracle(X)(nu, starts=np.ones((2, 4)))
    with pytest.raises(ValueError, match="random_starts must be at least 0"):
        oracle(X, random_starts=-1)
    with pytest.raises(ValueError, match="X must have 2 dimension"):
        oracle(nu)


def test_branch_and_bound_says_what_it_cannot_do():
    with pytest.raises(ValueError, match="rank at most 12 for a proof, got 13; use Ascent"):
        BranchAndBound(np.eye(13))


@pytest.mark.parametrize(("n", "d", "tolerance"), [(60, 2, 1e-3), (200, 3, 1e-3), (30, 4, 1e-1)])
def test_the_cells_of_a_proof_cover_the_sphere_and_bound_every_value(n, d, tolerance):
    """Each direction lies in a cone, and what is proven of the cone holds there."""
    X, nu = generic(n, d)
    oracle = BranchAndBound(X)
    vertices, bounds = oracle.cover(nu, tolerance)
    found = oracle(nu, tolerance)
    assert len(vertices) == len(bounds) > 2**d
    np.testing.assert_allclose(np.linalg.norm(vertices, axis=2), 1)
    assert bounds.max() <= (1 + tolerance) * found.value * (1 + 1e-12)
    directions = random_directions(500, d)
    coefficients = np.linalg.solve(vertices[:, None].mT, directions[:, :, None])[..., 0]
    inside = (coefficients >= -1e-9).all(axis=2)
    assert inside.any(axis=0).all()
    above = bounds[:, None] - np.abs(heights(X, nu, directions))
    assert above[inside].min() >= 0
    assert (bounds >= np.abs(heights(X, nu, vertices.reshape(-1, d))).reshape(-1, d).max(1)).all()


def largest_sampled_in_each(vertices, X, nu, points=50):
    """For each cone (rank, d), the largest |nu.(Xu)_+| at random unit vectors of it."""
    count, rank, d = vertices.shape
    shares = np.random.default_rng(0).dirichlet(np.full(rank, 0.5), size=(count, points))
    inside = shares @ vertices
    inside /= np.linalg.norm(inside, axis=2, keepdims=True)
    return np.abs(heights(X, nu, inside.reshape(-1, d))).reshape(count, points).max(axis=1)


@pytest.mark.proves("cell-bound")
def test_every_cell_of_a_proof_is_bounded_from_above_at_random_points_of_its_own():
    X, nu = generic(100, 3)
    vertices, bounds = BranchAndBound(X).cover(nu, 1e-3)
    assert (largest_sampled_in_each(vertices, X, nu) <= bounds).all()


@settings(deadline=None, max_examples=60)
@given(ties(min_d=2), st.sampled_from([1.0, 0.1, 0.01]))
def test_so_is_every_cell_where_rows_tie(instance, tolerance):
    X, nu = instance
    oracle = BranchAndBound(X)
    assume(oracle.rank > 1 and nu[X.any(axis=1)].any())
    vertices, bounds = oracle.cover(nu, tolerance)
    rounding = 1e-14 * np.abs(nu) @ np.linalg.norm(X, axis=1)
    assert (largest_sampled_in_each(vertices, X, nu) <= bounds + rounding).all()


def test_the_cells_of_a_proof_lie_in_the_row_space():
    X, nu = generic(40, 3)
    lift = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 3)))[0]
    vertices, bounds = BranchAndBound(X @ lift.T).cover(nu, 1e-2)
    assert vertices.shape == (len(bounds), 3, 8)
    np.testing.assert_allclose(vertices @ lift @ lift.T, vertices, atol=1e-12)


def test_a_cover_says_what_it_cannot_do():
    X, nu = generic(20, 3)
    with pytest.raises(ValueError, match="more than max_cells=9 cells"):
        BranchAndBound(X).cover(nu, 1e-3, max_cells=9)
    with pytest.raises(ValueError, match="rank at least 2 and nu not zero"):
        BranchAndBound(X).cover(np.zeros(20), 1e-3)
    with pytest.raises(ValueError, match="rank at least 2 and nu not zero, got rank 1"):
        BranchAndBound(X[:, :1]).cover(nu, 1e-3)
    with pytest.raises(ValueError, match="tolerance"):
        BranchAndBound(X).cover(nu, 0.0)


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_in_general_position_releasing_one_row_is_steepest(count):
    rng = np.random.default_rng(count)
    X, nu, g = rng.standard_normal((20, 8)), rng.standard_normal(20), rng.standard_normal(8)
    X[count : 2 * count] = -2 * X[:count]  # the same hyperplanes once more, and not independent
    columns, norms, tight = (
        np.ascontiguousarray(X.T),
        np.linalg.norm(X, axis=1),
        np.arange(2 * count),
    )
    basis, out, rays = np.empty((8, 8)), np.empty(8), np.empty((8, 8))
    rank = span_of_tight_rows(columns, norms, tight, basis)
    assert rank == count
    steepest = steepest_release(columns, nu, norms, tight, basis, rank, g, out)
    releases(columns, norms, tight, basis, rank, rays)
    met = X[:count] @ rays[:rank].T
    assert np.abs(met - np.diag(np.diagonal(met))).max() < 1e-12 < np.abs(np.diagonal(met)).min()
    slopes = [max(one_sided_slopes(columns, nu, norms, tight, g, one)) for one in rays[:rank]]
    assert steepest == pytest.approx(max(0.0, *slopes, 0.0), rel=1e-9)


def test_in_many_dimensions_ascents_end_at_local_maxima():
    rng = np.random.default_rng(0)
    X, nu = rng.standard_normal((150, 60)), -np.abs(rng.standard_normal(150))
    nu[:75] *= -1.0
    found = Ascent(X, 3)(nu)
    tight = (np.abs(X @ found.directions.T) < 1e-10).sum(axis=0)
    assert tight.max() > 16  # flats that are left the other way
    for u, value in zip(found.directions, np.abs(found.values), strict=True):
        around = u + 1e-4 * rng.standard_normal((5_000, 60))
        around /= np.linalg.norm(around, axis=1, keepdims=True)
        assert (np.sign(heights(X, nu, u[None])) * heights(X, nu, around)).max() <= value


# Which oracle proves


def near_copies(points, copies, d, jitter, seed=0):
    rng = np.random.default_rng(seed)
    X = np.repeat(rng.standard_normal((points, d)), copies, axis=0)
    return X + jitter * rng.standard_normal(X.shape), rng.standard_normal(len(X))


@pytest.mark.parametrize("jitter", [1e-12, 1e-10, 1e-7, 1e-4])
def test_near_copies_of_a_few_samples_are_proven_by_their_chambers(jitter):
    """Branch and bound took 70 to 100 s and left a gap of 0.98."""
    X, y = near_copies(6, 3, 4, jitter)
    assert isinstance(proving_oracle(X), Exhaustive)
    problem = hc.TrainingProblem(X, y, 1e-3 * hc.beta_max(X, y))
    started = process_time()
    solution = hc.train(problem)
    assert solution.gap <= 1e-6 and solution.scope == "global"
    # Half a second on an idle machine, once it is compiled.
    assert process_time() - started < 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "d", "kind"),
    [
        (200, 2, Circle),
        (90, 3, Exhaustive),
        (120, 3, BranchAndBound),
        (60, 4, Exhaustive),
        (90, 4, BoundedOrListed),
        (200, 4, BranchAndBound),
        (17, 9, Exhaustive),
    ],
)
def test_the_proving_oracle_is_chosen_by_the_number_of_chambers(n, d, kind):
    X, _ = generic(n, d)
    assert type(proving_oracle(X)) is kind
    # Repeated, opposite and zero rows make no chambers.
    more = np.vstack([np.repeat(X, 2, axis=0), -X, np.zeros((3, d))])
    assert type(proving_oracle(more)) is kind


def test_where_bounds_end_without_a_proof_chambers_are_listed(monkeypatch):
    X, nu = near_copies(6, 3, 4, 1e-6)
    exact = Exhaustive(Arrangement.enumerate(X))(nu)
    oracle = BoundedOrListed(X)
    monkeypatch.setattr(oracle._bounds, "max_cells", 16)
    found = oracle(nu, tolerance=1e-6)
    assert found.bound == pytest.approx(exact.bound, rel=1e-6)
    monkeypatch.setattr(oracle, "_bounds", None)  # nor are bounds tried again
    assert oracle(2 * nu, tolerance=1e-6).bound == pytest.approx(2 * exact.bound, rel=1e-6)


def test_bounds_that_end_with_a_proof_need_no_chambers(monkeypatch):
    X, nu = generic(30, 4)
    monkeypatch.setattr(Arrangement, "enumerate", None)
    found = BoundedOrListed(X)(nu, tolerance=1e-3)
    assert found.value <= found.bound <= 1.002 * found.value
