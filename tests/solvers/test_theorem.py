"""Theorem 1 and its dual: the convex value is a network's, and no network gets below the bound."""

import functools
from functools import cache

import cvxpy as cp
import numpy as np
import pytest
from conftest import regression
from scipy.optimize import minimize

import hidden_convexity as hc
from hidden_convexity.oracle import BranchAndBound, hidden_layer
from hidden_convexity.solvers import column_generation as exact_solver

TOL = 1e-6
PLANE = [(1, 2), (2, 2), (3, 2), (6, 2), (12, 2)]
SPACE = [(1, 1), (4, 1), (2, 3), (5, 3), (8, 3), (3, 4), (6, 4)]
FRACTIONS = [0.02, 0.3]


def data(n, d, seed=0):
    return regression(n, d, seed=[n, d, seed])


@cache
def instance(n, d, fraction, seed=0):
    X, y = data(n, d, seed)
    return hc.TrainingProblem(X, y, fraction * hc.beta_max(X, y))


@cache
def full_program(n, d, fraction, seed=0):
    """Value and minimisers (u, v) of the convex program over every chamber, as Theorem 1 says it.

    min 1/2 ||sum_g D_g X (u_g - v_g) - y||^2 + beta sum_g (||u_g|| + ||v_g||)
    over u_g, v_g with (2 D_g - I) X u_g >= 0 and (2 D_g - I) X v_g >= 0.
    """
    problem = instance(n, d, fraction, seed)
    return solve_full_program(problem)


def solve_full_program(problem):
    X, y = problem.X, problem.y
    patterns = hc.Arrangement.enumerate(X).patterns.T.astype(float)
    groups = [(cp.Variable(X.shape[1]), cp.Variable(X.shape[1])) for _ in patterns]
    fit, penalty, constraints = 0, 0, []
    for D, (u, v) in zip(patterns, groups, strict=True):
        fit += cp.multiply(D, X @ (u - v))
        penalty += cp.norm(u) + cp.norm(v)
        constraints += [cp.multiply(2 * D - 1, X @ z) >= 0 for z in (u, v)]
    objective = 0.5 * cp.sum_squares(fit - y) + problem.beta * penalty
    program = cp.Problem(cp.Minimize(objective), constraints)
    program.solve(solver=cp.CLARABEL, tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    return program.value, *(
        np.stack([z.value for z in one], axis=1) for one in zip(*groups, strict=True)
    )


@cache
def exact(n, d, fraction, seed=0):
    return hc.train(instance(n, d, fraction, seed), tol=TOL)


def zero_network(d):
    return hc.ReLUNetwork(np.zeros((0, d)), np.zeros(0))


def random_network(d, m, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return hc.ReLUNetwork(scale * rng.normal(size=(m, d)), scale * rng.normal(size=m))


def best_of_descents(problem, neurons, starts, seed=0):
    """Smallest P found by L-BFGS-B on all weights from random starts."""
    d = problem.X.shape[1]
    rng = np.random.default_rng(seed)

    def loss(weights):
        W, a = weights[: neurons * d].reshape(neurons, d), weights[neurons * d :]
        features = np.maximum(problem.X @ W.T, 0)
        residual = features @ a - problem.y
        value = 0.5 * residual @ residual + 0.5 * problem.beta * weights @ weights
        on_features = np.outer(residual, a) * (features > 0)
        gradient = np.append((on_features.T @ problem.X).ravel(), features.T @ residual)
        return value, gradient + problem.beta * weights

    found = []
    for _ in range(starts):
        start = rng.normal(size=neurons * (d + 1)) * 0.5
        end = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2_000}).x
        network = hc.ReLUNetwork(end[: neurons * d].reshape(neurons, d), end[neurons * d :])
        found.append(problem.objective(network))
    return min(found)


# The convex value is a network's


@pytest.mark.slow
@pytest.mark.proves("convex-equivalence")
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), PLANE + SPACE)
def test_convex_value_is_the_objective_of_the_decoded_network(n, d, fraction, seed):
    value, u, v = full_program(n, d, fraction, seed)
    network = hc.ReLUNetwork.decode(u, v)
    assert instance(n, d, fraction, seed).objective(network) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), PLANE + SPACE)
def test_reference_solves_the_full_program(n, d, fraction, seed):
    problem = instance(n, d, fraction, seed)
    solution = hc.train(problem, solver="cvxpy")
    value = full_program(n, d, fraction, seed)[0]
    assert solution.objective == pytest.approx(value, rel=1e-6)
    assert solution.objective == problem.objective(solution.network)
    assert solution.lower_bound <= value * (1 + 1e-9)
    assert solution.gap < 1e-4
    assert solution.scope == "global"


