"""Rows of the table that train at any size: the value of the small reference, and a proven gap.

One test says it of tiny instances, one of real ones, against descent in PyTorch on the network as
it is written there. What remains are statements about the parts that the rows share.
"""

import inspect
import signal
import tracemalloc
from fractions import Fraction

import cvxpy as cp
import exact_rows
import numpy as np
import pytest
import trouble
from sklearn.datasets import load_digits

import hidden_convexity as hc
from hidden_convexity import equivalences, verify
from hidden_convexity.equivalences import fourier, nuclear_norm, parts, spectral, splitting
from hidden_convexity.equivalences.active_sets import ActiveSets
from hidden_convexity.equivalences.gated_maps import GatedMaps
from hidden_convexity.problem.restricted.program import RestrictedProgram
from hidden_convexity.problem.restricted.shared import SharedProgram
from hidden_convexity.solvers import lasso

ROWS = equivalences.rows()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ROWS)
def test_training_has_the_value_of_the_reference(name, seed):
    """value(train) = value(CVXPY) = objective(decode); no descent ends below the bound."""
    row, rng = ROWS[name], np.random.default_rng([seed, 7])
    X, y, beta = row.instance(rng)
    program = row.convex_program(X, y, beta)
    value = program.solve()
    solution = row.train(X, y, beta, tol=1e-7)
    assert solution.objective == row.objective(solution.network, X, y, beta)
    assert solution.objective == pytest.approx(value, rel=1e-6)
    assert row.objective(row.decode(program), X, y, beta) == pytest.approx(value, rel=1e-6)
    assert solution.gap <= 1e-7
    assert not solution.interrupted
    assert solution.lower_bound <= value * (1 + 1e-9)
    trained = [row.objective(row.descend(X, y, beta, rng), X, y, beta) for _ in range(2)]
    assert min(trained) >= solution.lower_bound


# What the outputs of a network of these inputs scale with: their power of X.
DEGREES = {"linear_attention": 3, "quadratic": 2, "threshold": 0, "batch_normalisation": 0}


@pytest.mark.parametrize("name", ROWS)
def test_training_is_the_same_in_any_units(name):
    """Descent in the units of the data lost its way where X was large: a gap of 0.4, not 1e-6."""
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(5))
    here = row.train(X, y, beta, tol=1e-6)
    for of_x, of_y in [(1e10, 1.0), (1e-6, 1.0), (1e10, 1e-10), (1.0, 1e8)]:
        unit = of_x ** DEGREES.get(name, 1) * of_y
        there = row.train(of_x * X, of_y * y, unit * beta, tol=1e-6)
        # A least norm has the unit of weights, that of targets over data.
        of_value = of_y / of_x if name == "minimum_norm" else of_y**2
        assert there.objective == pytest.approx(of_value * here.objective, rel=2e-6)
        assert there.gap <= 1e-6


# Real sizes


