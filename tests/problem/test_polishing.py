"""Newton steps after the solver, and the walls that neurons meet on them."""

from dataclasses import replace

import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.problem.restricted import polishing
from hidden_convexity.problem.restricted.passes import NEAR, Passes
from hidden_convexity.problem.restricted.polishing import polish
from hidden_convexity.problem.restricted.walls import NOWHERE, Walls


def planar(n, loss="squared"):
    rng = np.random.default_rng(n)
    t = rng.uniform(-3, 3, n)
    y = np.sin(3 * t) + 0.1 * rng.standard_normal(n)
    y = np.sign(y) if loss == "logistic" else y
    X = np.column_stack([t, np.ones(n)])
    return hc.TrainingProblem(X, y, 1e-3 * hc.beta_max(X, y), loss)


def spread(problem, count=40):
    """A program, and neurons evenly around the circle, many more than it needs."""
    program = HiddenLayer.of(problem, True).program(problem)
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + 0.1
    units = np.column_stack([np.cos(angles), np.sin(angles)])
    signs = np.where(np.arange(count) % 2, 1.0, -1.0)
    return program, [program.neuron(*one) for one in zip(units, signs, strict=True)]


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_polishing_never_climbs_and_ends_where_newton_steps_are_whole(loss):
    program, neurons = spread(planar(300, loss))
    neurons = program.solve(neurons)
    moved = [polish(program, neurons)]
    moved.append(polish(program, moved[0]))
    heights = [program.objective(one) for one in [neurons, *moved]]
    assert heights[1] <= heights[0] * (1 + 1e-13)
    assert heights[2] == pytest.approx(heights[1], rel=1e-12)
    for one in moved[0]:
        if len(one.basis) > 1:
            walls = program.walls(one, one.weights[None])
            assert walls.crossed(one.direction, one.weights, ()) == []


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_neurons_that_vanish_together_all_leave(rounds):
    """Only the first did; the others stayed at length zero, and eigenvalues did not converge."""
    X, y = np.eye(5), np.array([1.0, -1.0, -1.0, 1.0, 1.0])
    network = hc.ReLUNetwork(np.vstack([X, -X]), np.full(10, 0.5))
    certificate = hc.certify(network, hc.TrainingProblem(X, y, 1.0), rounds=rounds)
    # At M(y) = |y|_1 / sqrt(5) > beta the optimum is not zero; it is below that of no network.
    assert 0 < certificate.lower_bound < 0.5 * y @ y


def test_steps_to_the_minimum_of_a_model_take_one_pass_over_the_data(monkeypatch):
    """Each step, and each of four dampings of it, used to take its own: 2.3 times the seconds."""
    program, neurons = spread(planar(300))
    neurons = [replace(one, weights=0.1 * one.direction) for one in neurons]
    passes, steps = [], []
    quadratic, newton = program.quadratic, polishing.newton
    monkeypatch.setattr(program, "quadratic", lambda n: passes.append(n) or quadratic(n))
    monkeypatch.setattr(polishing, "newton", lambda *a: steps.append(a) or newton(*a))
    polished = polish(program, neurons)
    assert program.objective(polished) < program.objective(neurons)
    assert len(steps) > 10
    assert len(passes) <= polishing.POLISHING_STEPS + 1


@pytest.mark.parametrize("d", [2, 3, 5])
@pytest.mark.parametrize("step", [0.3 * NEAR, 0.9 * NEAR, 3 * NEAR])
def test_no_wall_is_missed_among_near_rows(d, step):
    """Rows further from a direction than an end is cannot be crossed on the way to it."""
    rng = np.random.default_rng(d)
    X = rng.standard_normal((2_000, d)) * 10.0 ** rng.uniform(-3, 3, (2_000, 1))
    passes = Passes(X)
    everything = Walls(np.arange(len(X)), X, np.linalg.norm(X, axis=1))
    crossings = 0
    for _ in range(50):
        direction = rng.standard_normal(d)
        direction /= np.linalg.norm(direction)
        ends = 2.0 * (direction + step * rng.uniform(-1, 1, (4, d)) / np.sqrt(d))
        walls = passes.walls(direction, ends)
        shares, numbers = walls.first_met(direction, direction, ends)
        for given, expected in zip(
            (shares, numbers), everything.first_met(direction, direction, ends), strict=True
        ):
            np.testing.assert_array_equal(given, expected)
        for end, share, number in zip(ends, shares, numbers, strict=True):
            crossed = everything.crossed(direction, end, ())
            assert passes.walls(direction, end[None]).crossed(direction, end, ()) == crossed
            assert (number == NOWHERE) == (share == 1) == (crossed == [])
            if crossed:
                crossings += 1
                assert number == crossed[0]
                assert walls.crossed(direction, end, crossed) != crossed
                reached = direction + share * (end - direction)
                assert abs(X[number] @ reached) <= 1e-9 * np.linalg.norm(X[number])
    assert crossings > 50
