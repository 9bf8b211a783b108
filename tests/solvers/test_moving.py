"""The search in many dimensions, where neurons descend between convex programs over their lengths.

Below the rank where `train` takes this way it is compared with the exact restricted program.
"""

import signal

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.datasets import load_digits

import hidden_convexity as hc
from hidden_convexity import solvers
from hidden_convexity.oracle import Ascent
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.problem.restricted.passes import Passes
from hidden_convexity.solvers.descent import adam
from hidden_convexity.solvers.moving import MovingProgram, MovingSharedProgram


def planted(n, d, neurons=3, noise=0.0, share=0.05):
    """A problem whose targets are a network's outputs and noise, and that network."""
    rng = np.random.default_rng([n, d])
    X = rng.standard_normal((n, d))
    hidden = rng.standard_normal((neurons, d)) / np.sqrt(d)
    teacher = hc.ReLUNetwork(hidden, (-1.0) ** np.arange(neurons))
    y = teacher(X) + noise * rng.standard_normal(n)
    return hc.TrainingProblem(X, y, share * Ascent(X)(y).value), teacher


def labelled(n, d, share=0.1):
    problem, teacher = planted(n, d)
    labels = np.where(teacher(problem.X) > 0, 1.0, -1.0)
    beta = share * Ascent(problem.X)(labels).value / 2
    return hc.TrainingProblem(problem.X, labels, beta, "logistic")


def assert_consistent(solution, problem):
    assert solution.scope == "searched"
    assert solution.objective == problem.objective(solution.network)
    assert 0 < solution.lower_bound <= solution.objective
    objectives = [step.objective for step in solution.history]
    assert objectives == sorted(objectives, reverse=True)


def test_a_planted_network_is_found():
    problem, teacher = planted(400, 24, share=0.01)
    solution = hc.train(problem, tol=1e-2, proof=False)
    assert_consistent(solution, problem)
    assert solution.gap <= 1e-2
    assert solution.lower_bound <= problem.objective(teacher.balance())
    assert solution.objective < problem.objective(teacher.balance())
    found = solution.network.hidden_weights
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    for w, a in zip(teacher.hidden_weights, teacher.output_weights, strict=True):
        cosines = found @ w / np.linalg.norm(w)
        assert np.max(cosines[np.sign(solution.network.output_weights) == a]) > 0.99


@pytest.mark.parametrize("problem", [planted(100, 8, noise=0.3)[0], labelled(100, 8)])
def test_its_gap_and_that_of_the_exact_restricted_program_agree(problem, monkeypatch):
    exact = hc.train(problem, tol=1e-4, proof=False)
    monkeypatch.setattr(solvers, "MOVING_ABOVE_RANK", 2)
    moved = hc.train(problem, tol=2e-2, proof=False)
    assert_consistent(moved, problem)
    assert exact.gap <= 1e-4 and moved.gap <= 2e-2
    assert exact.objective * (1 - 1e-4) <= moved.objective <= exact.objective * (1 + 2e-2)
    assert moved.lower_bound <= exact.objective