class Real:
    """A row at real size: its data, and the same network in PyTorch for descent.

    Each method is named after a row and returns X, y and starts(rng), which gives the arrays to
    train and a function of them, as tensors, to the outputs and the penalty over beta.
    """

    def linear_vector(rng):
        X = rng.normal(size=(5_000, 100))
        y = X @ rng.normal(size=(100, 3)) @ rng.normal(size=(3, 20)) + rng.normal(size=(5_000, 20))

        def starts(rng):
            def network(W, A):
                return _tensor(X) @ W @ A, _squares(W, A) / 2

            return [rng.normal(size=(100, 20)) / 10, rng.normal(size=(20, 20)) / 10], network

        return X, y, starts

    def gated_relu(rng):
        X = rng.normal(size=(5_000, 60))
        gates, patterns = parts.fixed_gates(X)

        def starts(rng):
            def network(W, a):
                return (_tensor(patterns) * (_tensor(X) @ W)) @ a, _squares(W, a) / 2

            return [rng.normal(size=(60, len(gates))) / 8, rng.normal(size=len(gates))], network

        return X, np.maximum(X[:, 0], 0) - X[:, 1] + rng.normal(size=5_000), starts

    def gated_relu_vector(rng):
        X = rng.normal(size=(3_000, 40))
        y = np.maximum(X @ rng.normal(size=(40, 5)), 0) + rng.normal(size=(3_000, 5))
        patterns = np.repeat(parts.fixed_gates(X)[1], 5, axis=1)

        def starts(rng):
            def network(W, A):
                return (_tensor(patterns) * (_tensor(X) @ W)) @ A, _squares(W, A) / 2

            m = patterns.shape[1]
            return [rng.normal(size=(40, m)) / 6, rng.normal(size=(m, 5)) / 3], network

        return X, y, starts

    def linear_attention(rng):
        X = rng.normal(size=(40, 40, 6)) / 6
        scores, values = rng.normal(size=(2, 2, 6, 6))
        y = sum(X @ Q @ X.swapaxes(1, 2) @ X @ V for Q, V in zip(scores, values, strict=True))

        def starts(rng):
            def network(Q, V):
                tokens = _tensor(X)
                heads = tokens[:, None] @ Q @ (tokens.mT @ tokens)[:, None] @ V
                return heads.sum(1), _squares(Q, V) / 2

            return list(rng.normal(size=(2, 20, 6, 6)) / 4), network

        return X, y + rng.normal(size=y.shape), starts

    def quadratic(rng):
        X = rng.normal(size=(4_000, 60))
        y = (X[:, 0] + X[:, 1]) ** 2 - X[:, 2] ** 2 + rng.normal(size=4_000)

        def starts(rng):
            def network(W, a):
                penalty = ((a.abs() ** 3).sum() + 2 * (W**2).sum(0).pow(1.5).sum()) / 3
                return (_tensor(X) @ W) ** 2 @ a, penalty

            return [rng.normal(size=(60, 30)) / 4, rng.normal(size=30) / 4], network

        return X, y, starts

    def circular_convolution(rng):
        X = rng.normal(size=(800, 1_500))
        tones = [np.cos(2 * np.pi * k * np.arange(1_500) / 1_500) for k in (0, 40, 333, 750)]
        y = X @ sum(tones) + rng.normal(size=800)

        def starts(rng):
            import torch

            def network(h, a):
                z = torch.fft.irfft((torch.fft.rfft(h) * torch.fft.rfft(a)).sum(0), n=1_500)
                return _tensor(X) @ z, _squares(h, a) / 2

            return list(rng.normal(size=(2, 3, 1_500)) / 30), network

        return X, y, starts

    def threshold(rng):
        X = np.column_stack([rng.uniform(-3, 3, size=5_000), np.ones(5_000)])
        y = np.sign(np.sin(3 * X[:, 0])) + 0.5 * rng.normal(size=5_000)

        def starts(rng):
            features = (X @ rng.normal(size=(2, 300)) >= 0).astype(float)

            def network(s, a):
                return _tensor(features) @ (s * a), _squares(s, a) / 2

            return list(rng.normal(size=(2, 300)) / 10), network

        return X, y, starts

    def mirrors(rng):
        x = np.sort(rng.uniform(-2, 2, size=200))
        y = np.abs(np.abs(x) - 1) + 0.2 * rng.normal(size=200)

        def starts(rng):
            def network(p, q, a, r, s, c):
                hidden = (q * (p * _tensor(x)[:, None] + r).abs() + s).abs()
                cubes = sum((weights.abs() ** 3).sum() for weights in (p, q, a))
                return c + hidden @ a, cubes / 3

            return [*rng.normal(size=(5, 30)) / 2, np.zeros(1)], network

        return x[:, None], y, starts

    def deep_relu(rng):
        x = np.sort(rng.uniform(-3, 3, size=2_000))
        y = np.clip(2 * np.sin(2 * x), -1, 1) + 0.2 * rng.normal(size=2_000)

        def starts(rng):
            def network(p, q, a, r, s, c):
                hidden = (q * (p * _tensor(x)[:, None] + r).relu() + s).relu()
                cubes = sum((weights.abs() ** 3).sum() for weights in (p, q, a))
                return c + hidden @ a, cubes / 3

            return [*rng.normal(size=(5, 30)), np.zeros(1)], network

        return x[:, None], y, starts

    def minimum_norm(rng):
        X, y, _ = two_layers(rng, slope=0.0, n=100)

        def starts(rng):
            import torch

            def network(W):
                features = (_tensor(X) @ W).relu()
                # The output weights of least norm that interpolate: descent keeps the constraint.
                a = features.mT @ torch.linalg.solve(features @ features.mT, _tensor(y))
                return features @ a, _squares(W, a) / 2

            return [rng.normal(size=(3, 300))], network

        return X, y, starts

    def relu_vector(rng):
        X, y, _ = two_layers(rng, slope=0.0, n=1_000)
        y = np.column_stack([y, np.abs(X[:, 0]), y - X[:, 1]])

        def starts(rng):
            def network(W, A):
                return (_tensor(X) @ W).relu() @ A, _squares(W, A) / 2

            return [rng.normal(size=(3, 30)) / 2, rng.normal(size=(30, 3)) / 2], network

        return X, y, starts

    def three_layers(rng):
        X = np.column_stack([np.sort(rng.uniform(-3, 3, size=500)), np.ones(500)])
        bumps = [np.maximum(1 - np.abs(X[:, 0] - at), 0) for at in (-1, 1)]

        def starts(rng):
            def network(W, B, c):
                inner = ((_tensor(X) @ W).relu() * B[:, None]).sum(0).relu()
                paths = (B**2 * (W**2).sum(1)).sum(0)
                # The root of the paths, times |c|, from above: the same minimum, and smooth.
                return inner @ c, (paths.sum() + (c**2).sum()) / 2

            W, B, c = (rng.normal(size=shape) for shape in [(2, 2, 20), (2, 20), 20])
            return [W, B, c], network

        return X, bumps[0] - bumps[1] / 2 + 0.2 * rng.normal(size=500), starts

    def relu(rng):
        return two_layers(rng, slope=0.0)

    def leaky_relu(rng):
        return two_layers(rng, slope=0.2)

    def absolute_value(rng):
        return two_layers(rng, slope=-1.0)

    def skip_connection(rng):
        X, y, starts = two_layers(rng, slope=0.0, skip=True)
        return X, y + 3 * X[:, 0], starts

    def batch_normalisation(rng):
        X = rng.normal(size=(2_000, 2)) @ [[1.0, 0.9], [0.0, 0.3]] + [5.0, -2.0]
        y = np.sin(2 * (X[:, 0] - 5)) + 0.2 * rng.normal(size=2_000)

        def starts(rng):
            def network(W, gamma, delta, a):
                inputs = (_tensor(X) - _tensor(X).mean(0)) @ W
                inputs = gamma * inputs / inputs.norm(dim=0) + delta / 2_000**0.5
                return inputs.relu() @ a, _squares(gamma, delta, a) / 2

            return [rng.normal(size=(2, 30)), *3 * rng.normal(size=(3, 30))], network

        return X, y, starts

    def average_pooling(rng):
        X = rng.normal(size=(1_000, 50)).cumsum(axis=1) / 5
        y = np.maximum(np.diff(X, axis=1), 0).mean(axis=1) * 20 + 0.2 * rng.normal(size=1_000)

        def starts(rng):
            def network(W, a):
                patches = _tensor(X).unfold(1, 2, 1)
                return (patches @ W).relu().mean(1) @ a, _squares(W, a) / 2

            return [rng.normal(size=(2, 30)), rng.normal(size=30)], network

        return X, y, starts


