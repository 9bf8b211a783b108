"""Local minima solve the convex program of their own pairs, and paths lead down from everywhere."""

from itertools import pairwise

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hidden_convexity as hc
from hidden_convexity import landscape
from hidden_convexity.landscape import newton, paths

SHAPES = [(5, 2), (8, 3), (9, 4), (25, 3)]


def instance(n, d, seed=0):
    rng = np.random.default_rng([seed, n, d])
    X, y = rng.normal(size=(n, d)), rng.normal(size=n)
    return hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y)), rng


def random_network(rng, m, d):
    return hc.ReLUNetwork(rng.normal(size=(m, d)), rng.normal(size=m))


def program_value(problem, gates, signs):
    """The convex program over given pairs, written out for CVXPY."""
    patterns = (problem.X @ gates > 0).astype(float)
    z = cp.Variable(gates.shape)
    fit = cp.sum(cp.multiply(patterns * signs, problem.X @ z), axis=1)
    objective = cp.sum_squares(fit - problem.y) / 2 + problem.beta * cp.sum(cp.norm(z, axis=0))
    cones = [cp.multiply(2 * patterns - 1, problem.X @ z) >= 0]
    return cp.Problem(cp.Minimize(objective), cones).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10
    )


# Local minima


@pytest.mark.proves("stationary-points")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_a_local_minimum_is_the_optimum_of_its_own_program(n, d, seed):
    problem, rng = instance(n, d, seed)
    end = newton.descend(random_network(rng, 3, d), problem)
    gates, signs = landscape.visited_pairs(end, problem.X)
    value = problem.objective(end)
    own = problem.objective(landscape.subsampled_optimum(end, problem))
    assert own == pytest.approx(value, rel=1e-9)
    if len(signs):
        assert program_value(problem, gates, signs) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_no_small_step_leads_down_from_where_a_descent_ends(n, d, seed):
    problem, rng = instance(n, d, seed)
    start = random_network(rng, 4, d)
    end = newton.descend(start, problem)
    assert problem.objective(end) <= problem.objective(start)
    W, a = end.hidden_weights, end.output_weights
    for size in np.repeat([1e-3, 1e-4, 1e-5], 30):
        step = size * rng.normal(size=W.shape), size * rng.normal(size=a.shape)
        near = hc.ReLUNetwork(W + step[0], a + step[1])
        assert problem.objective(near) >= problem.objective(end) * (1 - 1e-12)


def test_a_descent_from_the_global_optimum_stays():
    problem, _ = instance(9, 3)
    solution = hc.train(problem, tol=1e-8)
    end = newton.descend(solution.network, problem)
    assert problem.objective(end) == pytest.approx(solution.objective, rel=1e-8)
    assert len(end) == len(solution.network)


@pytest.mark.parametrize("size", [1e-2, 1e-3, 1e-4])
def test_a_small_neuron_grows_where_that_lowers_P(size):
    problem, _ = instance(8, 2)
    nothing = hc.ReLUNetwork(np.zeros((0, 2)), [])
    u = hc.certify(nothing, problem, rounds=0).direction
    sign = np.sign(problem.y @ np.maximum(problem.X @ u, 0))
    end = newton.descend(hc.ReLUNetwork(size * u[None, :], [size * sign]), problem)
    assert len(end) == 1
    assert problem.objective(end) < 0.99 * problem.objective(nothing)


