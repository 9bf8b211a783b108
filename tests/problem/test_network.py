"""Decode, encode, balance and prune: what each keeps, and what none of them increases."""

import copy
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hidden_convexity as hc
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem

BETA = 0.3
SHAPES = [(1, 1, 3), (4, 2, 1), (6, 2, 30), (6, 3, 5), (5, 3, 40), (3, 4, 20), (8, 1, 12)]


def instance(n, d, m, seed=0, outputs=None):
    """A random problem and a random, unbalanced network."""
    rng = np.random.default_rng([seed, n, d, m])
    c = () if outputs is None else (outputs,)
    X, y = rng.normal(size=(n, d)), rng.normal(size=(n, *c))
    hidden = rng.normal(size=(m, d)) * 10 ** rng.uniform(-2, 2, (m, 1))
    network = ReLUNetwork(hidden, rng.normal(size=(m, *c)))
    return TrainingProblem(X, y, BETA), network


def convex_objective(problem, arrangement, u, v):
    """C(u, v), written out chamber by chamber."""
    prediction, penalty = np.zeros(len(problem.y)), 0.0
    for g in range(len(arrangement)):
        active = arrangement.patterns[:, g]
        prediction += active * (problem.X @ (u[:, g] - v[:, g]))
        penalty += np.linalg.norm(u[:, g]) + np.linalg.norm(v[:, g])
    return 0.5 * np.sum((prediction - problem.y) ** 2) + problem.beta * penalty


def assert_in_cones(arrangement, *groups):
    signs = np.where(arrangement.patterns, 1.0, -1.0)
    for group in groups:
        slack = signs * (arrangement.X @ group)
        scale = np.linalg.norm(arrangement.X, axis=1)[:, None] * np.linalg.norm(group, axis=0)
        assert (slack >= -1e-9 * scale).all()


# Evaluation


def test_output_is_the_sum_over_neurons():
    problem, network = instance(7, 3, 4)
    expected = sum(
        a * np.maximum(problem.X @ w, 0)
        for w, a in zip(network.hidden_weights, network.output_weights, strict=True)
    )
    np.testing.assert_allclose(network(problem.X), expected)
    assert len(network) == 4


def test_vector_output_is_one_scalar_network_per_output():
    problem, network = instance(7, 3, 4, outputs=2)
    outputs = network(problem.X)
    assert outputs.shape == (7, 2)
    for k in range(2):
        scalar = ReLUNetwork(network.hidden_weights, network.output_weights[:, k])
        np.testing.assert_allclose(outputs[:, k], scalar(problem.X))


def test_network_is_positively_homogeneous():
    problem, network = instance(7, 3, 4)
    np.testing.assert_allclose(network(3 * problem.X), 3 * network(problem.X))


@pytest.mark.parametrize(("output", "shape"), [((0,), (5,)), ((0, 2), (5, 2))])
def test_no_neurons_is_the_zero_function(output, shape):
    network = ReLUNetwork(np.zeros((0, 3)), np.zeros(output))
    assert len(network) == 0
    np.testing.assert_array_equal(network(np.ones((5, 3))), np.zeros(shape))
    assert len(network.balance()) == 0
    assert network.balance()(np.ones((5, 3))).shape == shape
    assert len(network.prune(np.ones((5, 3)))) == 0


def test_no_neurons_go_through_torch():
    pytest.importorskip("torch")
    again = ReLUNetwork.from_torch(ReLUNetwork(np.zeros((0, 3)), np.zeros(0)).to_torch())
    assert len(again) == 0 and again.hidden_weights.shape == (0, 3)


def test_weights_cannot_be_changed_behind_the_network():
    hidden = np.ones((2, 2))
    network = ReLUNetwork(hidden, np.ones(2))
    hidden[:] = 7
    assert network.hidden_weights.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        network.hidden_weights[0, 0] = 7


