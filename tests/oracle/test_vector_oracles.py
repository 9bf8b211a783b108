"""The oracles for several outputs: the maximum of ||N'(Xu)_+|| over the unit ball."""

from itertools import combinations, permutations

import numpy as np
import pytest
from conftest import gaussian
from scipy.linalg import null_space

import hidden_convexity as hc
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.oracle import BranchAndBound
from hidden_convexity.oracle.pooled import Pooled
from hidden_convexity.oracle.several_outputs import (
    VectorAscent,
    VectorBranchAndBound,
    majorant,
)
from hidden_convexity.problem.pooling import Pooling

TOLERANCE = 1e-4


def norms(X, N, U):
    """||N'(Xu)_+|| for each row u of U."""
    return np.linalg.norm(np.maximum(X @ U.T, 0.0).T @ N, axis=1)


def grid(n, d, seed):
    """Integer rows with ties: zero, repeated and opposite ones among them."""
    X = np.random.default_rng(seed).integers(-2, 3, size=(n, d)).astype(float)
    X[0], X[1], X[2] = 0.0, X[3], -X[4]
    return X


def instances():
    for seed, (n, d, c) in enumerate([(12, 2, 2), (25, 3, 3), (20, 3, 10), (12, 4, 2), (9, 5, 3)]):
        yield pytest.param(gaussian(n, d, seed=seed), gaussian(n, c, seed=seed + 50), id=f"g{n}{d}")
        yield pytest.param(grid(n, d, seed), gaussian(n, c, seed=seed + 60), id=f"ties{n}{d}")
    yield pytest.param(gaussian(15, 4, rank=3), gaussian(15, 2, seed=1), id="rank")
    yield pytest.param(gaussian(15, 3, rank=1), gaussian(15, 2, seed=2), id="line")


@pytest.mark.slow
@pytest.mark.proves("cell-bound-outputs")
@pytest.mark.parametrize("X, N", list(instances()))
def test_the_bound_is_above_every_direction_and_sharp(X, N):
    found = VectorBranchAndBound(X)(N, tolerance=TOLERANCE)
    directions = unit_rows(gaussian(100_000, X.shape[1], seed=9))
    assert norms(X, N, directions).max() <= found.bound
    assert found.value == pytest.approx(norms(X, N, found.directions[:1])[0], rel=1e-12)
    assert found.value <= found.bound <= (1 + TOLERANCE + 1e-12) * found.value


def exact_maximum(X, N):
    """M(N) over all faces of the arrangement.

    Where rows S are tight and the others have the pattern D, ||N'D X u|| is convex, so a local
    maximum over the unit vectors of the flat is a first singular vector of N'D X on it. All of
    these are candidates, whether they are in their face or not.
    """
    patterns = hc.Arrangement.enumerate(X).patterns.T
    maps = np.einsum("nc,gn,nd->gcd", N, patterns.astype(float), X)
    candidates = []
    for size in range(X.shape[1]):
        for tight in combinations(np.flatnonzero(X.any(axis=1)), size):
            flat = null_space(X[list(tight)]) if tight else np.eye(X.shape[1])
            top = np.linalg.svd(maps @ flat, full_matrices=True)[2][:, 0]
            candidates += [top @ flat.T, -top @ flat.T]
    return norms(X, N, np.concatenate(candidates)).max()


@pytest.mark.slow
@pytest.mark.proves("cell-bound-outputs")
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n, d, c", [(12, 2, 2), (11, 3, 3), (10, 3, 10), (8, 4, 2)])
def test_the_bound_is_the_maximum_over_all_chambers(n, d, c, ties):
    for seed in range(3):
        X = grid(n, d, seed) if ties else gaussian(n, d, seed=seed)
        N = gaussian(n, c, seed=seed + 30)
        exact, found = exact_maximum(X, N), VectorBranchAndBound(X)(N, tolerance=TOLERANCE)
        assert found.value <= exact * (1 + 1e-9)
        assert exact <= found.bound
        assert found.bound <= (1 + 2 * TOLERANCE) * exact


@pytest.mark.proves("cell-bound-outputs")
@pytest.mark.parametrize("seed", range(3))
def test_in_the_plane_it_is_the_maximum_over_arcs(seed):
    """On an arc a linear map is longest at an end, or at its first singular vector within."""
    X, N = gaussian(15, 2, seed=seed), gaussian(15, 3, seed=seed + 9)
    ends = [np.arctan2(sign * X[:, 0], -sign * X[:, 1]) for sign in (1.0, -1.0)]
    angles = np.sort(np.concatenate(ends))
    candidates = [np.stack([np.cos(angles), np.sin(angles)], axis=1)]
    middles = angles + np.diff(angles, append=angles[0] + 2 * np.pi) / 2
    for phi in middles:
        pattern = X @ [np.cos(phi), np.sin(phi)] > 0
        top = np.linalg.svd(N.T @ (pattern[:, None] * X))[2][:1]
        inside = [u for u in (top, -top) if ((X @ u[0] > 0) == pattern).all()]
        candidates += inside
    exact = norms(X, N, np.concatenate(candidates)).max()
    found = VectorBranchAndBound(X)(N, tolerance=1e-7)
    assert found.value == pytest.approx(exact, rel=1e-9)
    assert exact <= found.bound <= (1 + 2e-7) * exact