@pytest.mark.proves("convex-equivalence")
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), PLANE + SPACE)
def test_exact_solver_finds_the_value_of_the_full_program(n, d, fraction, seed):
    problem, solution = instance(n, d, fraction, seed), exact(n, d, fraction, seed)
    value = full_program(n, d, fraction, seed)[0]
    assert solution.objective == pytest.approx(value, rel=1e-6)
    assert solution.objective == problem.objective(solution.network)
    assert solution.lower_bound <= value * (1 + 1e-9)
    assert solution.gap < TOL
    assert solution.scope == "global"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fraction", [1e-3, 1e-4])
@pytest.mark.parametrize(("n", "d"), [(6, 2), (12, 2), (8, 3), (8, 4)])
def test_small_weight_decay_is_solved_to_the_same_relative_gap(n, d, fraction, seed):
    # The objective is of the order of beta, so the residual must be right to far more digits.
    assert exact(n, d, fraction, seed).gap < TOL


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), [(12, 3), (8, 4), (12, 4)])
def test_larger_programs_have_one_value_too(n, d, fraction):
    problem, solution = instance(n, d, fraction), exact(n, d, fraction)
    value = hc.train(problem, solver="cvxpy").objective
    assert solution.objective == pytest.approx(value, rel=1e-6)
    assert solution.gap < TOL


@pytest.mark.proves("pruning")
@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), [(6, 2), (12, 2), (8, 3), (6, 4)])
def test_an_optimal_network_needs_at_most_n_neurons(n, d, fraction):
    problem, solution = instance(n, d, fraction), exact(n, d, fraction)
    pruned = solution.network.prune(problem.X)
    assert len(pruned) <= n
    assert problem.objective(pruned) <= solution.objective * (1 + 1e-9)


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), [(6, 2), (8, 3), (6, 4)])
def test_encoding_the_optimum_keeps_its_value(n, d, fraction):
    problem, network = instance(n, d, fraction), exact(n, d, fraction).network
    decoded = hc.ReLUNetwork.decode(*network.encode(hc.Arrangement.enumerate(problem.X)))
    assert problem.objective(decoded) <= problem.objective(network) * (1 + 1e-9)
    assert problem.objective(decoded) >= exact(n, d, fraction).lower_bound


# No network gets below the bound


@pytest.mark.proves("certificate")
@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), [(3, 2), (12, 2), (4, 1), (8, 3), (6, 4)])
def test_bound_is_below_the_optimum_and_the_optimum_below_every_network(n, d, fraction):
    problem, optimum = instance(n, d, fraction), exact(n, d, fraction)
    for seed in range(6):
        network = random_network(d, m=1 + 2 * seed, seed=seed, scale=0.2 * (1 + seed))
        certificate = hc.certify(network, problem)
        assert certificate.objective == problem.objective(network)
        assert certificate.scope == "global"
        assert 0 <= certificate.lower_bound <= optimum.objective * (1 + 1e-9)
        assert optimum.lower_bound <= certificate.objective
        expected = (certificate.objective - certificate.lower_bound) / certificate.objective
        assert certificate.gap == pytest.approx(expected, rel=1e-9)


@pytest.mark.proves("convex-equivalence")
@pytest.mark.parametrize("fraction", [0.1, 0.5])
@pytest.mark.parametrize(("n", "d"), [(6, 2), (10, 2), (8, 3), (6, 4)])
def test_no_descent_gets_below_the_bound_and_one_gets_close(n, d, fraction):
    problem, optimum = instance(n, d, fraction), exact(n, d, fraction)
    best = best_of_descents(problem, neurons=40, starts=8)
    assert best >= optimum.lower_bound - 1e-9
    assert best <= optimum.objective * (1 + 1e-3)


# Certificates


@pytest.mark.proves("certificate")
@pytest.mark.parametrize("rounds", [0, 1])
@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), [(1, 1), (6, 2), (12, 2), (8, 3), (6, 4)])
def test_certificate_of_an_optimum_closes_the_gap(n, d, fraction, rounds):
    problem = instance(n, d, fraction)
    solution = hc.train(problem, tol=1e-8)
    certificate = hc.certify(solution.network, problem, rounds=rounds)
    # The residual of a network that is optimal to tol is feasible to sqrt(tol) only.
    assert certificate.gap < (1e-3 if rounds == 0 else TOL)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "d"), [(6, 2), (12, 2), (8, 3), (6, 4)])