def test_networks_print_as_one_line():
    assert repr(ReLUNetwork(np.ones((2, 3)), np.ones(2))).startswith("ReLUNetwork(2 neurons")
    assert "\n" not in repr(ReLUNetwork(np.ones((2, 3)), np.ones((2, 2))))


# Balance


@pytest.mark.proves("balance")
@pytest.mark.parametrize("outputs", [None, 1, 3])
@pytest.mark.parametrize(("n", "d", "m"), SHAPES)
def test_balance_keeps_the_function_and_never_increases_P(n, d, m, outputs):
    problem, network = instance(n, d, m, outputs=outputs)
    balanced = network.balance()
    np.testing.assert_allclose(balanced(problem.X), network(problem.X), rtol=1e-12, atol=1e-12)
    assert problem.objective(balanced) <= problem.objective(network) * (1 + 1e-12)
    hidden = np.linalg.norm(balanced.hidden_weights, axis=1)
    output = np.linalg.norm(balanced.output_weights.reshape(len(balanced), -1), axis=1)
    np.testing.assert_allclose(hidden, output)


@pytest.mark.proves("balance")
def test_balance_pays_the_product_of_the_norms():
    _, network = instance(6, 2, 30)
    balanced = network.balance()
    norms = np.linalg.norm(network.hidden_weights, axis=1)
    product = np.sum(norms * np.abs(network.output_weights))
    squares = np.sum(balanced.hidden_weights**2) + np.sum(balanced.output_weights**2)
    assert squares / 2 == pytest.approx(product)


def test_balance_of_a_balanced_network_changes_nothing():
    _, network = instance(6, 2, 30)
    once = network.balance()
    twice = once.balance()
    np.testing.assert_allclose(twice.hidden_weights, once.hidden_weights, rtol=1e-12)
    np.testing.assert_allclose(twice.output_weights, once.output_weights, rtol=1e-12)


def test_balance_of_neurons_that_compute_nothing_costs_nothing():
    network = ReLUNetwork([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]], [2.0, 0.0, 1.0])
    balanced = network.balance()
    X = np.array([[1.0, 2.0], [-1.0, 1.0]])
    np.testing.assert_allclose(balanced(X), network(X))
    squares = np.sum(balanced.hidden_weights**2) + np.sum(balanced.output_weights**2)
    assert squares == pytest.approx(2 * np.sqrt(2))


@pytest.mark.parametrize("scale", [1e-140, 1e140])
def test_balance_of_extreme_weights_stays_finite(scale):
    network = ReLUNetwork(scale * np.array([[3.0, 4.0]]), [1 / scale]).balance()
    np.testing.assert_allclose(network.hidden_weights, [[3 / 5**0.5, 4 / 5**0.5]])
    np.testing.assert_allclose(network.output_weights, [5**0.5])


# Prune


@pytest.mark.proves("pruning")
@pytest.mark.parametrize("outputs", [None, 1, 2])
@pytest.mark.parametrize(("n", "d", "m"), SHAPES)
def test_prune_keeps_the_outputs_never_increases_P_and_leaves_at_most_n_neurons(n, d, m, outputs):
    problem, network = instance(n, d, m, outputs=outputs)
    pruned = network.prune(problem.X)
    scale = np.abs(network(problem.X)).max()
    np.testing.assert_allclose(pruned(problem.X), network(problem.X), atol=1e-9 * scale)
    assert problem.objective(pruned) <= problem.objective(network) * (1 + 1e-9)
    assert len(pruned) <= min(m, n * (outputs or 1))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_prune_with_ties(data):
    n, d, m = (data.draw(st.integers(1, k)) for k in (5, 3, 9))
    entry = st.integers(-2, 2).map(float)
    X = np.array(
        data.draw(st.lists(st.lists(entry, min_size=d, max_size=d), min_size=n, max_size=n))
    )
    W = np.array(
        data.draw(st.lists(st.lists(entry, min_size=d, max_size=d), min_size=m, max_size=m))
    )
    a = np.array(data.draw(st.lists(entry, min_size=m, max_size=m)))
    problem, network = TrainingProblem(X, np.ones(n), BETA), ReLUNetwork(W, a)
    pruned = network.prune(X)
    np.testing.assert_allclose(pruned(X), network(X), atol=1e-9)
    assert problem.objective(pruned) <= problem.objective(network) + 1e-9
    assert len(pruned) <= n