def two_layers(rng, slope, skip=False, n=3_000):
    """Points in the plane and a bias."""
    X = np.column_stack([rng.normal(size=(n, 2)), np.ones(n)])
    y = np.sin(2 * X[:, 0]) * X[:, 1] + 0.2 * rng.normal(size=n)

    def starts(rng):
        def network(W, a, *linear):
            inputs = _tensor(X) @ W
            outputs = (inputs.relu() - slope * (-inputs).relu()) @ a
            outputs = outputs + sum(_tensor(X) @ b for b in linear)
            return outputs, _squares(W, a) / 2

        linear = [rng.normal(size=3)] if skip else []
        return [rng.normal(size=(3, 30)) / 2, rng.normal(size=30) / 2, *linear], network

    return X, y, starts


def _tensor(array):
    import torch

    return torch.as_tensor(array)


def _squares(*weights):
    return sum((one**2).sum() for one in weights)


def descend(y, beta, weights, network):
    """The objective at which L-BFGS of PyTorch ends."""
    import torch

    weights = [torch.tensor(one, requires_grad=True) for one in weights]
    optimiser = torch.optim.LBFGS(weights, max_iter=60, line_search_fn="strong_wolfe")

    def objective():
        outputs, penalty = network(*weights)
        return 0.5 * ((outputs - _tensor(y)) ** 2).sum() + beta * penalty

    def closure():
        optimiser.zero_grad()
        value = objective()
        value.backward()
        return value

    optimiser.step(closure)
    return float(objective().detach())


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_training_at_real_size_is_proven(name):
    """gap <= tol, the objective is the network's, and descent never ends below the bound."""
    pytest.importorskip("torch")
    row, rng = ROWS[name], np.random.default_rng(0)
    X, y, starts = getattr(Real, name)(rng)
    # The least norm has no weight decay, and its objective is the penalty.
    beta = 1.0 if name == "minimum_norm" else 0.05 * largest_beta(row, X, y)
    solution = row.train(X, y, beta, tol=1e-4)
    assert solution.gap <= 1e-4
    assert solution.objective == row.objective(solution.network, X, y, beta)
    scopes = {"gated_relu": "sampled", "gated_relu_vector": "sampled", "three_layers": "searched"}
    assert solution.scope == scopes.get(name, "global")
    assert solution.lower_bound > 0.01 * solution.objective
    assert 0 < solution.network.width
    trained = [descend(y, beta, *starts(rng)) for _ in range(10)]
    assert min(trained) >= solution.lower_bound
    assert len(solution.history) > 1
    bounds = [step.lower_bound for step in solution.history]
    assert bounds == sorted(bounds)


def largest_beta(row, X, y):
    """M(y), the weight decay at which no neuron is worth its price: from the first bound.

    That is (s - s^2 / 2) ||y||^2 with s = beta / M(y), for a beta below it.
    """
    first = row.train(X, y, 1.0, max_seconds=1e-9).history[0]
    return 1 / (1 - np.sqrt(1 - first.lower_bound / first.objective))


