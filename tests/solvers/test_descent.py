"""Adam minimises the stated objective, run by run, and claims no bound it has not got."""

import sys

import numpy as np
import pytest

from hidden_convexity import train
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers.descent import adam
from hidden_convexity.solvers.solution import Step


def problem(n=12, d=2, beta=0.1, seed=0):
    rng = np.random.default_rng(seed)
    return TrainingProblem(rng.normal(size=(n, d)), rng.normal(size=n), beta)


@pytest.fixture(scope="module")
def solutions():
    pytest.importorskip("torch")
    return adam(problem(), neurons=20, seeds=range(3), steps=3_000)


@pytest.mark.slow
def test_objective_is_the_problem_s_own(solutions):
    for solution in solutions:
        assert solution.objective == problem().objective(solution.network)
        assert solution.history[-1].objective == pytest.approx(solution.objective, rel=1e-12)


def test_descent_claims_the_trivial_bound_only(solutions):
    for solution in solutions:
        assert solution.lower_bound == 0 and solution.gap == 1
        assert solution.scope == "searched" and solution.solver == "adam"
        assert "no bound" in repr(solution) and "searched" not in repr(solution)


def test_a_step_prints_few_digits():
    assert repr(Step(0.01234567, 1 / 3, 0.0, 5)) == (
        "Step(0.012 s, objective=0.3333, lower_bound=0, neurons=5)"
    )


def test_history_starts_at_the_random_weights_and_is_sparse(solutions):
    for solution in solutions:
        history = solution.history
        assert 2 <= len(history) <= 101
        assert history[0].objective > 2 * history[-1].objective
        seconds = [step.seconds for step in history]
        assert seconds == sorted(seconds)
        assert all(step.neurons == 20 and step.lower_bound == 0 for step in history)


def test_runs_come_to_rest(solutions):
    for solution in solutions:
        late = solution.history[-5:]
        assert late[0].objective - late[-1].objective < 1e-5 * late[-1].objective


def test_active_neurons_end_balanced(solutions):
    # Weight decay balances each neuron at a stationary point: ||w_j|| = |a_j|.
    for solution in solutions:
        hidden = np.linalg.norm(solution.network.hidden_weights, axis=1)
        np.testing.assert_allclose(hidden, np.abs(solution.network.output_weights), atol=1e-2)


def test_each_run_is_what_it_would_be_alone():
    pytest.importorskip("torch")
    together = adam(problem(), neurons=5, seeds=[3, 1, 4], steps=200)
    for solution, seed in zip(together, [3, 1, 4], strict=True):
        (alone,) = adam(problem(), neurons=5, seeds=[seed], steps=200)
        np.testing.assert_allclose(
            alone.network.hidden_weights, solution.network.hidden_weights, atol=1e-9
        )


def test_the_same_seeds_give_the_same_networks():
    pytest.importorskip("torch")
    one, same = (adam(problem(), neurons=5, seeds=[7, 8], steps=300) for _ in range(2))
    for first, second in zip(one, same, strict=True):
        np.testing.assert_array_equal(first.network.hidden_weights, second.network.hidden_weights)
        assert repr(first) == repr(second)
    assert one[0].objective != one[1].objective


def test_torch_s_own_random_state_plays_no_part():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    (one,) = adam(problem(), neurons=5, seeds=[7], steps=50)
    state = torch.get_rng_state()
    torch.manual_seed(1)
    (same,) = adam(problem(), neurons=5, seeds=[7], steps=50)
    np.testing.assert_array_equal(one.network.hidden_weights, same.network.hidden_weights)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
def test_above_beta_max_descent_finds_the_zero_network():
    pytest.importorskip("torch")
    one = problem(beta=1e3)
    (solution,) = adam(one, neurons=10, seeds=[0], steps=2_000)
    zero = ReLUNetwork(np.zeros((0, 2)), np.zeros(0))
    assert solution.objective == pytest.approx(one.objective(zero), rel=1e-6)