@pytest.mark.parametrize("outputs", [None, 2])
def test_prune_leaves_independent_contributions(outputs):
    problem, network = instance(6, 3, 40, outputs=outputs)
    pruned = network.prune(problem.X)
    activations = np.maximum(problem.X @ pruned.hidden_weights.T, 0)
    output = pruned.output_weights.reshape(len(pruned), -1)
    contributions = (activations[:, None, :] * output.T).reshape(-1, len(pruned))
    contributions /= np.linalg.norm(contributions, axis=0)
    assert np.linalg.matrix_rank(contributions, tol=1e-10) == len(pruned)


def test_prune_merges_copies_of_one_neuron():
    _, network = instance(6, 3, 1)
    copies = ReLUNetwork(np.repeat(network.hidden_weights, 5, axis=0), np.arange(1.0, 6.0))
    X = np.vstack([network.hidden_weights, np.eye(3)])
    pruned = copies.prune(X)
    assert len(pruned) == 1
    np.testing.assert_allclose(pruned(X), copies(X))


def test_prune_cancels_opposite_contributions():
    network = ReLUNetwork([[1.0, 2.0], [1.0, 2.0]], [1.0, -1.0])
    assert len(network.prune(np.eye(2))) == 0


def test_prune_drops_neurons_no_sample_activates():
    network = ReLUNetwork([[1.0, 1.0], [-1.0, -1.0]], [1.0, 1.0])
    pruned = network.prune(np.eye(2))
    np.testing.assert_allclose(pruned.hidden_weights, [[1, 1]] * 1 / np.sqrt(np.sqrt(2)))


def test_prune_keeps_the_cheaper_of_two_neurons_that_do_the_same():
    # Both compute (1, 0) on the data; the second has the shorter weight vector.
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    network = ReLUNetwork([[1.0, -3.0], [1.0, 0.0]], [1.0, 1.0])
    pruned = network.prune(X)
    assert len(pruned) == 1
    np.testing.assert_allclose(pruned.hidden_weights[0, 1], 0, atol=1e-12)
    np.testing.assert_allclose(pruned(X), [2, 0])


# Decode and encode


@pytest.mark.proves("decode-encode")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n", "d", "m"), SHAPES)
def test_encode_then_decode_never_increases_P(n, d, m, seed):
    problem, network = instance(n, d, m, seed)
    arrangement = Arrangement.enumerate(problem.X)
    u, v = network.encode(arrangement)
    assert u.shape == v.shape == (d, len(arrangement))
    assert_in_cones(arrangement, u, v)
    decoded = ReLUNetwork.decode(u, v)

    value, before = convex_objective(problem, arrangement, u, v), problem.objective(network)
    assert value <= before * (1 + 1e-12)
    assert problem.objective(decoded) <= before * (1 + 1e-12)
    scale = np.abs(network(problem.X)).max()
    np.testing.assert_allclose(decoded(problem.X), network(problem.X), atol=1e-12 * (1 + scale))