def test_another_round_never_loosens_the_bound(n, d, seed):
    problem = instance(n, d, 0.1)
    network = random_network(d, m=5, seed=seed, scale=0.5)
    bounds = [hc.certify(network, problem, rounds=rounds).lower_bound for rounds in (0, 1, 2)]
    assert bounds[0] <= bounds[1] <= bounds[2] <= exact(n, d, 0.1).objective * (1 + 1e-9)


@pytest.mark.parametrize(("n", "d"), [(8, 2), (7, 3)])
def test_enough_rounds_reach_the_optimum_from_any_network(n, d):
    problem = instance(n, d, 0.1)
    certificate = hc.certify(random_network(d, m=3, seed=0), problem, rounds=10)
    assert certificate.lower_bound == pytest.approx(exact(n, d, 0.1).objective, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_bound_does_not_depend_on_how_neurons_are_scaled(seed):
    problem = instance(8, 3, 0.1)
    network = random_network(3, m=5, seed=seed)
    scaled = hc.ReLUNetwork(3.0 * network.hidden_weights, network.output_weights / 3.0)
    one, other = (hc.certify(each, problem, rounds=0).lower_bound for each in (network, scaled))
    assert one == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), [(6, 2), (12, 2), (8, 3), (6, 4)])
def test_at_the_optimum_every_neuron_attains_beta_and_no_direction_exceeds_it(n, d, fraction):
    problem = instance(n, d, fraction)
    network = hc.train(problem, tol=1e-8).network
    nu = problem.residual(network)
    W = network.hidden_weights / np.linalg.norm(network.hidden_weights, axis=1)[:, None]
    contact = nu @ np.maximum(problem.X @ W.T, 0)
    attained = problem.beta * np.sign(network.output_weights)
    # Neurons that carry almost nothing determine their own contact no better than the solver.
    carrying = network.output_weights**2 > 1e-3 * np.sum(network.output_weights**2)
    np.testing.assert_allclose(contact[carrying], attained[carrying], rtol=1e-3)

    U = np.random.default_rng(0).normal(size=(d, 20_000))
    U /= np.linalg.norm(U, axis=0)
    assert np.abs(nu @ np.maximum(problem.X @ U, 0)).max() <= problem.beta * (1 + 1e-3)


# The threshold


@pytest.mark.proves("beta-max")
@pytest.mark.parametrize("fraction", [1.0 + 1e-9, 2.0, 1e6])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (6, 2), (8, 3), (6, 4)])
def test_from_beta_max_on_the_optimum_is_the_zero_network(n, d, fraction):
    problem = instance(n, d, fraction)
    solution = hc.train(problem)
    half_energy = 0.5 * problem.y @ problem.y
    assert len(solution.network) == 0
    assert solution.objective == pytest.approx(half_energy, rel=1e-12)
    assert solution.lower_bound == pytest.approx(half_energy, rel=1e-9)
    certificate = hc.certify(zero_network(d), problem)
    assert certificate.lower_bound == pytest.approx(half_energy, rel=1e-9)


@pytest.mark.proves("beta-max")
@pytest.mark.parametrize(("n", "d"), [(6, 2), (8, 3), (6, 4)])
def test_just_below_beta_max_a_neuron_pays(n, d):
    solution = hc.train(instance(n, d, 0.99))
    problem = instance(n, d, 0.99)
    assert len(solution.network) >= 1
    assert solution.objective < 0.5 * problem.y @ problem.y * (1 - 1e-6)


def test_value_grows_with_beta():
    values = [exact(12, 2, fraction).objective for fraction in (0.02, 0.1, 0.3, 0.9)]
    assert values == sorted(values)


@pytest.mark.parametrize("solver", [None, "cvxpy"])
def test_zero_targets_are_fitted_by_the_zero_network(solver):
    problem = hc.TrainingProblem(data(5, 2)[0], np.zeros(5), 0.1)
    solution = hc.train(problem, solver=solver)
    assert len(solution.network) == 0
    assert solution.objective == solution.gap == 0


# Scope


