"""Ctrl-C at any moment ends training with the best network so far and a bound that is valid."""

import itertools
import signal
import threading
from _thread import interrupt_main

import numpy as np
import pytest
from conftest import regression

import hidden_convexity as hc
from hidden_convexity import solvers
from hidden_convexity.line import mirrors, splines
from hidden_convexity.line.ramps import Ramps
from hidden_convexity.line.reflections import MirrorDictionary
from hidden_convexity.oracle import Ascent, BranchAndBound, Circle, Exhaustive, search


@pytest.fixture(autouse=True)
def ctrl_c_raises():
    """Python's own handler: a process started in the background inherits that SIGINT is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def instance(n, d, share=0.05):
    X, y = regression(n, d, seed=[n, d])
    return hc.TrainingProblem(X, y, share * np.abs(Ascent(X)(y).values).max())


def press_ctrl_c(monkeypatch, oracle, call):
    """Interrupt the main thread as this call of the oracle begins; returns the calls so far."""
    original, calls = oracle.__call__, []

    def counted(self, *given, **named):
        calls.append(self)
        if len(calls) == call:
            signal.raise_signal(signal.SIGINT)
        return original(self, *given, **named)

    monkeypatch.setattr(oracle, "__call__", counted)
    return calls


def assert_honest(solution, problem, optimum):
    """Its value is its network's, its bounds are valid, and the value is above the optimum."""
    assert solution.objective == problem.objective(solution.network)
    bounds = [solution.lower_bound, *(step.lower_bound for step in solution.history)]
    assert 0 <= min(bounds) and max(bounds) <= optimum.objective * (1 + 1e-9)
    assert solution.objective >= optimum.lower_bound * (1 - 1e-9)


@pytest.mark.parametrize(
    ("n", "d", "oracle"), [(100, 2, Circle), (30, 3, Exhaustive), (60, 3, Ascent)]
)
def test_training_keeps_what_it_has(n, d, oracle):
    problem = instance(n, d)
    optimum = hc.train(problem)
    assert not optimum.interrupted
    values, bounds = [], []
    for call in itertools.count(1):
        with pytest.MonkeyPatch.context() as patch:
            calls = press_ctrl_c(patch, oracle, call)
            solution = hc.train(problem)
            if not solution.interrupted:
                break
            assert len(calls) == call
        assert_honest(solution, problem, optimum)
        values.append(solution.objective)
        bounds.append(solution.lower_bound)
    assert len(values) > 3
    assert values == sorted(values, reverse=True) and bounds == sorted(bounds)


def test_before_the_first_round_it_is_the_zero_network(monkeypatch):
    problem = instance(60, 3)
    press_ctrl_c(monkeypatch, Ascent, 1)
    solution = hc.train(problem)
    assert solution.interrupted and len(solution.network) == 0 and solution.history == []
    assert solution.objective == pytest.approx(0.5 * problem.y @ problem.y)


@pytest.mark.parametrize(("n", "oracle"), [(60, Exhaustive), (200, BranchAndBound)])
def test_the_proof_can_be_interrupted(n, oracle, monkeypatch):
    problem = instance(n, 3)
    optimum = hc.train(problem)
    press_ctrl_c(monkeypatch, oracle, 1)
    solution = hc.train(problem)
    assert solution.interrupted
    assert_honest(solution, problem, optimum)
    assert solution.objective <= optimum.objective * (1 + 1e-5)


@pytest.mark.slow
def test_compiled_code_is_interrupted_from_outside():
    """The proof of this one would run to the end of its budget of minutes."""
    problem = instance(1_000, 6, 0.2)
    press = threading.Timer(2.0, interrupt_main)
    press.start()
    solution = hc.train(problem)
    press.join()
    assert solution.interrupted and solution.scope == "global"
    assert solution.objective == problem.objective(solution.network) >= solution.lower_bound


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), MemoryError()])
def test_an_interrupt_that_compiled_code_has_wrapped_is_one_and_other_errors_are_not(
    cause, monkeypatch
):
    def wrapped(*given, **named):
        raise SystemError("returned a result with an exception set") from cause

    monkeypatch.setattr(BranchAndBound, "__call__", wrapped)
    if isinstance(cause, KeyboardInterrupt):
        assert hc.train(instance(120, 3)).interrupted
    else:
        with pytest.raises(SystemError):
            hc.train(instance(120, 3))