@pytest.mark.proves("decode-encode")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n", "d"), [(1, 1), (4, 2), (6, 3), (3, 4)])
def test_P_of_the_decoded_network_is_C(n, d, seed):
    rng = np.random.default_rng([seed, n, d])
    problem = TrainingProblem(rng.normal(size=(n, d)), rng.normal(size=n), BETA)
    arrangement = Arrangement.enumerate(problem.X)
    # Multiples of the gates lie in the cones.
    used = rng.random((2, len(arrangement))) < 0.5
    u, v = arrangement.gates * (rng.uniform(1, 2, (2, len(arrangement))) * used)[:, None, :]
    network = ReLUNetwork.decode(u, v)
    value = convex_objective(problem, arrangement, u, v)
    assert problem.objective(network) == pytest.approx(value, rel=1e-12)
    assert len(network) == used.sum()
    np.testing.assert_allclose(
        np.linalg.norm(network.hidden_weights, axis=1), np.abs(network.output_weights)
    )


def test_decode_then_encode_returns_the_same_point():
    X = np.random.default_rng(2).normal(size=(5, 3))
    arrangement = Arrangement.enumerate(X)
    u = arrangement.gates * np.arange(1, len(arrangement) + 1)
    v = arrangement.gates[:, ::-1][:, ::-1] * 0.5
    again = ReLUNetwork.decode(u, v).encode(arrangement)
    np.testing.assert_allclose(again[0], u, atol=1e-12)
    np.testing.assert_allclose(again[1], v, atol=1e-12)


def test_neurons_on_chamber_walls_can_be_encoded():
    # Every weight is orthogonal to some sample: it lies in several closed cones and no open one.
    X = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    W = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, -1.0, 0.0], [0.0, 0.0, 0.0], [0, -2, 0]])
    problem = TrainingProblem(X, np.ones(4), BETA)
    network = ReLUNetwork(W, [1.0, -2.0, 3.0, 1.0, -1.0])
    arrangement = Arrangement.enumerate(X)
    u, v = network.encode(arrangement)
    assert_in_cones(arrangement, u, v)
    decoded = ReLUNetwork.decode(u, v)
    np.testing.assert_allclose(decoded(X), network(X), atol=1e-12)
    assert problem.objective(decoded) <= problem.objective(network)


def test_zero_decodes_to_no_neurons():
    network = ReLUNetwork.decode(np.zeros((3, 4)), np.zeros((3, 4)))
    assert len(network) == 0
    np.testing.assert_array_equal(network(np.ones((2, 3))), [0, 0])


def test_no_neurons_encode_to_zero():
    arrangement = Arrangement.enumerate(np.eye(3))
    u, v = ReLUNetwork(np.zeros((0, 3)), np.zeros(0)).encode(arrangement)
    assert not u.any() and not v.any()


def test_encode_refuses_chambers_that_were_not_sampled():
    X = np.random.default_rng(0).normal(size=(8, 3))
    sample = Arrangement.sample(X, 1)
    opposite = ReLUNetwork(-sample.gates.T, [1.0])
    with pytest.raises(ValueError, match=r"Arrangement\.enumerate"):
        opposite.encode(sample)


# PyTorch


@pytest.mark.parametrize("outputs", [1, 3])
def test_to_torch_and_back(outputs):
    torch = pytest.importorskip("torch")
    problem, network = instance(7, 3, 4, outputs=None if outputs == 1 else outputs)
    module = network.to_torch()
    with torch.no_grad():
        outputs = module(torch.tensor(problem.X)).numpy().reshape(problem.y.shape)
    np.testing.assert_allclose(outputs, network(problem.X), atol=1e-12)
    again = ReLUNetwork.from_torch(module)
    np.testing.assert_array_equal(again.hidden_weights, network.hidden_weights)
    np.testing.assert_array_equal(again.output_weights, network.output_weights)


def test_without_torch_the_way_to_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    network = ReLUNetwork(np.ones((1, 2)), np.ones(1))
    for way in (network.to_torch, lambda: ReLUNetwork.from_torch(network)):
        with pytest.raises(ImportError, match=r'pip install "hidden-convexity\[torch\]"'):
            way()