@pytest.mark.parametrize("length", [1, 3])
def test_filters_of_any_length_train(length):
    row, rng = ROWS["average_pooling"], np.random.default_rng(0)
    X, y = rng.normal(size=(12, 6)), rng.normal(size=12)
    solution = row.train(X, y, 0.05, tol=1e-6, length=length)
    assert solution.gap <= 1e-6
    assert solution.network.hidden.shape[1] == length
    assert solution.objective == row.objective(solution.network, X, y, 0.05)
    with pytest.raises(ValueError, match="one filter long"):
        row.train(X, y, 0.05, length=7)


@pytest.mark.parametrize("length", [2, 3])
def test_memory_is_linear_in_the_number_of_patches(length):
    """Four times as many take four times the memory, give or take a neuron or a cell: not 16."""
    row = ROWS["average_pooling"]

    def peak(patches):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(30, patches + length - 1)).cumsum(axis=1)
        y = np.maximum(np.diff(X, axis=1), 0).mean(axis=1)
        tracemalloc.start()
        try:
            row.train(X, y, 0.05, length=length, tol=1e-3)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(20)  # what is loaded and compiled once
    assert peak(2_000) <= 6 * peak(500)


@pytest.mark.parametrize("kind", ["gaussian", "wedge", "sparse", "patch"])
@pytest.mark.parametrize("name", ["gated_relu", "gated_relu_vector"])
def test_gated_networks_train_over_gates_of_any_kind(name, kind):
    """The gap is of the row's own objective, so prediction switches as the program did."""
    row, rng = ROWS[name], np.random.default_rng(0)
    X, y, beta = row.instance(rng)
    gates = hc.Arrangement.sample(X, 30, kind=kind)
    solution = row.train(X, y, beta, tol=1e-6, patterns=gates)
    assert solution.gap <= 1e-6 and solution.scope == "sampled"
    assert solution.objective == row.objective(solution.network, X, y, beta)
    used = {tuple(gate) for gate in solution.network.gates}
    assert used <= {tuple(gate) for gate in gates.gates.T}
    # More gates cannot cost more.
    more = hc.Arrangement.from_gates(X, np.hstack([gates.gates, rng.normal(size=(X.shape[1], 9))]))
    lower = row.train(X, y, beta, tol=1e-6, patterns=more).lower_bound
    assert lower <= solution.objective
    with pytest.raises(ValueError, match="patterns must be an arrangement of X"):
        row.train(2 * X, y, beta, patterns=gates)
    with pytest.raises((TypeError, ValueError), match="patterns"):
        row.train(X, y, beta, patterns="all")


def test_targets_that_no_network_interpolates_have_no_least_norm():
    row = ROWS["minimum_norm"]
    X, y = np.array([[1.0, 1.0], [2.0, 2.0], [-1.0, 1.0]]), np.array([1.0, 3.0, 0.0])
    with pytest.raises(ValueError, match="rows on one line with different targets"):
        row.train(X, y, 1.0)
    assert row.train(X, 0 * y, 1.0).objective == 0


def test_a_least_norm_that_ran_out_of_time_says_that_nothing_interpolates_yet():
    """Infinity less a bound, over infinity, was no gap at all."""
    X, y, _ = two_layers(np.random.default_rng(0), slope=0.0, n=60)
    solution = ROWS["minimum_norm"].train(X, y, 1.0, max_seconds=1e-9)
    assert solution.out_of_time and not solution.interrupted
    assert solution.objective == np.inf
    assert solution.gap == 1
    assert 0 <= solution.lower_bound < ROWS["minimum_norm"].train(X, y, 1.0).objective


# The parts that rows share


def test_the_bound_of_singular_values_is_above_them_and_close():
    """By less than the least gap that training can reach, dense and by Lanczos iterations."""
    rng = np.random.default_rng(0)
    order = spectral.DENSE_ORDER + 50
    for shape in [(3, 5, 4), (2, 1, 2), (7, 1, 1), (1, 30, 200), (1, order, order + 20)]:
        stack = rng.normal(size=shape) * 10.0 ** rng.uniform(-8, 8)
        found = spectral.leading(stack, 4)
        values = np.linalg.svd(stack, compute_uv=False)
        largest = np.sort(values.ravel())[::-1]
        assert found.values == pytest.approx(largest[: len(found.values)], rel=1e-10)
        assert largest[0] <= found.bound <= largest[0] * (1 + 1e-9)
        pairing = np.einsum("kp,kpq,kq->k", found.left, stack[found.block], found.right)
        assert pairing == pytest.approx(found.values, rel=1e-10)


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e200, 1e307])
def test_the_bound_of_singular_values_is_one_where_squares_vanish_or_overflow(size):
    """The squares of a dual matrix of 1e-200 vanished, and 0 was taken for its norm."""
    stack = size * np.array([[[3.0, 1.0], [1.0, 3.0]]])
    assert 3.99 * size <= spectral.leading(stack, 1).bound <= 4.01 * size
    assert spectral.leading(0 * stack, 1).bound == 0
    assert spectral.leading(np.full((1, 2, 2), np.nan), 1).bound == np.inf