def test_sampled_optimum_bounds_its_own_program_and_nothing_else():
    problem = instance(12, 3, 0.02)
    few = hc.Arrangement.sample(problem.X, 4)
    sampled, optimum = hc.train(problem, patterns=few), hc.train(problem)
    assert sampled.scope == "sampled" and optimum.scope == "global"
    assert sampled.gap < TOL
    assert problem.objective(sampled.network) == pytest.approx(sampled.objective, rel=1e-9)
    # Strictly worse than the global optimum, and so is its bound: a bound for these patterns only.
    assert sampled.lower_bound > 1.01 * optimum.objective
    assert "sampled" in repr(sampled) and "global" not in repr(sampled)
    # The network itself, judged against all networks, is certified far from optimal.
    assert hc.certify(sampled.network, problem).lower_bound <= optimum.objective * (1 + 1e-9)


def test_sampled_network_stays_in_the_sampled_chambers():
    problem = instance(12, 3, 0.02)
    few = hc.Arrangement.sample(problem.X, 6)
    network = hc.train(problem, patterns=few).network
    decoded = hc.ReLUNetwork.decode(*network.encode(few))
    assert problem.objective(decoded) <= problem.objective(network) * (1 + 1e-6)


def test_an_integer_means_that_many_sampled_directions():
    solution = hc.train(instance(12, 3, 0.1), patterns=5)
    assert solution.scope == "sampled"
    assert solution.objective >= exact(12, 3, 0.1).lower_bound


def test_a_complete_arrangement_gives_the_global_optimum():
    problem = instance(8, 3, 0.1)
    solution = hc.train(problem, patterns=hc.Arrangement.enumerate(problem.X))
    assert solution.scope == "global"
    assert solution.objective == pytest.approx(exact(8, 3, 0.1).objective, rel=1e-6)


# Symmetries


@pytest.mark.parametrize(("n", "d"), [(8, 2), (7, 3)])
def test_value_does_not_change_when_weight_space_is_rotated(n, d):
    problem = instance(n, d, 0.1)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(d, d)))
    rotated = hc.TrainingProblem(problem.X @ rotation, problem.y, problem.beta)
    assert hc.train(rotated).objective == pytest.approx(exact(n, d, 0.1).objective, rel=2e-6)


@pytest.mark.parametrize(("n", "d"), [(8, 2), (7, 3)])
def test_value_does_not_change_when_targets_change_sign(n, d):
    problem = instance(n, d, 0.1)
    negative = hc.TrainingProblem(problem.X, -problem.y, problem.beta)
    assert hc.train(negative).objective == pytest.approx(exact(n, d, 0.1).objective, rel=2e-6)


@pytest.mark.parametrize(("n", "d"), [(12, 2), (8, 3), (6, 4)])
def test_value_does_not_change_when_samples_are_permuted(n, d):
    problem = instance(n, d, 0.1)
    order = np.random.default_rng(0).permutation(n)
    permuted = hc.TrainingProblem(problem.X[order], problem.y[order], problem.beta)
    assert hc.train(permuted).objective == pytest.approx(exact(n, d, 0.1).objective, rel=2e-6)


@pytest.mark.parametrize("rounds", [0, 1])
@pytest.mark.parametrize(("n", "d"), [(12, 2), (8, 3), (6, 4)])
def test_certificates_do_not_depend_on_order_axes_or_units(n, d, rounds):
    problem, network = instance(n, d, 0.1), random_network(d, m=4, seed=0, scale=0.5)
    rng = np.random.default_rng(1)
    order, Q = rng.permutation(n), np.linalg.qr(rng.normal(size=(d, d)))[0]
    # X -> t X Q and w -> Q^T w multiply the outputs by t; so do y -> t y and beta -> t^2 beta.
    t = 1e3
    other = hc.TrainingProblem(t * problem.X[order] @ Q, t * problem.y[order], t**2 * problem.beta)
    turned = hc.ReLUNetwork(network.hidden_weights @ Q, network.output_weights)
    one = hc.certify(network, problem, rounds=rounds)
    same = hc.certify(turned, other, rounds=rounds)
    assert same.objective == pytest.approx(t**2 * one.objective, rel=1e-9)
    assert same.lower_bound == pytest.approx(t**2 * one.lower_bound, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
@pytest.mark.parametrize(("n", "d"), [(8, 2), (7, 3)])
def test_units_of_the_data_do_not_matter(n, d, scale):
    # y -> s y, X -> t X and beta -> s t beta multiply the value by s^2.
    problem = instance(n, d, 0.1)
    other = hc.TrainingProblem(problem.X * scale**0.5, problem.y * scale, problem.beta * scale**1.5)
    expected = exact(n, d, 0.1).objective * scale**2
    assert hc.train(other).objective == pytest.approx(expected, rel=2e-6)


# Degenerate data

DEGENERATE = {
    "one sample": [[2.0, 1.0]],
    "one sample twice": [[2.0, 1.0], [2.0, 1.0]],
    "repeated x": [[0.0, 1.0], [1.0, 1.0], [1.0, 1.0], [3.0, 1.0], [3.0, 1.0]],
    "a zero row": [[0.0, 0.0], [1.0, 1.0], [2.0, 1.0], [-1.0, 1.0]],
    "rank one": [[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0], [0.5, 1.0]],
    "opposite rows": [[1.0, 1.0], [-1.0, -1.0], [2.0, 1.0], [-2.0, -1.0]],
    "axes": [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]],
    "a zero column": [[1.0, 0.0], [-2.0, 0.0], [3.0, 0.0]],
    "points on a grid": [[float(t), 1.0] for t in range(-4, 5)],
    "only zeros": [[0.0, 0.0], [0.0, 0.0]],
    "zero, repeated and coplanar rows in space": [
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [1.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
    ],
    "rank two in space": [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 2.0], [1.0, -1.0, 0.0]],
}