@pytest.mark.slow
def test_one_neuron_on_one_sample_reaches_the_optimum_known_by_hand():
    # f = a w x with x = y = 1: min 1/2 (1 - aw)^2 + beta |aw| has the value beta - beta^2 / 2.
    pytest.importorskip("torch")
    one = TrainingProblem([[1.0]], [1.0], 0.1)
    best = min(s.objective for s in adam(one, neurons=3, seeds=range(5), steps=2_000))
    assert best == pytest.approx(0.1 - 0.1**2 / 2, rel=1e-6)


def test_patches_are_trained_as_torch_trains_their_convolution():
    """The objective of the run is that of a Conv1d module on the signals, patches repeated."""
    torch = pytest.importorskip("torch")
    signals = np.tile(np.random.default_rng(0).normal(size=(9, 4)), 2)  # patches occur twice
    patches = np.lib.stride_tricks.sliding_window_view(signals, 3, axis=1)
    one = TrainingProblem(patches, np.sign(signals[:, 0]), 0.1, loss="logistic")
    (solution,) = adam(one, neurons=5, seeds=[0], steps=50)
    module = solution.network.to_torch(kernel=(1, 3))
    with torch.no_grad():
        outputs = module(torch.tensor(signals)[:, None])[:, 0].numpy()
        decay = sum(float(weights.square().sum()) for weights in module.parameters())
    expected = np.logaddexp(0, -one.y * outputs).sum() + 0.05 * decay
    assert solution.history[-1].objective == pytest.approx(expected, rel=1e-12)


def test_one_patch_a_sample_is_the_sample():
    pytest.importorskip("torch")
    plain = problem()
    patches = TrainingProblem(plain.X[:, None], plain.y, plain.beta)
    (one,), (same,) = (adam(p, neurons=5, seeds=[0], steps=200) for p in (plain, patches))
    np.testing.assert_allclose(one.network.hidden_weights, same.network.hidden_weights, atol=1e-9)


@pytest.mark.parametrize("other", [{"skip": True}, {"intercept": True}])
def test_adam_trains_no_free_terms(other):
    plain = problem()
    with pytest.raises(ValueError, match="adam takes problems without skip or intercept"):
        adam(TrainingProblem(plain.X, plain.y, plain.beta, **other), neurons=3, seeds=[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neurons": 0}, "neurons must"),
        ({"neurons": 2.5}, "neurons must"),
        ({"steps": 0}, "steps must"),
        ({"learning_rate": 0}, "learning_rate must"),
        ({"learning_rate": float("nan")}, "learning_rate must"),
        ({"learning_rate": "fast"}, "learning_rate must"),
        ({"seeds": []}, "seeds must"),
        ({"seeds": [0.5]}, "seeds must"),
        ({"seeds": [-1]}, "seeds must"),
    ],
)
def test_adam_names_the_argument_that_is_wrong(options, message):
    arguments = {"neurons": 3, "seeds": [0], "steps": 10, **options}
    with pytest.raises((TypeError, ValueError), match=message):
        adam(problem(), **arguments)


@pytest.mark.parametrize("other", [np.ones((3, 2)), None, 3], ids=["a matrix", "None", "3"])
def test_adam_needs_a_problem(other):
    with pytest.raises(TypeError, match="problem must be a TrainingProblem"):
        adam(other, neurons=3, seeds=[0])


def test_adam_trains_one_output():
    with pytest.raises(ValueError, match="problem must have one output"):
        adam(TrainingProblem(np.ones((3, 2)), np.ones((3, 2)), 1.0), neurons=3, seeds=[0])


def test_missing_torch_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r'pip install "hidden-convexity\[torch\]"'):
        adam(problem(), neurons=3, seeds=[0])


@pytest.mark.slow
@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0])
def test_descent_trains_networks_over_patches(slope):
    """What Adam minimises is the network's objective, and near its end the optimum."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(-2, 3, size=(20, 4, 2)) / 2, rng.normal(size=20)
    problem = TrainingProblem(X, y, 0.05, slope=slope)
    (solution,) = adam(problem, neurons=20, seeds=[0], steps=2_000)
    assert solution.history[-1].objective == pytest.approx(solution.objective, rel=1e-9)
    best = train(problem)
    assert best.lower_bound <= solution.objective <= 1.02 * best.objective