def test_no_quadratic_network_is_below_a_bound_on_minute_data():
    """With a norm of 0 any dual point was feasible: the zero network, proven optimal."""
    X, y = 1e-74 * np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2)
    here = ROWS["quadratic"].train(X, y, 1e-149)
    there = ROWS["quadratic"].train(1e74 * X, y, 0.1)
    assert here.objective == pytest.approx(there.objective, rel=1e-3) and here.network.width


@pytest.mark.parametrize("d", [*range(1, 10), 12, 16, 61])
def test_the_error_of_a_transform_is_within_its_bound(d):
    transform = fourier.Fourier(d)
    for v in np.random.default_rng(d).normal(size=(3, d)):
        found = transform(v)
        lines = exact_rows.spectrum(np.eye(d), v)
        allowed = Fraction(transform.error * np.linalg.norm(v)) ** 2
        for one, [[real, imaginary]] in zip(found, lines, strict=True):
            # The judge's lines are V with the sign of i turned.
            off = (Fraction(one.real) - real) ** 2 + (Fraction(one.imag) + imaginary) ** 2
            assert off <= allowed + Fraction(1, 10**100)


def test_the_bound_holds_where_the_iteration_finds_nothing(monkeypatch):
    """A Ritz value is a lower bound: taken for the norm, it would make training's bound a lie."""
    stack = np.random.default_rng(0).normal(size=(1, 30, 40))
    true = np.linalg.norm(stack[0], 2)
    wrong = np.array([0.25 * true**2]), np.eye(30)[:1], np.array([0])
    monkeypatch.setattr(spectral, "_largest_eigenvalues", lambda gram, count: wrong)
    assert true <= spectral.leading(stack, 1).bound <= 2 * true


@pytest.mark.parametrize("name", ["linear_vector", "gated_relu_vector", "linear_attention"])
def test_the_map_of_a_row_has_its_adjoint(name):
    """<nu, A(p q')> = p' A*(nu) q, and the pullback is its derivative in either factor."""
    row, rng = ROWS[name], np.random.default_rng(0)
    X, y, _ = row.instance(rng)
    maps = {
        "linear_vector": lambda: row.GatedMaps(X, y.shape[1], np.ones((len(X), 1))),
        "gated_relu_vector": lambda: row.GatedMaps(X, y.shape[1], parts.fixed_gates(X)[1]),
        "linear_attention": lambda: row.AttentionMaps(X, y.shape[2]),
    }[name]()
    check_adjoint(maps, rng.normal(size=y.shape), rng)


def gated_maps(n, d, c, gates, rng):
    """Random maps; the last gate is shut for all samples, and the first open."""
    patterns = (rng.random((n, gates)) < 0.5).astype(float)
    patterns[:, 0], patterns[:, -1] = 1.0, 0.0
    return GatedMaps(rng.normal(size=(n, d)), c, patterns)


@pytest.mark.parametrize("n", [12, 50])
def test_a_ridge_regression_over_gates_is_solved_in_samples_or_in_weights(n):
    """(I + s A A*) inverse(r) = r, for fewer samples than weights and for more; A of a stack."""
    rng = np.random.default_rng(n)
    maps, right = gated_maps(n, 4, 3, 5, rng), rng.normal(size=(n, 3))
    factors = nuclear_norm.Factors(rng.normal(size=(5, 4)), rng.normal(size=(5, 3)), np.arange(5))
    stack = np.einsum("kp,kq->kpq", *factors[:2])
    np.testing.assert_allclose(maps.apply(stack), maps.outputs(factors), atol=1e-12)
    for strength in (1e-3, 1.0, 1e3):
        found = maps.resolvent(strength)(right)
        back = found + strength * maps.apply(maps.adjoint(found))
        np.testing.assert_allclose(back, right, atol=1e-9)
    units = np.eye(n)[:, :, None] * np.ones(3)
    trace = sum((unit * maps.apply(maps.adjoint(unit))).sum() for unit in units) / 3
    assert maps.mean_eigenvalue == pytest.approx(trace / n)