@pytest.mark.parametrize("X", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_data_give_the_value_of_the_full_program(X):
    y = np.sin(1.0 + 2.0 * np.arange(len(X)))
    beta = 0.1 * hc.beta_max(X, y) or 0.1
    problem = hc.TrainingProblem(X, y, beta)
    solution, value = hc.train(problem), solve_full_program(problem)[0]
    assert solution.objective == pytest.approx(value, rel=1e-6)
    assert hc.train(problem, solver="cvxpy").objective == pytest.approx(value, rel=1e-6)
    assert solution.gap < TOL
    assert problem.objective(solution.network) == solution.objective
    assert hc.certify(solution.network, problem).gap < TOL


def test_one_sample_has_the_value_known_by_hand():
    # min 1/2 (||x|| s - y)^2 + beta s over s >= 0: the value is beta y/||x|| - beta^2/(2 ||x||^2).
    solution = hc.train(hc.TrainingProblem([[3.0, 4.0]], [2.0], 0.5))
    assert solution.objective == pytest.approx(0.5 * 2 / 5 - 0.25 / 50, rel=1e-6)
    assert len(solution.network) == 1
    np.testing.assert_allclose(
        solution.network.hidden_weights[0] / np.linalg.norm(solution.network.hidden_weights),
        [0.6, 0.8],
        atol=1e-4,
    )


# What is returned


def test_solution_prints_as_one_line():
    solution = exact(6, 2, 0.3)
    m = len(solution.network)
    assert repr(solution) == (
        f"Solution(objective={solution.objective:.4g}, gap < 1e-6, global, "
        f"{m} neuron{'' if m == 1 else 's'})"
    )


def test_certificate_prints_as_one_line():
    certificate = hc.certify(zero_network(2), instance(6, 2, 0.3))
    assert "\n" not in repr(certificate) and "global" in repr(certificate)


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), [(12, 2), (8, 3), (6, 4)])
def test_objective_and_bound_only_improve_from_round_to_round(n, d, fraction):
    history = exact(n, d, fraction).history
    objectives, bounds = [one.objective for one in history], [one.lower_bound for one in history]
    assert objectives == sorted(objectives, reverse=True) and bounds == sorted(bounds)
    assert bounds[-1] <= objectives[-1]