@pytest.mark.parametrize("seed", range(3))
def test_its_bound_is_below_a_proven_optimum(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    proven = hc.train(problem)
    monkeypatch.setattr(solvers, "MOVING_ABOVE_RANK", 2)
    moved = hc.train(problem, tol=1e-2, proof=False)
    assert proven.lower_bound <= moved.objective
    assert moved.lower_bound <= proven.objective


@pytest.mark.slow
def test_adam_stays_above_the_bound():
    problem, _ = planted(200, 20, noise=0.3)
    solution = hc.train(problem, tol=1e-2, proof=False)
    for run in adam(problem, neurons=30, seeds=range(2), steps=2_000):
        assert solution.lower_bound <= run.objective
        assert solution.objective <= run.objective * (1 + 1e-3)


def of_kind(X, y, share=0.05, **kind):
    """A problem of any kind, with a share of the weight decay above which a search finds none."""
    unit = hc.TrainingProblem(X, y, 1.0, **kind)
    layer = HiddenLayer.of(unit, proof=False)
    program = layer.program(unit)
    largest = layer.search(program.residual(program.outputs([]))).value
    return hc.TrainingProblem(X, y, share * largest, **kind)


def kinds(n, d):
    """Problems of all kinds of networks on data of full rank: name and problem."""
    plain, teacher = planted(n, d, noise=0.2)
    X, y = plain.X, plain.y
    labels, three = np.where(y > 0, 1.0, -1.0), np.stack([y, np.roll(y, 1), X[:, 0]], axis=1)
    classes = np.eye(3)[three.argmax(axis=1)]
    rng = np.random.default_rng(d)
    patches = rng.standard_normal((n, 3, d))
    energies = teacher(patches.reshape(-1, d)).reshape(n, 3).mean(axis=1)
    return {
        "leaky": of_kind(X, y, slope=0.2),
        "absolute value": of_kind(X, y, share=0.3, slope=-1.0),
        "skip": of_kind(X, y, skip=True),
        "intercept": of_kind(X, labels, loss="logistic", intercept=True),
        "patches": of_kind(patches, energies),
        "patches, leaky": of_kind(patches, energies, slope=0.1, intercept=True),
        "outputs": of_kind(X, three),
        "softmax": of_kind(X, classes, share=0.1, loss="softmax", intercept=True),
        "patches, softmax": of_kind(patches, classes, share=0.2, loss="softmax"),
    }


KINDS = (
    "leaky",
    "absolute value",
    "skip",
    "intercept",
    "patches",
    "patches, leaky",
    "outputs",
    "softmax",
    "patches, softmax",
)


@pytest.mark.parametrize("kind", KINDS)
def test_networks_of_every_kind_are_searched_in_many_dimensions(kind):
    problem = kinds(60, 18)[kind]
    solution = hc.train(problem, tol=2e-2, proof=False)
    assert_consistent(solution, problem)
    assert solution.gap <= 2e-2


@pytest.mark.parametrize("kind", KINDS)
def test_moving_neurons_of_every_kind_end_at_the_proven_optimum(kind, monkeypatch):
    problem = kinds(40, 3)[kind]
    proven = hc.train(problem, tol=1e-3)
    assert proven.scope == "global" and proven.gap <= 1e-3
    monkeypatch.setattr(solvers, "MOVING_ABOVE_RANK", 2)
    moved = hc.train(problem, tol=2e-2, proof=False)
    assert_consistent(moved, problem)
    assert proven.lower_bound <= moved.objective <= proven.objective * (1 + 2e-2)
    assert moved.lower_bound <= proven.objective


def test_filters_of_25_pixels_are_searched():
    digits = load_digits()
    kept = np.flatnonzero(digits.target < 2)[:120]
    X = hc.datasets.patches(digits.images[kept] / 16, 5).X
    problem = of_kind(X, np.where(digits.target[kept] == 0, 1.0, -1.0), share=0.1)
    solution = hc.train(problem, tol=1e-2, proof=False)
    assert_consistent(solution, problem)
    assert solution.gap <= 1e-2


@pytest.mark.parametrize("kind", ["plain", "labelled", *KINDS])
def test_the_gradient_of_the_rounded_objective(kind):
    plain = {"plain": planted(60, 5)[0], "labelled": labelled(60, 5)}
    problem = plain[kind] if kind in plain else kinds(30, 4)[kind]
    rng = np.random.default_rng(0)
    layer = HiddenLayer.of(problem, proof=False)
    half, d = np.array([0.1, 0.2, 0.3]), layer.basis.shape[1]
    if problem.y.ndim == 1:
        program, given = MovingProgram, (np.array([1.0, -1.0, 1.0]), half)
        shape = (3, d)
    else:
        program, given = MovingSharedProgram, (half,)
        shape = (3, d + problem.y.shape[1])
    program = program(problem, layer.passes, layer.basis)

    def height(flat):
        return program._height(flat.reshape(shape), *given)

    start = rng.standard_normal(shape).ravel()
    error = check_grad(lambda u: height(u)[0], lambda u: height(u)[1], start)
    assert error <= 1e-5 * np.linalg.norm(height(start)[1])


def test_rounded_by_nothing_it_is_the_objective():
    problem, teacher = planted(60, 5)
    balanced = teacher.balance()
    u = np.abs(balanced.output_weights)[:, None] * balanced.hidden_weights
    program = MovingProgram(problem, Passes(problem.X), np.eye(problem.X.shape[1]))
    height, _ = program._height(u, np.sign(balanced.output_weights), np.full(3, 1e-12))
    assert height == pytest.approx(problem.objective(balanced), rel=1e-9)


def test_a_solve_never_raises_the_objective():
    problem, _ = planted(80, 6, noise=0.5)
    program = MovingProgram(problem, Passes(problem.X), np.eye(problem.X.shape[1]))
    rng = np.random.default_rng(0)
    neurons = []
    for _ in range(5):
        height = program.objective(neurons)
        directions = rng.standard_normal((4, 6))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        entering = [program.neuron(u, rng.choice([-1.0, 1.0])) for u in directions]
        neurons = program.solve(neurons + entering)
        assert program.objective(neurons) <= height


def test_ctrl_c_in_a_descent_keeps_what_there_was(monkeypatch):
    problem, _ = planted(200, 20, noise=0.3)
    moved, calls = MovingProgram._moved, []

    def interrupted(self, neurons):
        calls.append(self)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return moved(self, neurons)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(MovingProgram, "_moved", interrupted)
    solution = hc.train(problem, tol=1e-2, proof=False)
    signal.signal(signal.SIGINT, before)
    assert solution.interrupted and len(calls) == 3
    assert 0 < len(solution.network) and len(solution.history) == 3
    assert solution.objective == problem.objective(solution.network)
