"""Networks laid side by side, all optima of a problem, and networks smaller than these."""

from itertools import combinations, permutations

import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity import landscape
from hidden_convexity.landscape import newton, paths
from hidden_convexity.solvers import descent

SQUARE = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


def square():
    problem = hc.TrainingProblem(SQUARE, np.ones(4), 0.1 * hc.beta_max(SQUARE, np.ones(4)))
    return problem, hc.train(problem)


def instance(n, d, seed=0):
    rng = np.random.default_rng([seed, n, d])
    X, y = rng.normal(size=(n, d)), rng.normal(size=n)
    return hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y)), rng


# Alignment


def distance(one, other):
    hidden = ((one.hidden_weights - other.hidden_weights) ** 2).sum()
    return hidden + ((one.output_weights - other.output_weights) ** 2).sum()


def shuffled(network, order):
    return hc.ReLUNetwork(network.hidden_weights[order], network.output_weights[order])


@pytest.mark.parametrize("seed", range(3))
def test_no_order_of_the_neurons_is_nearer_than_the_aligned_one(seed):
    rng = np.random.default_rng(seed)
    one, other = (hc.ReLUNetwork(rng.normal(size=(5, 3)), rng.normal(size=5)) for _ in range(2))
    first, second = paths.align(one, other)
    nearest = min(
        distance(first, shuffled(second, list(order))) for order in permutations(range(5))
    )
    assert distance(first, second) == pytest.approx(nearest)


def test_alignment_keeps_the_outputs_and_fills_up_the_smaller_network():
    rng = np.random.default_rng(0)
    one = hc.ReLUNetwork(rng.normal(size=(3, 2)), rng.normal(size=3))
    other = hc.ReLUNetwork(rng.normal(size=(6, 2)), rng.normal(size=6))
    X = rng.normal(size=(20, 2))
    for left, right in ((one, other), (other, one)):
        first, second = paths.align(left, right)
        assert len(first) == len(second) == 6
        np.testing.assert_allclose(first(X), left(X), atol=1e-12)
        np.testing.assert_allclose(second(X), right(X), atol=1e-12)


def test_between_a_network_and_itself_reordered_there_is_no_barrier_once_aligned():
    problem, rng = instance(20, 3)
    network = descent.adam(problem, 8, range(1), 200, 0.01)[0].network.balance()
    other = shuffled(network, rng.permutation(len(network)))
    assert paths.barrier(network, other, problem) > 0.01 * problem.objective(network)
    assert paths.barrier(*paths.align(network, other), problem) < 1e-12


def test_a_barrier_is_the_highest_rise_over_the_chord():
    problem, rng = instance(10, 2)
    one, other = (hc.ReLUNetwork(rng.normal(size=(4, 2)), rng.normal(size=4)) for _ in range(2))
    ends = problem.objective(one), problem.objective(other)
    middle = hc.ReLUNetwork(
        (one.hidden_weights + other.hidden_weights) / 2,
        (one.output_weights + other.output_weights) / 2,
    )
    rise = max(problem.objective(middle) - sum(ends) / 2, 0.0)
    assert paths.barrier(one, other, problem, points=3) == pytest.approx(rise)


def test_what_can_not_be_compared_is_refused():
    problem, _ = square()
    one, two = hc.ReLUNetwork(np.eye(2), [1.0, 1.0]), hc.ReLUNetwork([[1.0, 0.0]], [1.0])
    with pytest.raises(ValueError, match="align"):
        paths.barrier(one, two, problem)
    with pytest.raises(ValueError, match="other must have 2 inputs"):
        paths.align(one, hc.ReLUNetwork(np.eye(3), np.ones(3)))
    with pytest.raises(TypeError, match="network must be a ReLUNetwork"):
        paths.align("network", one)


# All optima


def test_the_optima_of_the_square_are_a_segment_between_two_diagonals():
    problem, solution = square()
    optima = landscape.optimal_set(problem, solution)
    assert len(optima) == 4 and optima.moves.shape == (4, 1)
    np.testing.assert_allclose(np.abs(optima.directions), np.sqrt(0.5), atol=1e-9)
    low, high = optima.ranges().T
    np.testing.assert_allclose(low, 0, atol=1e-9)
    np.testing.assert_allclose(high, high[0])
    fewest, even = optima.fewest(), optima.least_squares()
    assert (len(fewest), len(even)) == (2, 4)
    lengths = np.linalg.norm(even.hidden_weights, axis=1) ** 2
    np.testing.assert_allclose(lengths, high[0] / 2, rtol=1e-5)
    for network in (fewest, even):
        assert problem.objective(network) == pytest.approx(solution.objective, rel=1e-6)


@pytest.mark.proves("tight-neurons")
@pytest.mark.parametrize("seed", range(3))
def test_every_optimal_run_is_made_of_the_directions_of_the_set(seed):
    problem, _ = instance(12, 3, seed)
    solution = hc.train(problem)
    optima = landscape.optimal_set(problem, solution)
    for run in descent.adam(problem, 24, range(4), 1_500, 0.01):
        end = newton.descend(run.network, problem)
        if problem.objective(end) < solution.objective * (1 + 1e-8):
            fit = optima.contributions @ optima.lengths
            np.testing.assert_allclose(end(problem.X), fit, atol=1e-6)
            units = end.hidden_weights / np.linalg.norm(end.hidden_weights, axis=1)[:, None]
            assert (np.max(units @ optima.directions.T, axis=1) > 1 - 1e-7).all()


