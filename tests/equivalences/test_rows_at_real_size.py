"""Rows of the table at real size: a proven gap, against descent in PyTorch on the same network."""

import numpy as np
import pytest

from hidden_convexity import equivalences
from hidden_convexity.equivalences import parts

ROWS = equivalences.rows()


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