@pytest.mark.parametrize("call", [1, 3])
def test_one_press_ends_the_coarse_start_and_all_that_would_follow(call, monkeypatch):
    monkeypatch.setattr(solvers, "COARSEN_ABOVE", 50)
    problem = instance(400, 3)
    optimum = hc.train(problem)
    calls = press_ctrl_c(monkeypatch, Ascent, call)
    solution = hc.train(problem)
    assert len(calls) == call
    assert solution.interrupted and solution.scope == "global"
    assert_honest(solution, problem, optimum)


def test_one_press_ends_a_path(monkeypatch):
    problem = instance(40, 2)
    betas = problem.beta * np.array([1.0, 5.0, 2.0, 10.0])
    whole = hc.train_path(problem, betas)
    calls = press_ctrl_c(monkeypatch, Circle, len(whole[3].history) + len(whole[1].history) + 2)
    path = hc.train_path(problem, betas)
    assert [one.interrupted for one in path] == [True, False, True, False]
    assert len(calls) == len(whole[3].history) + len(whole[1].history) + 2
    for beta, one, optimum in zip(betas, path, whole, strict=True):
        assert_honest(one, hc.TrainingProblem(problem.X, problem.y, beta), optimum)
    assert path[0].lower_bound == 0 and path[0].gap == 1 and "no bound" in repr(path[0])
    assert path[0].history == []  # that of a larger weight decay has bounds above this optimum


@pytest.mark.parametrize("round_", [1, 2, 3])
@pytest.mark.parametrize(
    ("train", "owner", "looked_at"),
    [(splines.train, Ramps, "correlate"), (mirrors.train, MirrorDictionary, "strongest")],
)
def test_training_on_a_line_keeps_what_it_has(train, owner, looked_at, round_, monkeypatch):
    """Ctrl-C went through, and the work was lost."""
    x = np.linspace(0, 1, 40)
    y, beta = np.sin(9 * x) + np.cos(31 * x), 1e-3
    optimum, calls, look = train(x, y, beta), [], getattr(owner, looked_at)

    def counted(self, *given):
        calls.append(self)
        if len(calls) == round_:
            signal.raise_signal(signal.SIGINT)
        return look(self, *given)

    monkeypatch.setattr(owner, looked_at, counted)
    solution = train(x, y, beta)
    assert solution.interrupted and len(calls) == round_ and not optimum.interrupted
    assert solution.objective == solution.network.objective(x, y, beta)
    assert solution.objective >= optimum.lower_bound * (1 - 1e-9)
    assert solution.lower_bound <= optimum.objective * (1 + 1e-9)
    assert (solution.lower_bound > 0) == (round_ > 1)


def test_a_stack_that_a_round_has_closed_is_no_obstacle_to_an_interrupt(monkeypatch):
    """Between a round and the next, stacks may hold no cell: their largest bound was asked for, and
    a ValueError took the place of the bound that was proven."""
    X = np.random.default_rng(0).integers(-2, 3, size=(30, 4)).astype(float)
    nu = np.random.default_rng(1).normal(size=30)
    whole = BranchAndBound(X)(nu)
    kept = search.open_stacks

    def interrupted(stacks, *limits):
        if any(len(bounds) == 0 for _, _, bounds, *_ in stacks):
            raise KeyboardInterrupt
        return kept(stacks, *limits)

    monkeypatch.setattr(search, "open_stacks", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        BranchAndBound(X)(nu)
    assert caught.value.found.bound >= whole.value