def test_a_descent_of_nothing_is_nothing():
    problem, _ = instance(5, 2)
    assert len(newton.descend(hc.ReLUNetwork(np.zeros((3, 2)), np.zeros(3)), problem)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_program_over_more_pairs_is_no_higher(seed):
    problem, rng = instance(10, 3, seed)
    one, other = random_network(rng, 2, 3), random_network(rng, 2, 3)
    both = hc.ReLUNetwork(
        np.vstack([one.hidden_weights, other.hidden_weights]),
        np.append(one.output_weights, other.output_weights),
    )
    value = problem.objective(landscape.subsampled_optimum(both, problem))
    for part in (one, other):
        apart = problem.objective(landscape.subsampled_optimum(part, problem))
        assert value <= apart * (1 + 1e-9)
        assert apart <= problem.objective(part) * (1 + 1e-9)


def test_a_neuron_visits_the_chambers_on_all_sides_of_its_walls():
    X = np.eye(3)
    corner = hc.ReLUNetwork([[1.0, 0.0, 0.0]], [2.0])  # on two walls: four chambers meet
    gates, signs = landscape.visited_pairs(corner, X)
    assert sorted(map(tuple, (X @ gates > 0).T)) == sorted(
        (True, second, third) for second in (False, True) for third in (False, True)
    )
    assert (signs == 1).all() and landscape.on_wall(corner, X).all()
    inside = hc.ReLUNetwork([[1.0, 1.0, 1.0]], [-2.0])
    gates, signs = landscape.visited_pairs(inside, X)
    assert gates.shape == (3, 1) and signs == [-1.0] and not landscape.on_wall(inside, X).any()


def test_idle_neurons_visit_nothing():
    gates, signs = landscape.visited_pairs(hc.ReLUNetwork(np.eye(3), np.zeros(3)), np.eye(3))
    assert gates.shape == (3, 0) and signs.shape == (0,)


# The convex objective


@pytest.mark.parametrize(("n", "d"), SHAPES[:3])
def test_the_convex_objective_of_an_encoded_network_is_that_of_its_decoding(n, d):
    problem, rng = instance(n, d)
    chambers = hc.Arrangement.enumerate(problem.X)
    u, v = random_network(rng, 7, d).encode(chambers)
    value = landscape.convex_objective(u, v, chambers, problem)
    assert value == pytest.approx(problem.objective(hc.ReLUNetwork.decode(u, v)), rel=1e-12)
    assert landscape.in_cones(u, v, chambers)
    assert not landscape.in_cones(-u, v, chambers)


# Paths


def assert_never_rises(path, problem, allowance=0.0):
    heights = [problem.objective(path(t)) for t in np.linspace(0, len(path), 40 * len(path) + 1)]
    assert np.diff(heights).max() <= 1e-9 * heights[0] + allowance
    return heights


NETWORKS = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(0, 9), st.randoms())


@pytest.mark.proves("merging")
@settings(max_examples=60, deadline=None, derandomize=True)
@given(NETWORKS)
def test_P_never_rises_while_neurons_merge(drawn):
    """Small integer weights and data: ties, walls, zeros and opposite neurons abound."""
    n, d, m, source = drawn
    numbers = lambda *shape: np.array(  # noqa: E731
        [float(source.randint(-2, 2)) for _ in range(int(np.prod(shape)))]
    ).reshape(shape)
    X, network = numbers(n, d), hc.ReLUNetwork(numbers(m, d), numbers(m))
    problem = hc.TrainingProblem(X, numbers(n), 0.3)
    path = paths.merging_path(network, X)
    assert_never_rises(path, problem)
    for t in (0.5, 1.5, 2):
        np.testing.assert_allclose(path(t)(X), network(X), atol=1e-9)
        assert len(path(t)) == m
    _, signs = landscape.visited_pairs(path(2), X)
    assert len(path(2).balance()) <= len(signs)  # each neuron has a pair of its own