@pytest.mark.parametrize("rounds", [1, splitting.ROUNDS])
@pytest.mark.parametrize("case", [(12, 4, 3), (12, 4, 1), (60, 4, 6), (60, 1, 3)])
def test_splitting_and_descent_meet_at_the_same_optimum(case, rounds, monkeypatch):
    """And each from where the other ends: no bound of one is above an objective of the other."""
    monkeypatch.setattr(splitting, "ROUNDS", rounds)
    for seed in range(5):
        rng = np.random.default_rng([seed, *case])
        maps, y = gated_maps(*case, 5, rng), rng.normal(size=(case[0], case[2]))
        # Copies of samples tie the gates.
        maps._X[:3] = maps._X[3:6]
        beta = 10.0 ** -rng.uniform(0.3, 3) * np.linalg.norm(maps.adjoint(y), 2, axis=(1, 2)).max()
        begun = splitting.split(maps, y, beta)
        both = nuclear_norm.solve(maps, y, beta, 1e-7, begin=begun)
        alone = nuclear_norm.solve(maps, y, beta, 1e-7)
        values = [found.history[-1].objective for found in (both, alone)]
        bounds = [found.lower_bound for found in (both, alone)]
        assert max(bounds) <= min(values) * (1 + 1e-12)
        assert max(values) - min(bounds) <= 2e-7 * min(values)


def test_a_norm_is_proven_even_if_no_singular_value_was_found():
    """The margin of a square of 0 grew for ever; a gate that no sample opens is a matrix 0."""
    short = np.random.default_rng(0).normal(size=(2, 4, 6))
    gram = short @ short.swapaxes(1, 2)
    largest = np.linalg.norm(short, 2, axis=(1, 2)).max()
    assert largest <= spectral._proven(gram, short, 0.0) <= 3 * largest
    values, vectors = spectral._lanczos(np.zeros((5, 5)), 2)
    assert (values == 0).all()
    np.testing.assert_array_equal(vectors.T @ vectors, np.eye(2))


def test_splitting_leaves_all_to_descent_where_squares_vanish(monkeypatch):
    """Samples of 1e-170 have no eigenvalue to set a penalty by, and it was divided by."""
    rng = np.random.default_rng(0)
    maps, y = gated_maps(12, 4, 2, 5, rng), rng.normal(size=(12, 2))
    monkeypatch.setattr(GatedMaps, "mean_eigenvalue", 0.0)
    assert list(splitting.split(maps, y, 0.1)) == []
    found = nuclear_norm.solve(maps, y, 0.1, 1e-4, begin=splitting.split(maps, y, 0.1))
    assert found.lower_bound >= (1 - 1e-4) * found.history[-1].objective


def test_splitting_takes_tens_of_iterations_where_descent_takes_hundreds():
    """On pixels, which are correlated, descent's residuals stayed infeasible: 165 s, not 8."""
    images = load_digits().images.reshape(-1, 64)[:300] / 16
    maps = GatedMaps(images, 10, parts.fixed_gates(images)[1])
    y = np.eye(10)[load_digits().target[:300]] - 0.1
    assert maps.splits
    beta = 0.05 * np.linalg.norm(maps.adjoint(y), 2, axis=(1, 2)).max()
    split, descended = maps.solve(y, beta, 1e-3), nuclear_norm.solve(maps, y, beta, 1e-3)
    for found in (split, descended):
        objective = found.history[-1].objective
        assert objective - found.lower_bound <= 1e-3 * objective
    iterations = (len(split.history) - 1) * splitting.ITERATIONS
    assert iterations < 100
    assert 4 * iterations < (len(descended.history) - 1) * nuclear_norm.STEPS


def test_the_maps_of_scalar_rows_have_their_adjoints():
    rng = np.random.default_rng(0)
    for d in (1, 2, 7, 8):
        X, nu = rng.normal(size=(6, d)), rng.normal(size=6)
        check_adjoint(ROWS["quadratic"].QuadraticForms(X), nu, rng)
        check_adjoint(ROWS["circular_convolution"].Spectrum(X), nu, rng)


def check_adjoint(maps, nu, rng):
    blocks, p, q = maps.shape
    block = rng.integers(blocks, size=5)
    factors = nuclear_norm.Factors(rng.normal(size=(5, p)), rng.normal(size=(5, q)), block)
    adjoint = maps.adjoint(nu)
    assert adjoint.shape == maps.shape
    of_block = adjoint[block]
    products = np.einsum("kp,kpq,kq", factors.left, of_block, factors.right)
    assert (maps.outputs(factors) * nu).sum() == pytest.approx(products, rel=1e-10)
    left, right = maps.pullback(factors, nu)
    np.testing.assert_allclose(left, np.einsum("kpq,kq->kp", of_block, factors.right), atol=1e-9)
    np.testing.assert_allclose(right, np.einsum("kpq,kp->kq", of_block, factors.left), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["generic", "on a grid", "with a bias"])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_every_active_set_is_met(d, kind):
    """Against the list of all faces: zeros, multiples, opposites and planes that share a line."""
    threshold = ROWS["threshold"]
    for seed in range(8):
        rng = np.random.default_rng([seed, d])
        X = rng.normal(size=(9, d)) if kind != "on a grid" else rng.integers(-1, 2, size=(9, d))
        X = X.astype(float)
        if kind == "with a bias":
            X[:, -1] = 1.0
        if not X.any():
            continue
        listed = threshold.patterns(X, threshold.directions_of_all_faces(X))
        sets = ActiveSets(X, threshold.ON_WALL)
        for _ in range(5):
            nu = rng.normal(size=len(X))
            directions, sums = sets(nu)
            np.testing.assert_allclose(nu @ threshold.patterns(X, directions), sums, atol=1e-12)
            assert np.abs(sums).max() == pytest.approx(np.abs(nu @ listed).max())


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("kind", trouble.KINDS)
def test_no_active_set_has_a_sum_above_what_is_listed_and_the_allowance(kind, d):
    """Exactly; and where samples depend on each other exactly or clearly do not, by rounding."""
    plain = {"grid", "tenths", "bias_grid", "gaussian", "mirrored", "rows_apart"}
    for seed in range(4):
        X = trouble.case(seed, kind, (d, d), most_rows=6).X
        sets = ActiveSets(X, ROWS["threshold"].ON_WALL)
        for nu in np.random.default_rng(seed).normal(size=(3, len(X))):
            largest, allowed = np.abs(sets(nu)[1]).max(), sets.allowance(nu)
            exactly = exact_rows.thresholds(X, nu)
            if sets.complete:
                assert Fraction(largest) + Fraction(allowed) >= exactly
            if kind in plain:
                assert sets.complete and allowed <= 1e-13 * np.abs(nu).sum()
                assert largest == pytest.approx(float(exactly))