def test_torch_bias_becomes_the_last_weight():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1, bias=False)
    )
    X = torch.randn(6, 3)
    network = ReLUNetwork.from_torch(module)
    with torch.no_grad():
        expected = module(X).numpy()[:, 0]
    X = np.column_stack([X.numpy().astype(float), np.ones(6)])
    np.testing.assert_allclose(network(X), expected, atol=1e-5)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("outputs", [1, 2])
def test_torch_linear_beside_the_module_becomes_the_skip(outputs, biased):
    torch = pytest.importorskip("torch")
    nn, double = torch.nn, {"dtype": torch.float64}
    torch.manual_seed(0)
    first, last = nn.Linear(3, 5, biased, **double), nn.Linear(5, outputs, biased, **double)
    skip, module = nn.Linear(3, outputs, **double), nn.Sequential(first, nn.ReLU(), last)
    network = ReLUNetwork.from_torch(module, skip=skip)
    X = torch.randn(6, 3, **double)
    with torch.no_grad():
        expected = (module(X) + skip(X)).numpy()
    X = X.numpy()
    X = np.column_stack([X, np.ones(6)]) if biased else X
    np.testing.assert_allclose(network(X), expected[:, 0] if outputs == 1 else expected, atol=1e-12)


def test_to_torch_of_a_network_with_a_skip_says_how_to_go_on():
    torch = pytest.importorskip("torch")
    network = ReLUNetwork(np.ones((2, 3)), np.ones(2), skip=np.arange(3.0), intercept=1.0)
    with pytest.raises(ValueError, match="with_free_terms") as refused:
        network.to_torch()
    assert "a torch.nn.Linear of network.skip" in str(refused.value)
    skip = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    skip.weight.data.copy_(torch.tensor(network.skip)[None])
    module = network.with_free_terms(None, network.intercept).to_torch()
    again = ReLUNetwork.from_torch(module, skip=skip)
    X = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_array_equal(again(X), network(X))


def test_from_torch_does_not_share_memory_with_the_module():
    torch = pytest.importorskip("torch")
    module = ReLUNetwork(np.ones((2, 2)), np.ones(2)).to_torch()
    network = ReLUNetwork.from_torch(module)
    with torch.no_grad():
        module[0].weight.zero_()
    assert network.hidden_weights.all()


def test_from_torch_refuses_what_the_theory_does_not_cover():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    hidden, output = nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False)
    for module in [
        nn.Sequential(hidden, nn.Tanh(), output),
        nn.Sequential(hidden, nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), output),
        nn.Linear(2, 1),
        "network",
    ]:
        with pytest.raises((TypeError, ValueError)):
            ReLUNetwork.from_torch(module)
    module, conv = nn.Sequential(hidden, nn.ReLU(), output), nn.Conv1d(2, 3, 1)
    for skip in [nn.Linear(3, 1), nn.Linear(2, 2), nn.ReLU(), conv, "skip"]:
        with pytest.raises(ValueError, match=r"skip must be a torch\.nn\.Linear"):
            ReLUNetwork.from_torch(module, skip=skip)
    pooled = nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), output)
    with pytest.raises(ValueError, match=r"skip must be a torch\.nn\.Linear"):
        ReLUNetwork.from_torch(pooled, skip=nn.Linear(2, 1))


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_copies_and_what_comes_out_of_a_pickle_cannot_be_changed_either(again):
    """NumPy forgets that an array was read-only: a process pool's answers could be written to."""
    X, y = np.eye(3), np.ones(3)
    for one, names in (
        (ReLUNetwork(X, y), ("hidden_weights", "output_weights")),
        (hc.splines.train(y.cumsum(), y.cumsum() ** 2, 0.1).network, ("weights", "amplitudes")),
        (hc.TrainingProblem(X, y, 0.1), ("X", "y")),
        (hc.Zonotope(X), ("X", "vertices", "generators")),
    ):
        for name in names:
            np.testing.assert_array_equal(getattr(again(one), name), getattr(one, name))
            assert not getattr(again(one), name).flags.writeable
