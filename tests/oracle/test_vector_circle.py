"""The exact sweep of several outputs, against rational arithmetic on data made to tie and round."""

from fractions import Fraction

import numpy as np
import pytest
import trouble
from conftest import gaussian
from planar import exceeds, maxima

import hidden_convexity as hc
from hidden_convexity.oracle import Circle
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.oracle.several_outputs import VectorCircle

# Rounding that a tight bound may include, as a share of sum ||l_i|| ||x_i||.
PAID = 1e-11


@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("kind", trouble.KINDS)
def test_the_bound_is_the_maximum_in_rational_arithmetic(kind, outputs):
    for seed in range(4):
        X = trouble.case(seed, kind).X
        rng = np.random.default_rng([seed, 5])
        N = rng.integers(-2, 3, size=(len(X), outputs)) * rng.choice([1.0, 0.1, 1 / 3])
        found, pairs = VectorCircle(X)(N), list(maxima(X, N))
        assert not any(exceeds(pair, Fraction(found.bound)) for pair in pairs)
        paid = PAID * float(np.linalg.norm(N, axis=1) @ np.hypot(*X.T))
        tight = Fraction(max(found.bound * (1 - 1e-12) - paid, 0.0))
        assert tight == 0 or any(exceeds(pair, tight) for pair in pairs)
        assert found.value <= found.bound
        norms = np.linalg.norm(np.maximum(X @ found.directions.T, 0.0).T @ N, axis=1)
        assert found.values == pytest.approx(norms, rel=1e-9, abs=paid)


def test_a_long_arc_may_hold_a_summit_between_two_rises():
    """One row that is active on half the circle, and its summit where it points."""
    X, N = np.array([[0.6, 0.8]]), np.array([[3.0, 4.0]])
    found = VectorCircle(X)(N)
    assert found.value == pytest.approx(5.0, rel=1e-15)
    assert found.directions[0] == pytest.approx(X[0], abs=1e-15)
    # Two outputs that balance each other on an arc of more than a quarter circle.
    X, N = np.array([[1.0, 1.0], [-1.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    assert VectorCircle(X)(N).value == pytest.approx(np.sqrt(2.0), rel=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_one_output_is_the_scalar_sweep(seed):
    X, nu = gaussian(40, 2, seed=seed), gaussian(40, seed=seed + 1)
    one, several = Circle(X)(nu), VectorCircle(X)(nu[:, None])
    assert several.value == pytest.approx(one.value, rel=1e-14)
    assert several.bound == pytest.approx(one.bound, rel=1e-12)


def test_local_maxima_above_the_level_are_all_found():
    X, N = gaussian(30, 2), gaussian(30, 3, seed=1)
    phi = np.linspace(0, 2 * np.pi, 200_001)
    U = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    heights = np.linalg.norm(np.maximum(X @ U.T, 0.0).T @ N, axis=1)
    level = 0.5 * heights.max()
    found = VectorCircle(X)(N, level=level)
    assert (found.values > level).all() and (np.diff(found.values) <= 0).all()
    inner = heights[1:-1]
    peaks = (inner >= heights[:-2]) & (inner >= heights[2:]) & (inner > level * (1 + 1e-6))
    for u in U[1:-1][peaks]:
        assert np.abs(found.directions - u).max(axis=1).min() < 1e-4


def test_what_was_dropped_is_charged():
    X, N = gaussian(20, 2), gaussian(20, 2, seed=1)
    plain, charged = VectorCircle(X), VectorCircle(X, dropped=np.full(20, 1e-3))
    more = charged.allowance(N) - plain.allowance(N)
    assert more == pytest.approx(1e-3 * np.linalg.norm(N, axis=1).sum(), rel=1e-9)
    assert charged(N).bound - plain(N).bound == pytest.approx(more, rel=1e-9)


def test_zero_rows_and_zero_dual_points():
    assert VectorCircle(np.zeros((4, 2)))(np.ones((4, 2))).bound == 0.0
    assert VectorCircle(gaussian(4, 2))(np.zeros((4, 2))).bound == 0.0
    with pytest.raises(ValueError, match="N"):
        VectorCircle(gaussian(4, 2))(np.ones(4))


def test_in_the_plane_training_of_several_outputs_sweeps():
    problem = hc.TrainingProblem(gaussian(30, 2), gaussian(30, 3, seed=1), 0.5)
    for proof in (True, False):
        layer = HiddenLayer.of(problem, proof)
        assert isinstance(layer.last.oracle, VectorCircle) and layer.scope == "global"
    solution = hc.train(problem, tol=1e-9, proof=False)
    assert solution.scope == "global" and solution.gap <= 1e-9