@pytest.mark.parametrize(
    ("X", "scope"),
    [
        ([[1, 0], [1, 1e-10]], "sampled"),
        ([[1, 0], [1, 1e-10], [0, 1]], "global"),
        ([[1, 0, 0], [1, 1e-10, 0], [0, 1, 0], [0, 0, 1]], "global"),
        ([[1, 0, 0], [1, 1e-10, 0], [1, 0, 1e-10], [0, 1, 0], [0, 0, 1]], "sampled"),
    ],
)
def test_thresholds_that_tell_close_samples_apart_are_not_forgotten(X, scope):
    """Samples within 1e-9 of each other were one: a bound of 0.5 for 0.002, called global."""
    X = np.array(X, dtype=float)
    y = np.append([1.0, -1.0], np.zeros(len(X) - 2))
    solution = ROWS["threshold"].train(X, y, 1e-3)
    assert solution.scope == scope
    if scope == "global":
        assert solution.lower_bound <= 4e-3


def test_thresholds_above_rank_three_are_sampled_and_say_so():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 20)), rng.normal(size=100)
    solution = ROWS["threshold"].train(X, y, 1.0)
    assert solution.scope == "sampled"
    assert solution.gap <= 1e-4


def test_sampled_thresholds_have_neurons_on_walls():
    """Of opposite samples only a neuron on their wall, which chambers have none, is active at both.

    Its price is beta; neurons of chambers that make the same outputs would cost twice that.
    """
    row, X = ROWS["threshold"], np.vstack([np.eye(5), -np.eye(5)])
    y = np.zeros(10)
    y[[0, 5]] = 1.0
    on_wall = (row.patterns(X, np.array([[0.0, 1, 1, 1, 1]]))[:, 0]).astype(float)
    beta = 1e-3
    solution = row.train(X, on_wall, beta)
    assert solution.scope == "sampled"
    assert solution.objective <= 1.01 * beta


# Deep ReLU networks of one input


@pytest.mark.parametrize("hidden", [2, 3, 4])
def test_no_deep_branch_correlates_more_than_a_clipped_ramp(hidden):
    """Brute force over branches of any weights and biases, of slope one at most."""
    rng = np.random.default_rng(hidden)
    row = ROWS["deep_relu"]
    for _ in range(20):
        x, nu = rng.normal(size=7), rng.normal(size=7)
        nu -= nu.mean()
        values = x[:, None]
        for layer in range(hidden):
            shift = rng.normal(size=20_000) if layer == 0 else -rng.uniform(-1, 1, size=20_000)
            values = np.maximum(rng.choice([-1.0, 1.0], size=20_000) * (values + shift), 0)
        _, products = row._search(x)(nu)
        most = np.abs(products).max()
        assert np.abs(nu @ values).max() <= most * (1 + 1e-12)
        first, second = np.triu_indices(7, k=1)
        points = np.sort(x)
        listed = row.clipped_ramps(x, np.column_stack([points[first], points[second]]))
        assert np.abs(nu @ listed).max() == pytest.approx(most)
        assert np.abs(nu @ values).max() >= 0.7 * most


@pytest.mark.parametrize("layers", [3, 4, 6])
def test_deep_relu_training_is_a_trend_filter_with_charged_ends(layers):
    """The penalty is beta/2 (|s_1| + sum |s_(k+1) - s_k| + |s_p|) of the slopes, at any depth."""
    row, rng = ROWS["deep_relu"], np.random.default_rng(3)
    for _ in range(5):
        x, y = np.sort(rng.normal(size=12)), rng.normal(size=12)
        f = cp.Variable(12)
        slopes = cp.multiply(cp.diff(f), 1 / np.diff(x))
        charge = cp.abs(slopes[0]) + cp.norm1(cp.diff(slopes)) + cp.abs(slopes[-1])
        problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + 0.05 * charge / 2))
        solution = row.train(x[:, None], y, 0.05, tol=1e-9, layers=layers)
        assert solution.network.weights.shape[1] == layers - 1
        assert solution.objective == pytest.approx(problem.solve(solver=cp.CLARABEL), rel=1e-6)