@pytest.mark.parametrize("d", [2, 3, 4])
def test_one_output_is_the_scalar_oracle(d):
    X, nu = gaussian(40, d, seed=d), gaussian(40, seed=d + 1)
    one = BranchAndBound(X)(nu, tolerance=1e-6)
    several = VectorBranchAndBound(X)(nu[:, None], tolerance=1e-6)
    assert several.value == pytest.approx(one.value, rel=1e-9)
    assert several.bound == pytest.approx(one.bound, rel=2e-6)


def test_columns_may_be_permuted_and_rotated():
    X, N = gaussian(30, 3), gaussian(30, 3, seed=1)
    oracle = VectorBranchAndBound(X)
    value = oracle(N, tolerance=1e-6).value
    turned = np.linalg.qr(gaussian(3, 3, seed=2))[0]
    for other in [N[:, list(order)] for order in permutations(range(3))] + [N @ turned]:
        assert oracle(other, tolerance=1e-6).value == pytest.approx(value, rel=1e-9)


def test_the_number_of_cells_does_not_grow_with_samples_or_outputs():
    """Rows seen at even density make one function, whose cells they share."""
    cells = {}
    for n, c in [(300, 2), (300, 8), (3_000, 2), (3_000, 8)]:
        X = gaussian(n, 3, seed=n)
        N = np.tanh(X @ gaussian(3, c, seed=c)) / n
        cells[n, c] = VectorBranchAndBound(X)(N, tolerance=1e-2).cells
    assert max(cells.values()) <= 4 * min(cells.values())


def test_what_was_dropped_is_charged():
    X, N = gaussian(20, 3), gaussian(20, 2, seed=1)
    dropped = np.full(20, 1e-3)
    plain, charged = VectorBranchAndBound(X), VectorBranchAndBound(X, dropped=dropped)
    more = charged.allowance(N) - plain.allowance(N)
    assert more == pytest.approx(1e-3 * np.linalg.norm(N, axis=1).sum(), rel=1e-9)
    shift = gaussian(20, 3, seed=2)
    shift *= 1e-3 / np.linalg.norm(shift, axis=1, keepdims=True)
    for sign in (1.0, -1.0):
        there = VectorBranchAndBound(X + sign * shift)(N, tolerance=1e-4)
        assert there.value <= charged(N, tolerance=1e-6).bound


def test_a_budget_that_ends_leaves_a_valid_bound():
    X, N = gaussian(200, 4), gaussian(200, 3, seed=1)
    sharp = VectorBranchAndBound(X)(N, tolerance=1e-2)
    early = VectorBranchAndBound(X, max_cells=20)(N, tolerance=1e-6)
    assert early.cells < sharp.cells
    assert np.isfinite(early.bound)
    assert early.bound >= sharp.value


def test_zero_dual_points_and_zero_rows():
    X = np.zeros((4, 3))
    assert VectorBranchAndBound(X)(np.ones((4, 2))).bound == 0.0
    assert VectorBranchAndBound(gaussian(4, 3))(np.zeros((4, 2))).bound == 0.0


def test_patches_and_slopes_are_rows_of_their_own():
    patches, N = gaussian(6, 4, 3), gaussian(6, 2, seed=1)
    pooling = Pooling.of(patches, 0.2)
    found = Pooled(VectorBranchAndBound(pooling.signed_rows), pooling)(N, tolerance=1e-3)
    U = unit_rows(gaussian(20_000, 3, seed=2))
    products = patches @ U.T
    activations = np.where(products > 0, products, 0.2 * products).mean(axis=1)
    sampled = np.linalg.norm(activations.T @ N, axis=1).max()
    assert 0.99 * found.value <= sampled <= found.bound


def test_the_search_finds_what_is_attained():
    for seed in range(5):
        X, N = gaussian(30, 3, seed=seed), gaussian(30, 3, seed=seed + 20)
        found = VectorAscent(X)(N)
        assert found.bound == np.inf
        assert found.values == pytest.approx(norms(X, N, found.directions), rel=1e-9)
        assert found.value == pytest.approx(found.values.max(), rel=1e-12)
        proven = VectorBranchAndBound(X)(N, tolerance=1e-3)
        assert 0.9 * proven.value <= found.value <= proven.bound


def test_given_starts_are_never_lost():
    X, N = gaussian(40, 4), gaussian(40, 3, seed=1)
    starts = unit_rows(gaussian(5, 4, seed=2))
    found = VectorAscent(X, random_starts=0)(N, starts=starts)
    assert found.value >= norms(X, N, starts).max() * (1 - 1e-12)


@pytest.mark.parametrize(
    "N", [np.ones(5), np.ones((4, 2)), np.ones((5, 0)), np.full((5, 2), np.nan)]
)
def test_bad_dual_points_are_refused(N):
    for oracle in (VectorAscent(gaussian(5, 2)), VectorBranchAndBound(gaussian(5, 2))):
        with pytest.raises(ValueError, match=r"\bN\b"):
            oracle(N)


def test_a_direction_has_length_one_however_short_the_vector_is():
    """Squares of 1e-160 have lost their digits: bounds along such a direction were none."""
    q = np.empty(2)
    majorant.direction(np.array([3e-160, -4e-160]), q)
    np.testing.assert_allclose(q, [0.6, -0.8], rtol=1e-15)
    majorant.direction(np.zeros(2), q)
    assert list(q) == [1.0, 0.0]