@settings(max_examples=25, deadline=None, derandomize=True)
@given(NETWORKS)
def test_P_never_rises_on_the_way_to_the_optimum(drawn):
    n, d, m, source = drawn
    rng = np.random.default_rng(source.randint(0, 10**6))
    X, y = rng.integers(-2, 3, size=(n, d)).astype(float), rng.normal(size=n)
    X[0, 0] = 1.0
    problem = hc.TrainingProblem(X, y, 0.2)
    solution = hc.train(problem)
    network = random_network(rng, m, d)
    idle = n + len(solution.network)
    wide = hc.ReLUNetwork(
        np.pad(network.hidden_weights, ((0, idle), (0, 0))),
        np.pad(network.output_weights, (0, idle)),
    )
    path = paths.descending_path(wide, solution.network, X)
    heights = assert_never_rises(path, problem, 1e-6 * solution.objective)
    assert heights[0] == pytest.approx(problem.objective(network))
    assert heights[-1] == pytest.approx(solution.objective, rel=1e-9)


def test_paths_are_continuous_in_the_weights():
    problem, rng = instance(8, 3)
    path = paths.descending_path(random_network(rng, 20, 3), hc.train(problem).network, problem.X)
    ts = np.linspace(0, len(path), 4001)
    weights = [np.column_stack([path(t).hidden_weights, path(t).output_weights]) for t in ts]
    # A square root has an infinite slope at 0, so steps shrink as the root of the step in t.
    assert max(np.abs(a - b).max() for a, b in pairwise(weights)) < 0.1


def test_a_path_needs_room():
    problem, rng = instance(8, 3)
    with pytest.raises(ValueError, match="more neurons"):
        paths.descending_path(random_network(rng, 2, 3), hc.train(problem).network, problem.X)


# Bad input

NETWORK, X = hc.ReLUNetwork([[1.0, 0.0]], [1.0]), np.eye(2)
PROBLEM = hc.TrainingProblem(X, np.ones(2), 0.1)
TWO = hc.ReLUNetwork(np.ones((1, 2)), np.ones((1, 2)))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: newton.descend(X, PROBLEM), "network"),
        (lambda: newton.descend(NETWORK, X), "problem"),
        (lambda: newton.descend(TWO, PROBLEM), "network"),
        (lambda: newton.descend(NETWORK, hc.TrainingProblem(X, [1, -1], 1, "logistic")), "problem"),
        (lambda: landscape.subsampled_optimum(None, PROBLEM), "network"),
        (lambda: landscape.subsampled_optimum(NETWORK, hc.TrainingProblem(X, X, 1)), "problem"),
        (lambda: landscape.visited_pairs(TWO, X), "network"),
        (lambda: landscape.visited_pairs(NETWORK, [[np.nan, 1.0]]), "X"),
        (lambda: landscape.visited_pairs(NETWORK, np.ones((2, 3))), "X"),
        (lambda: landscape.visited_pairs(None, X), "network"),
        (lambda: landscape.on_wall(NETWORK, "data"), "X"),
        (lambda: landscape.on_wall(X, X), "network"),
        (lambda: landscape.convex_objective(X, X, None, PROBLEM), "arrangement"),
        (lambda: landscape.in_cones(X[:1], X, hc.Arrangement.enumerate(X)), "u"),
        (lambda: paths.merging_path("network", X), "network"),
        (lambda: paths.merging_path(TWO, X), "network"),
        (lambda: paths.merging_path(NETWORK, np.ones((2, 3))), "X"),
        (lambda: paths.descending_path(NETWORK, None, X), "target"),
        (lambda: paths.merging_path(NETWORK, X)(2.5), "t"),
        (lambda: paths.merging_path(NETWORK, X)("0"), "t"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        call()


@pytest.mark.parametrize("seed", range(5))
def test_in_one_dimension_a_flat_points_along_its_neuron(seed):
    """Its basis was +1 whatever the neuron's side, and a length is not negative: P rose."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(5, 1)), rng.normal(size=5)
    problem, network = hc.TrainingProblem(X, y, 0.1), random_network(rng, 3, 1)
    gates, signs = landscape.visited_pairs(network, X)
    best = problem.objective(landscape.subsampled_optimum(network, problem))
    assert best <= problem.objective(network)
    assert best == pytest.approx(program_value(problem, gates, signs), rel=1e-7)