def mirrored():
    """Six samples and their mirror images: opposite neurons can stand in for each other."""
    rng = np.random.default_rng(3)
    half = rng.normal(size=(6, 2))
    X, y = np.vstack([half, -half]), np.tile(rng.normal(size=6), 2)
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    return problem, landscape.optimal_set(problem, hc.train(problem))


def vertices(optima):
    """Lengths of all optimal networks whose outputs are independent, by brute force."""
    fit, found = optima.contributions @ optima.lengths, []
    for count in range(1, len(optima) + 1):
        for chosen in map(list, combinations(range(len(optima)), count)):
            columns = optima.contributions[:, chosen]
            lengths, _, rank, _ = np.linalg.lstsq(columns, fit, rcond=1e-9)
            exact = np.linalg.norm(columns @ lengths - fit) < 1e-8 * np.linalg.norm(fit)
            if exact and rank == count and (lengths > 1e-9).all():
                found.append(np.zeros(len(optima)))
                found[-1][chosen] = lengths
    return found


@pytest.mark.proves("optimal-set")
@pytest.mark.parametrize(
    "case", [mirrored, lambda: (square()[0], landscape.optimal_set(*square()))]
)
def test_the_optima_that_cannot_be_pruned_are_the_vertices(case):
    problem, optima = case()
    ends, rank = vertices(optima), np.linalg.matrix_rank(optima.contributions, tol=1e-9)
    assert len(ends) > 1 and rank <= len(problem.y)
    assert all(np.count_nonzero(end) <= rank for end in ends)
    assert len(optima.fewest()) == min(map(np.count_nonzero, ends)) < len(optima)
    low, high = optima.ranges().T  # a linear function is least at a vertex
    np.testing.assert_allclose(low, np.min(ends, axis=0), atol=1e-6)
    np.testing.assert_allclose(high, np.max(ends, axis=0), atol=1e-6)
    within = np.mean(ends, axis=0)
    root = np.sqrt(within)
    whole = hc.ReLUNetwork(root[:, None] * optima.directions, optima.signs * root)
    pruned = whole.prune(problem.X)
    lengths = np.linalg.norm(pruned.hidden_weights, axis=1) * np.abs(pruned.output_weights)
    assert problem.objective(pruned) == pytest.approx(problem.objective(whole), rel=1e-9)
    assert any(
        np.allclose(np.sort(end[end > 0])[::-1], -np.sort(-lengths))
        for end in ends
        if np.count_nonzero(end) == len(lengths)
    )


def test_the_closest_optimum_errs_least_of_all_optima_elsewhere():
    problem, solution = square()
    optima = landscape.optimal_set(problem, solution)
    X = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, 2.0]])
    target = optima.fewest()(X)
    assert np.abs(optima.closest(X, target)(X) - target).max() < 1e-5
    with pytest.raises(ValueError, match="X must have 3 rows"):
        optima.closest(X[:2], target)


def test_an_optimum_that_is_not_proven_has_no_set():
    problem, _ = square()
    some = hc.Arrangement.sample(problem.X, 3)
    with pytest.raises(ValueError, match="proven globally optimal"):
        landscape.optimal_set(problem, hc.train(problem, some))


# Fewer neurons than an optimum


def test_a_set_of_neurons_that_is_not_all_of_them_is_none():
    """Two were taken for one, and the network of least squares was 21% above the optimum."""
    t = 1e-4 * np.array([-2.12, -1.37, -1.32, -1.12, -0.6, 0.45, 1.67, 2.42])
    y = [-0.55, -0.06, 0.57, 0.2, 0.65, -1.14, 0.2, 0.13]
    problem = hc.TrainingProblem(np.stack([t**0, t, t**2], axis=1), y, 1.1e-5)
    solution = hc.train(problem, tol=1e-9)
    with pytest.raises(ValueError, match="told apart"):
        landscape.optimal_set(problem, solution)


def test_each_neuron_less_costs_something_and_the_last_network_is_the_zero_one():
    problem, _ = instance(12, 3)
    solution = hc.train(problem)
    smaller = landscape.prune_below(solution.network, problem, 0)
    counts, heights = [len(one) for one in smaller], [problem.objective(one) for one in smaller]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) == len(counts)
    assert counts[-1] == 0 and heights == sorted(heights)
    assert heights[0] == pytest.approx(solution.objective, rel=1e-8)
    assert heights[-1] == pytest.approx(problem.y @ problem.y / 2)


def test_one_neuron_is_told_in_the_singular():
    """Fault: "OptimalSet(1 neurons, dimension 0)", and the same of paths."""
    problem = hc.TrainingProblem(np.array([[1.0], [2.0]]), np.array([1.0, 2.0]), 0.1)
    optima = landscape.optimal_set(problem, hc.train(problem))
    assert repr(optima) == "OptimalSet(1 neuron, dimension 0)"
    network = hc.ReLUNetwork([[1.0]], [1.0])
    assert repr(paths.Path(("line",), [network, network])) == "Path(line, 1 neuron)"
    assert repr(network) == "ReLUNetwork(1 neuron, 1 input)"