@pytest.mark.slow
@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize(("n", "d"), [(40, 2), (12, 3), (30, 3), (12, 4)])
def test_a_smaller_tolerance_never_gives_a_worse_answer(n, d, fraction):
    problem = instance(n, d, fraction)
    tolerances = np.array([0.3, 0.1, 1e-2, 1e-4, 1e-6, 1e-8])
    solutions = [hc.train(problem, tol=tol) for tol in tolerances]
    for tol, solution in zip(tolerances, solutions, strict=True):
        assert solution.gap <= tol and solution.scope == "global"
        assert solution.lower_bound <= solutions[-1].objective
    objectives = np.array([solution.objective for solution in solutions])
    # Nor by more than what replacing close neurons by their sums may cost a round; and beyond a
    # relative 1e-8 the programs over a few cones are not solved.
    allowed = exact_solver.CONSOLIDATION_SHARE * tolerances[1:] + 1e-8
    assert (np.diff(objectives) <= allowed * objectives[-1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("max_cells", [1, 50, 500])
def test_training_whose_proof_runs_out_of_budget_has_a_valid_bound(max_cells, monkeypatch):
    problem = instance(60, 4, 0.1)
    optimum = hc.train(problem)
    limited = functools.partial(BranchAndBound, max_cells=max_cells)
    monkeypatch.setattr(hidden_layer, "proving_oracle", lambda X, *options: limited(X))
    solution = hc.train(problem)
    assert solution.scope == "global" and not solution.interrupted
    assert 0 <= solution.lower_bound <= optimum.objective * (1 + 1e-9)
    assert 1e-6 < solution.gap <= 1
    assert solution.objective == pytest.approx(optimum.objective, rel=1e-5)


def test_history_bounds_meet():
    solution = exact(12, 2, 0.02)
    seconds = [step.seconds for step in solution.history]
    assert seconds == sorted(seconds)
    assert max(step.lower_bound for step in solution.history) <= solution.objective * (1 + 1e-9)
    assert min(step.objective for step in solution.history) >= solution.lower_bound * (1 - 1e-9)


def test_training_is_reproducible():
    one, same = (hc.train(instance(12, 2, 0.02)) for _ in range(2))
    np.testing.assert_array_equal(one.network.hidden_weights, same.network.hidden_weights)


def test_a_larger_plane_problem_is_solved_to_the_tolerance_asked_for():
    rng = np.random.default_rng(0)
    t = np.sort(rng.uniform(-1, 1, 300))
    X = np.column_stack([t, np.ones(300)])
    y = np.sin(6 * t) + 0.1 * rng.normal(size=300)
    problem = hc.TrainingProblem(X, y, 0.01 * hc.beta_max(X, y))
    solution = hc.train(problem, tol=1e-7)
    assert solution.gap < 1e-7 and solution.scope == "global"
    assert hc.certify(solution.network, problem, rounds=1).gap < TOL


def planar_inputs(n, share):
    """Noisy samples of a smooth function of two inputs, and a bias."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((n, 2))
    X = np.column_stack([inputs, np.ones(n)])
    y = np.sin(2 * inputs[:, 0]) * inputs[:, 1] + 0.1 * rng.standard_normal(n)
    return hc.TrainingProblem(X, y, share * hc.beta_max(X, y))


def test_a_row_is_either_tight_or_on_a_side():
    """Rows at an angle between two tolerances were neither, and let a neuron leave its cone."""
    assert hc.train(planar_inputs(1_000, 0.1)).gap < 1e-6


def test_at_the_end_of_double_precision_there_still_is_a_proof():
    solution = hc.train(planar_inputs(60, 0.1), tol=1e-15)
    assert solution.scope == "global" and solution.gap < 1e-6


@pytest.mark.parametrize("tol", [0.9, 0.6, 0.3, 0.1, 1e-2])
def test_loose_tolerances_are_kept(tol):
    x = np.linspace(-1, 1, 200)
    X = np.column_stack([x, np.ones(200)])
    y = np.exp(-((x / 0.05) ** 2)) + 0.2 * np.sin(9 * x)
    assert hc.train(hc.TrainingProblem(X, y, 1e-3 * hc.beta_max(X, y)), tol=tol).gap <= tol


def test_a_neuron_that_vanishes_on_its_flat_has_no_direction():
    """It was divided by its norm, 0, and the certificate ended in a LinAlgError."""
    problem = hc.TrainingProblem([[1.0], [2.0]], [-1.0, -1.0], 1e-6)
    certificate = hc.certify(hc.ReLUNetwork([[1.0]], [1.0]), problem)
    optimum = hc.train(problem)
    assert optimum.gap <= TOL
    assert certificate.lower_bound == pytest.approx(optimum.objective, rel=1e-4)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("unit", [1e-60, 1e-6, 1e10, 1e60])
def test_the_reference_does_not_depend_on_units(unit, loss):
    """Clarabel's tolerances are absolute: at 1e10 it failed, at 1e-6 its gap was 0.29."""
    X, y = data(6, 2)
    y, height = (np.sign(y), 1.0) if loss == "logistic" else (y, unit)
    one = hc.train(hc.TrainingProblem(X, y, 0.1, loss), solver="cvxpy")
    problem = hc.TrainingProblem(unit * X, height * y, 0.1 * unit * height, loss)
    other = hc.train(problem, solver="cvxpy")
    assert other.gap <= 1e-5
    assert other.objective / height**2 == pytest.approx(one.objective, rel=1e-5)
    assert other.objective == problem.objective(other.network)
