"""Threshold networks: every active set is met or charged, and what is sampled says so."""

from fractions import Fraction

import exact_rows
import numpy as np
import pytest
import trouble

from hidden_convexity import equivalences
from hidden_convexity.equivalences.active_sets import ActiveSets

ROWS = equivalences.rows()


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