@pytest.mark.parametrize("layers", [3, 4])
def test_examples_whose_optimum_is_known_by_hand(layers):
    """Data of Zeger et al. 2024: slopes 0, 3/4, 0 cost 3/4 beta, and 0, 3/4, 4 cost 4 beta."""
    row, X = ROWS["deep_relu"], np.array([[0.0], [2.0], [6.0], [7.0]])
    for y, value in [((0, 0, 3, 3), 0.75e-8), ((0, 0, 3, 7), 4e-8)]:
        solution = row.train(X, np.array(y, dtype=float), 1e-8, tol=1e-6, layers=layers)
        assert solution.objective == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("name", ROWS)
def test_zero_targets_have_an_empty_network(name):
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(0))
    solution = row.train(X, 0 * y, beta)
    assert solution.objective == solution.gap == solution.network.width == 0
    assert "width 0" in repr(solution)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_is_interrupted_keeps_what_it_has(name, monkeypatch):
    """Ctrl-C, and the end of a budget: the network is evaluated and its bound is valid.

    The end of a budget was told as an interruption, which is the user's.
    """
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(0))
    optimum = row.train(X, y, beta, tol=1e-9)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def pressed(*given):
        signal.raise_signal(signal.SIGINT)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(nuclear_norm, "_descend", pressed)
            patch.setattr(GatedMaps, "resolvent", pressed)
            patch.setattr(lasso, "_restricted", pressed)
            for program in (RestrictedProgram, SharedProgram):
                patch.setattr(program, "solve", pressed)
            pressed_solution = row.train(X, y, beta, tol=1e-9)
    finally:
        signal.signal(signal.SIGINT, before)
    late_solution = row.train(X, y, beta, tol=1e-9, max_seconds=1e-9)
    assert pressed_solution.interrupted and not pressed_solution.out_of_time
    assert late_solution.out_of_time and not late_solution.interrupted
    for solution in (pressed_solution, late_solution):
        assert solution.objective == row.objective(solution.network, X, y, beta)
        assert 0 <= solution.lower_bound <= optimum.objective
        assert solution.objective >= optimum.lower_bound


SAVED = {
    "relu",
    "leaky_relu",
    "absolute_value",
    "skip_connection",
    "average_pooling",
    "batch_normalisation",
    "relu_vector",
    "mirrors",
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_the_checker_knows_is_saved_and_others_say_what_is_missing(name, tmp_path):
    """The problem and the dual point were dropped, and so no row had a file."""
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(0))
    solution = row.train(X, y, beta)
    if name not in SAVED:
        with pytest.raises(ValueError, match="the checker knows none for the dual constraint"):
            solution.save(tmp_path / "row.npz")
        return
    assert solution.dual_point.shape == solution.problem.y.shape
    solution.save(tmp_path / "row.npz")
    assert verify.verify(tmp_path / "row.npz").startswith("Proven, rounding included")
    again = hc.load(tmp_path / "row.npz")
    assert again.lower_bound >= 0.999 * solution.lower_bound
    assert again.objective == pytest.approx(solution.objective, rel=1e-9)
    assert again.scope == solution.scope == "global"


@pytest.mark.parametrize("name", ROWS)
def test_every_row_takes_what_all_take(name):
    """Rows without a proof to leave out had no argument for it."""
    row = ROWS[name]
    shared = ["X", "y", "beta", "tol", "max_seconds", "progress", "proof"]
    assert list(inspect.signature(row.train).parameters)[: len(shared)] == shared
    X, y, beta = row.instance(np.random.default_rng(0))
    assert row.train(X, y, beta, proof=False).gap <= 1e-4


@pytest.mark.parametrize("name", ROWS)
def test_training_says_what_is_wrong_with_its_arguments(name):
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(0))
    bad = {
        "X": [np.full_like(X, np.nan), X.astype(str), X[0, 0], None],
        "y": [np.full_like(y, np.inf), y[:-1], y[..., None, None], "targets"],
        "beta": [0.0, np.nan, "0.1", True],
        "tol": [0.0, -1.0, np.inf, None, "1e-4"],
        "max_seconds": [0.0, -1.0, np.nan, "1"],
        "progress": [1, "yes", None],
        "proof": [1, "no", None],
    }
    for argument, values in bad.items():
        for value in values:
            arguments = {"X": X, "y": y, "beta": beta} | {argument: value}
            with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b"):
                row.train(**arguments)
