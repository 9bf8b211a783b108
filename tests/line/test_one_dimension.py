"""One-dimensional data: ramps, splines, mirrors, and the deep networks that they are."""

from itertools import combinations

import cvxpy as cp
import judge
import numpy as np
import pytest
from conftest import gaussian
from hypothesis import given, settings
from hypothesis import strategies as st

import hidden_convexity as hc
from hidden_convexity.line import mirrors, splines
from hidden_convexity.line.ramps import RampDictionary, Ramps

# The settings published with arXiv:2403.01046.
PUBLISHED = [
    ((0, 2, 6, 7), (0, 0, 3, 3)),
    ((0, 2, 6, 7), (0, 0, 3, 7)),
    ((0, 4, 5, 7, 10, 11), (0, 0, 0, 2, 3, 3)),
]
# Repetitions and equal distances included.
DATA = st.lists(st.tuples(st.integers(-6, 6), st.integers(-5, 5)), min_size=1, max_size=8).map(
    lambda pairs: np.array(pairs, dtype=float).T
)
SHARES = st.sampled_from([1.1, 0.5, 0.1, 0.01])


def lasso(features, y, beta):
    """min 1/2 ||F z + c - y||^2 + beta ||z||_1 over z and c, by CVXPY."""
    z, c = cp.Variable(features.shape[1]), cp.Variable()
    loss = cp.sum_squares(features @ z + c - y) / 2
    program = cp.Problem(cp.Minimize(loss + beta * cp.norm1(z)))
    return program.solve(solver=cp.CLARABEL, tol_gap_rel=1e-10, tol_gap_abs=1e-10, tol_feas=1e-10)


def ramps(x):
    """All ramps that start at a data point, in both directions, one by one."""
    return np.array([[max(s * (xi - u), 0.0) for u in x for s in (1, -1)] for xi in x])


def bumpy(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.permutation(np.sort(rng.uniform(0, 10, n)))
    return x, np.sin(x) + 0.1 * rng.normal(size=n)


# Ramps as an operator


@given(DATA)
@settings(max_examples=50, deadline=None)
def test_the_ramp_operator_is_the_dense_dictionary_and_its_adjoint_the_transpose(data):
    x = data[0]
    operator = RampDictionary(x)
    dense = np.maximum((x[:, None] - operator.knots) * operator.directions, 0.0)
    z, nu = gaussian(operator.shape[1]), gaussian(len(x), seed=1)
    np.testing.assert_allclose(operator @ z, dense @ z, atol=1e-11)
    np.testing.assert_allclose(operator.T @ nu, dense.T @ nu, atol=1e-11)
    np.testing.assert_allclose(nu @ (operator @ z), (operator.T @ nu) @ z, atol=1e-10)
    assert dense.any(axis=0).all()


def test_sums_of_ramps_between_and_outside_the_data():
    x, u, z = gaussian(20), 3 * gaussian(50, seed=1), gaussian(50, seed=2)
    dense = np.maximum(x[:, None] - u, 0.0)
    np.testing.assert_allclose(Ramps(x).combine(z, u), dense @ z, atol=1e-12)


def test_a_distant_origin_costs_no_digits():
    x, nu = np.arange(1000.0), gaussian(1000)
    near, far = Ramps(x).correlate(nu), Ramps(x + 2.0**30).correlate(nu)
    np.testing.assert_array_equal(near, far)


# Two layers


@pytest.mark.proves("linear-spline")
@given(DATA, SHARES)
@settings(max_examples=30, deadline=None)
def test_two_layers_are_the_lasso_over_ramps_at_the_data(data, share):
    x, y = data
    beta = max(share * splines.beta_max(x, y), 1e-3)
    solution = splines.train(x, y, beta, tol=1e-9)
    value = lasso(ramps(x), y, beta)
    np.testing.assert_allclose(solution.objective, value, rtol=1e-6, atol=1e-7)
    assert solution.gap < 1e-7 or solution.objective < 1e-12
    assert solution.scope == "global"


@pytest.mark.parametrize("slope", [0.0, 2.0, -5.0])
@pytest.mark.parametrize("share", [0.3, 0.01, 1e-4])
def test_a_slope_is_charged_for_too(slope, share):
    x = np.random.default_rng(0).uniform(0, 3, 30)
    y = gaussian(30) + slope * x
    beta = share * splines.beta_max(x, y)
    solution = splines.train(x, y, beta, tol=1e-9)
    np.testing.assert_allclose(solution.objective, lasso(ramps(x), y, beta), rtol=1e-7)


def test_knots_sit_at_data_points_exactly():
    x, y = bumpy(200)
    network = splines.train(x, y, 0.01 * splines.beta_max(x, y)).network
    knots = -network.biases[:, 0] / network.weights[:, 0]
    assert np.abs(knots[:, None] - x).min(axis=1).max() < 1e-12
    assert len(network) < 50


def test_the_penalty_is_the_spline_norm():
    """Omega = max(TV, (TV + |f'(x_1) + f'(x_n)|)/2), and it is the optimum's Lasso penalty."""
    for slope in (0.0, 3.0):
        x, y = bumpy(60)
        y = y + slope * x
        beta = 0.01 * splines.beta_max(x, y)
        network = splines.train(x, y, beta, tol=1e-9).network
        at = np.sort(x)
        omega, _ = splines.slope_variation(at, network(at))
        np.testing.assert_allclose(network.penalty(beta), beta * omega, rtol=1e-7)


@pytest.mark.parametrize("slope, equal", [(0.0, True), (5.0, False)])
def test_it_is_trend_filtering_unless_the_slope_outgrows_its_variation(slope, equal):
    x, y = bumpy(60)
    x, y = np.sort(x), y[np.argsort(x)] + slope * np.sort(x)
    beta = 0.02 * splines.beta_max(x, y)
    f = cp.Variable(60)
    kinks = cp.diff(cp.multiply(cp.diff(f), 1 / np.diff(x)))
    program = cp.Problem(cp.Minimize(cp.sum_squares(f - y) / 2 + beta * cp.norm1(kinks)))
    value = program.solve(solver=cp.CLARABEL, tol_gap_rel=1e-10, tol_gap_abs=1e-10)
    slopes = np.diff(f.value) / np.diff(x)
    variation = np.abs(np.diff(slopes)).sum()
    assert (abs(slopes[0] + slopes[-1]) <= variation) == equal
    excess = splines.train(x, y, beta, tol=1e-9).objective / value - 1
    assert abs(excess) < 1e-7 if equal else excess > 1e-3


@pytest.mark.proves("linear-spline")
def test_nothing_beats_it_by_moving_knots_off_the_data():
    """Lassos over ramps at random places, the data among them, have the same value."""
    x, y = bumpy(12)
    beta = 0.05 * splines.beta_max(x, y)
    optimum = splines.train(x, y, beta, tol=1e-9).objective
    anywhere = np.random.default_rng(1).uniform(-2, 12, 300)
    signs = np.repeat([1.0, -1.0], 150)
    wider = np.hstack([ramps(x), np.maximum((x[:, None] - anywhere) * signs, 0.0)])
    np.testing.assert_allclose(lasso(wider, y, beta), optimum, rtol=1e-7)


def test_a_hundred_thousand_samples_are_trained_to_a_certified_gap():
    x = np.linspace(0, 1, 100_000)
    y = np.sin(20 * np.sqrt(x)) + 0.3 * gaussian(100_000)
    solution = splines.train(x, y, 1e-3 * splines.beta_max(x, y))
    assert solution.gap < 1e-6
    network = solution.network
    by_hand = 0.5 * np.sum((network(x) - y) ** 2) + network.penalty(1e-3 * splines.beta_max(x, y))
    np.testing.assert_allclose(by_hand, solution.objective, rtol=1e-12)
    nu = y - network(x)
    assert np.abs(RampDictionary(x).T @ (nu - nu.mean())).max() < 1.001e-3 * splines.beta_max(x, y)


# Mirrors


@pytest.mark.proves("mirrors")
@pytest.mark.parametrize("layers, n", [(2, 6), (3, 5), (4, 4), (5, 3)])
def test_no_branch_correlates_more_than_a_mirror(layers, n):
    """Brute force over the biases: t, r_1, ... anywhere, weights of any sign."""
    rng = np.random.default_rng(layers)
    for _ in range(5):
        x, nu = rng.uniform(0, 10, n), rng.normal(size=n)
        nu -= nu.mean()
        features, _ = mirrors.dictionary(x, layers)
        anywhere = rng.uniform(-20, 20, size=(50_000, layers - 1))
        most = np.abs(nu @ mirrors.branch(x, anywhere)).max()
        largest = np.abs(nu @ features).max()
        assert most <= largest * (1 + 1e-12)
        assert most > 0.9 * largest  # or the brute force tries nothing


@pytest.mark.proves("mirrors")
def test_three_layers_have_the_three_families_of_the_literature():
    x = np.array([0.0, 1.0, 3.5, 7.25])
    named = [np.abs(x - t) for t in x]
    named += [np.abs(np.abs(x - t) - abs(u - t)) for t in x for u in x]
    named += [np.abs(np.abs(x - (t + u) / 2) - abs(t - u) / 2) for t, u in combinations(x, 2)]
    features, _ = mirrors.dictionary(x, 3)
    ours = {tuple(np.round(f - f.mean(), 9) + 0.0) for f in features.T}
    theirs = {tuple(np.round(f - f.mean(), 9) + 0.0) for f in named}
    assert ours == {one for one in theirs if any(one)}


@given(DATA)
@settings(max_examples=30, deadline=None)
def test_the_mirror_operator_is_the_dense_dictionary_and_its_adjoint_the_transpose(data):
    x = data[0]
    operator = mirrors.MirrorDictionary(x)
    shifts = np.concatenate(list(operator.blocks()))
    dense = mirrors.branch(x, shifts)
    z, nu = gaussian(operator.shape[1]), gaussian(len(x), seed=1)
    assert operator.shape == dense.shape
    np.testing.assert_allclose(operator @ z, dense @ z, atol=1e-10)
    np.testing.assert_allclose(operator.T @ nu, dense.T @ nu, atol=1e-10)
    nu -= nu.mean()
    chosen, values = operator.strongest(nu)
    np.testing.assert_allclose(nu @ mirrors.branch(x, chosen), values, atol=1e-10)
    np.testing.assert_allclose(np.abs(values).max(), np.abs(nu @ dense).max(), atol=1e-10)


@pytest.mark.proves("mirrors")
@given(DATA, SHARES, st.sampled_from([2, 3, 4]))
@settings(max_examples=40, deadline=None)
def test_deep_networks_are_the_lasso_over_mirrors(data, share, layers):
    x, y = data[:, :5]
    beta = max(share * mirrors.beta_max(x, y, layers), 1e-3)
    solution = mirrors.train(x, y, beta, layers, tol=1e-9)
    features, _ = mirrors.dictionary(x, layers)
    value = lasso(features, y, beta) if features.size else 0.5 * np.sum((y - y.mean()) ** 2)
    np.testing.assert_allclose(solution.objective, value, rtol=1e-6, atol=1e-7)
    assert solution.gap < 1e-6 or solution.objective < 1e-12
    assert len(solution.network) <= max(len(x) - 1, 0)


@pytest.mark.parametrize("x, y", PUBLISHED)
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("share", [0.1, 1e-3])
def test_published_settings(x, y, layers, share):
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    beta = share * mirrors.beta_max(x, y, layers)
    solution = mirrors.train(x, y, beta, layers, tol=1e-9)
    columns = [np.abs(x - t) for t in x]
    if layers == 3:
        columns += [np.abs(np.abs(x - t) - abs(u - t)) for t in x for u in x]
        columns += [np.abs(np.abs(x - (t + u) / 2) - abs(t - u) / 2) for t in x for u in x]
    value = lasso(np.array(columns).T, y, beta)
    np.testing.assert_allclose(solution.objective, value, rtol=1e-7)
    assert solution.gap < 1e-7


@pytest.mark.parametrize("x, y", PUBLISHED)
def test_depth_lowers_the_lasso_penalty_or_keeps_it(x, y):
    """The dictionary of each depth contains that of the one before."""
    beta = 0.05 * mirrors.beta_max(x, y, 2)
    values = [mirrors.train(x, y, beta, layers).objective for layers in (2, 3)]
    assert values[1] <= values[0] * (1 + 1e-6)


@pytest.mark.slow
def test_three_layers_on_many_samples():
    x, y = bumpy(1500)
    beta = 0.01 * mirrors.beta_max(x, y)
    solution = mirrors.train(x, y, beta)
    assert solution.gap < 1e-6
    nu = y - solution.network(x)
    largest = np.abs(mirrors.MirrorDictionary(x).T @ (nu - nu.mean())).max()
    assert largest <= beta * (1 + 1e-5)


@pytest.mark.parametrize("trainer", [splines.train, mirrors.train])
def test_order_and_repetition_of_samples_do_not_matter(trainer):
    x, y = bumpy(20)
    beta = 1.0
    shuffled = np.random.default_rng(1).permutation(20)
    one = trainer(x, y, beta, tol=1e-9).objective
    np.testing.assert_allclose(trainer(x[shuffled], y[shuffled], beta, tol=1e-9).objective, one)
    twice = trainer(np.tile(x, 2), np.tile(y, 2), 2 * beta, tol=1e-9).objective
    np.testing.assert_allclose(twice, 2 * one, rtol=1e-7)


@pytest.mark.parametrize(
    "train, beta_max",
    [
        (splines.train, splines.beta_max),
        (mirrors.train, mirrors.beta_max),
    ],
)
def test_at_beta_max_the_network_becomes_constant(train, beta_max):
    x, y = bumpy(20)
    largest = beta_max(x, y)
    above, below = (train(x, y, share * largest, tol=1e-9) for share in (1.001, 0.999))
    assert len(above.network) == 0 < len(below.network)
    np.testing.assert_allclose(above.network(x), y.mean())
    assert above.gap < 1e-12


@pytest.mark.parametrize("train", [splines.train, mirrors.train])
@pytest.mark.parametrize("x, y", [([2.0], [3.0]), ([1.0, 1.0], [0.0, 2.0]), ([1.0, 2.0], [5, 5])])
def test_data_without_a_slope(train, x, y):
    solution = train(x, y, 0.1)
    assert len(solution.network) == 0
    np.testing.assert_allclose(solution.network(x), np.mean(y))


def test_units_and_origins():
    """x in other units and from another origin, y too: the same network, in these units."""
    x, y = bumpy(40)
    for train in (splines.train, mirrors.train):
        beta = 0.03 * splines.beta_max(x, y)
        one = train(x, y, beta, tol=1e-8).objective
        other = train(1e4 + 1e3 * x, 7e-3 * y - 50, 7e-3 * 1e3 * beta, tol=1e-8).objective
        np.testing.assert_allclose(other, 49e-6 * one, rtol=1e-6)


# Breakpoints


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_breakpoints_are_where_a_branch_bends(shifts):
    """Second differences on a grid of halves, on which all breakpoints lie."""
    shifts = np.array(shifts, dtype=float)
    grid = np.arange(-60, 61) / 2
    bends = grid[1:-1][np.diff(mirrors.branch(grid, shifts[None])[:, 0], n=2) != 0]
    listed = np.unique(np.concatenate(mirrors.breakpoints(shifts)))
    assert set(bends) <= set(listed)
    # Where two breakpoints meet, the bends may cancel; generic shifts bend everywhere.
    if len(set(np.cumsum(np.abs(shifts[::-1])))) == len(shifts) and (shifts[1:] > 0).all():
        assert len(bends) >= 1


def test_generic_breakpoints_are_reflections_of_reflections():
    levels = mirrors.breakpoints([1.0, 4.0, 1.5])
    assert [level.tolist() for level in levels] == [[1.0], [-3.0, 5.0], [-4.5, -1.5, 3.5, 6.5]]
    assert [len(level) for level in mirrors.breakpoints([0.0, -1.0])] == [1, 0]


# Networks


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=6),
    st.integers(2, 5),
    st.integers(0, 1000),
)
@settings(max_examples=50, deadline=None)
def test_decoding_keeps_outputs_and_turns_the_lasso_penalty_into_weight_decay(z, layers, seed):
    rng = np.random.default_rng(seed)
    z = np.array([one if abs(one) > 1e-3 else 0.0 for one in z])
    shifts, x = rng.normal(size=(len(z), layers - 1)), rng.normal(size=9)
    network = hc.ParallelNetwork.from_features(z, shifts, 0.5)
    assert network.layers == layers and len(network) == np.count_nonzero(z)
    np.testing.assert_allclose(network(x), mirrors.branch(x, shifts) @ z + 0.5, atol=1e-9)
    np.testing.assert_allclose(network.penalty(0.7), 0.7 * np.abs(z).sum(), rtol=1e-12)
    np.testing.assert_allclose(network.shifts, shifts[z != 0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(network.coefficients, z[z != 0], rtol=1e-12)


def test_no_weights_of_the_same_network_have_a_smaller_penalty():
    """AM-GM: beta |w_1 ... a| is the least penalty of a branch."""
    rng = np.random.default_rng(0)
    for layers in (2, 3, 4):
        weights, biases = rng.normal(size=(2, 20, layers - 1))
        network = hc.ParallelNetwork(weights, biases, rng.normal(size=20), 1.0)
        again = hc.ParallelNetwork.from_features(network.coefficients, network.shifts, 1.0)
        x = rng.normal(size=30)
        np.testing.assert_allclose(again(x), network(x), atol=1e-10)
        assert again.penalty(1.0) <= network.penalty(1.0)


def test_random_networks_do_not_beat_the_lasso():
    x, y = (np.array(one, dtype=float) for one in PUBLISHED[2])
    beta = 0.1 * mirrors.beta_max(x, y)
    bound = mirrors.train(x, y, beta).lower_bound
    rng = np.random.default_rng(0)
    for m in rng.integers(1, 8, size=200):
        weights, biases = rng.normal(size=(2, m, 2))
        network = hc.ParallelNetwork(weights, biases, rng.normal(size=m), rng.normal())
        assert network.objective(x, y, beta) >= bound


@pytest.mark.slow
def test_adam_ends_at_or_above_the_optimum_of_the_lasso():
    pytest.importorskip("torch")
    from hidden_convexity.line import descent

    x, y = PUBLISHED[0]
    beta = 0.1 * mirrors.beta_max(x, y)
    solution = mirrors.train(x, y, beta)
    runs = descent.adam(x, y, beta, 3, 10, range(5), steps=1500, learning_rate=0.02)
    values = np.array([run.objective for run in runs])
    assert (values >= solution.lower_bound).all()
    assert values.min() < 1.001 * solution.objective
    np.testing.assert_allclose(values, [run.history[-1].objective for run in runs], rtol=1e-9)
    assert {run.network.layers for run in runs} == {3}


@pytest.mark.parametrize("seed", [4, 15, 28, 32])
def test_clusters_of_points_and_wild_targets(seed):
    """Distances from 1e-9 to 1 of the range, where training once stopped at a gap of 0.1."""
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=200), 1e-6 * rng.normal(size=200), rng.integers(-3, 3, 200)
    x = np.concatenate(parts)
    y = np.cumsum(rng.standard_cauchy(size=600))
    for share in (0.1, 1e-3, 1e-5):
        assert splines.train(x, y, share * splines.beta_max(x, y)).gap < 1e-6


@pytest.mark.parametrize("train", [splines.train, mirrors.train])
@pytest.mark.parametrize("value", [0.1, 3.7, -1e6 / 3])
def test_equal_targets_leave_nothing_to_lose(train, value):
    """Their mean was not their value to the last digit: a gap of 1, over an objective of 1e-32."""
    solution = train(np.linspace(0, 1, 6), np.full(6, value), 0.1)
    assert solution.objective == solution.gap == 0.0
    np.testing.assert_array_equal(solution.network([0.3]), [value])


@pytest.mark.parametrize("seed", range(10))
def test_the_objective_of_inputs_close_together_is_that_of_the_network(seed):
    """Inputs 1e-8 apart lost their digits in w x + b: half of such splines were contradicted."""
    rng = np.random.default_rng(seed)
    x, y = 1 + 1e-8 * rng.normal(size=5), rng.normal(size=5)
    beta = 10 ** rng.uniform(-6, -0.5) * splines.beta_max(x, y)
    solution = splines.train(x, y, beta)
    assert judge.complaints_about_branches(solution, 0, x, y, beta) == []
