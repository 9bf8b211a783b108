"""Cross products, signed volumes, and training as a Lasso over them."""

from itertools import combinations
from math import comb, factorial

import cvxpy as cp
import numpy as np
import pytest
from conftest import gaussian
from hypothesis import given, settings
from hypothesis import strategies as st

import hidden_convexity as hc
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.geometry.wedge import cross_product, dictionary, signed_volume, unit_normal


def by_cofactors(vectors):
    """w_i is the signed minor that is left when row 0 and column i are taken away."""
    d = vectors.shape[1]
    return np.array(
        [
            (-1) ** i * np.linalg.det(np.delete(vectors, i, axis=1)) if d > 1 else 1.0
            for i in range(d)
        ]
    )


# Cross products


@pytest.mark.proves("cross-product")
@pytest.mark.parametrize("d", range(1, 9))
def test_its_product_with_x_is_the_determinant_of_x_and_the_rows(d):
    vectors, x = gaussian(20, d - 1, d), gaussian(20, d, seed=1)
    determinants = np.linalg.det(np.concatenate([x[:, None], vectors], axis=1))
    products = (cross_product(vectors) * x).sum(axis=1)
    np.testing.assert_allclose(products, determinants, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("d", range(1, 7))
def test_it_is_the_vector_of_signed_minors(d):
    vectors = gaussian(d - 1, d)
    np.testing.assert_allclose(cross_product(vectors), by_cofactors(vectors), atol=1e-12)


def test_in_the_plane_it_is_a_quarter_turn_and_in_space_the_cross_product():
    np.testing.assert_allclose(cross_product([[3.0, 4.0]]), [4.0, -3.0], atol=1e-15)
    a, b = gaussian(2, 3)
    np.testing.assert_allclose(cross_product([a, b]), np.cross(a, b), atol=1e-14)
    np.testing.assert_array_equal(cross_product(np.zeros((0, 1))), [1.0])


@pytest.mark.parametrize("d", range(2, 9))
def test_it_is_orthogonal_to_the_rows_and_as_long_as_their_volume(d):
    vectors = gaussian(d - 1, d)
    w = cross_product(vectors)
    np.testing.assert_allclose(vectors @ w / np.linalg.norm(w), 0, atol=1e-13)
    volume = np.sqrt(np.linalg.det(vectors @ vectors.T))
    np.testing.assert_allclose(np.linalg.norm(w), volume, rtol=1e-9)


@pytest.mark.parametrize("d", range(3, 7))
def test_exchanging_two_rows_turns_it_around(d):
    vectors = gaussian(d - 1, d)
    exchanged = vectors.copy()
    exchanged[[0, -1]] = vectors[[-1, 0]]
    np.testing.assert_allclose(cross_product(exchanged), -cross_product(vectors), atol=1e-12)


@pytest.mark.parametrize("d", range(2, 7))
def test_it_is_linear_in_each_row(d):
    vectors, other = gaussian(d - 1, d), gaussian(d, seed=1)
    for k in range(d - 1):
        replaced, mixed = vectors.copy(), vectors.copy()
        replaced[k], mixed[k] = other, 2 * vectors[k] - 3 * other
        expected = 2 * cross_product(vectors) - 3 * cross_product(replaced)
        np.testing.assert_allclose(cross_product(mixed), expected, atol=1e-12)


def test_a_batch_is_its_members():
    vectors = gaussian(2, 5, 3, 4)
    batch = cross_product(vectors)
    assert batch.shape == (2, 5, 4)
    for i, j in np.ndindex(2, 5):
        np.testing.assert_allclose(batch[i, j], cross_product(vectors[i, j]), atol=1e-14)
    assert cross_product(np.zeros((0, 2, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    "vectors",
    [
        [[0.0, 0.0]],
        [[1.0, 2.0, 3.0], [-2.0, -4.0, -6.0]],
        [[0.1, 0.2, 0.3], [0.3, 0.6, 0.9]],
        [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]],
        [[1e150, 0.0, 1e150], [1e-150, 0.0, 1e-150]],
        [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 2.0, 0.0]],
    ],
    ids=["zero", "opposite", "rounded", "one zero", "badly scaled", "a row the sum of two"],
)
def test_dependent_rows_have_no_volume(vectors):
    product = cross_product(vectors)
    np.testing.assert_array_equal(product, 0)
    assert not np.signbit(product).any()


@pytest.mark.parametrize("angle", [1e-4, 1e-8, 1e-10])
def test_nearly_dependent_rows(angle):
    """The length comes out to the angle's own conditioning, eps / angle, and so does w.x."""
    a, b = np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 2.0])
    product = cross_product([a, a + angle * b])
    np.testing.assert_allclose(product, angle * np.cross(a, b), rtol=1e-14 / angle)
    assert np.abs(product @ np.array([a, a + angle * b]).T).max() < 1e-14 * np.linalg.norm(product)


def test_lengths_far_from_one():
    a, b = gaussian(2, 3)
    expected = np.cross(a, b)
    np.testing.assert_allclose(cross_product([1e150 * a, b]) / 1e150, expected, rtol=1e-13)
    np.testing.assert_allclose(cross_product([1e160 * a, 1e-160 * b]), expected, rtol=1e-13)


@pytest.mark.slow
def test_volumes_beyond_floating_point_are_refused_not_taken_for_dependence():
    """2,000 unit rows had the product 0, which stands for dependence."""
    many, long, (a, b) = gaussian(1500, 1501), gaussian(349, 350), gaussian(2, 3)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    for vectors, way in [
        (many, "underflows"),
        (long, "overflows"),
        ([1e-200 * a, 1e-200 * b], "underflows"),
    ]:
        with pytest.raises(ValueError, match=f"volume {way}; unit_normal gives"):
            cross_product(vectors)
        normal, logarithm = unit_normal(vectors)
        rows = unit_rows(np.asarray(vectors))
        assert np.linalg.norm(normal) == pytest.approx(1, rel=1e-12)
        assert np.abs(rows @ normal).max() < 1e-12
        expected = 0.5 * np.linalg.slogdet(rows @ rows.T)[1]
        expected += np.log((rows * vectors).sum(axis=1)).sum()
        assert logarithm == pytest.approx(expected, rel=1e-10)
    with pytest.raises(ValueError, match="volume underflows; multiply"):
        signed_volume(1e-200 * np.eye(3))


def test_partial_products_may_leave_the_range_that_the_volume_is_in():
    """The lengths of 299 Gaussian rows, multiplied, overflow; their volume does not."""
    vectors = gaussian(299, 300)
    normal, logarithm = unit_normal(vectors)
    np.testing.assert_allclose(cross_product(vectors), np.exp(logarithm) * normal, rtol=1e-9)
    scales = np.concatenate([np.full(100, 1e-150), np.full(100, 1e150)])
    assert signed_volume(np.diag(scales)) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("d", range(1, 7))
def test_the_unit_normal_and_its_logarithm_are_the_cross_product(d):
    vectors = gaussian(5, d - 1, d)
    normal, logarithm = unit_normal(vectors)
    assert normal.shape == (5, d) and logarithm.shape == (5,)
    np.testing.assert_allclose(np.exp(logarithm)[:, None] * normal, cross_product(vectors))


def test_the_unit_normal_of_dependent_rows_is_zero():
    normal, logarithm = unit_normal([[1.0, 2.0, 3.0], [-2.0, -4.0, -6.0]])
    assert logarithm == -np.inf
    np.testing.assert_array_equal(normal, 0)


@pytest.mark.parametrize("d", range(2, 7))
def test_it_is_the_dual_of_the_wedge_product_of_geometric_algebra(d):
    algebra = pytest.importorskip("kingdon").Algebra(d)
    vectors = gaussian(d - 1, d)
    blade = algebra.vector(vectors[0])
    for row in vectors[1:]:
        blade = blade ^ algebra.vector(row)
    dual = blade.unhodge()
    assert dual.grades == (1,)
    np.testing.assert_allclose(cross_product(vectors), dual.values(), atol=1e-13)


# Signed volumes


@pytest.mark.parametrize("d", range(1, 9))
def test_the_volume_is_the_determinant(d):
    vectors = gaussian(20, d, d)
    np.testing.assert_allclose(signed_volume(vectors), np.linalg.det(vectors), rtol=1e-9)
    assert isinstance(signed_volume(vectors[0]), float)


def test_the_volume_of_the_unit_cube_and_of_simplices():
    assert signed_volume(np.eye(4)) == 1.0
    assert signed_volume(np.eye(3)[[1, 0, 2]]) == -1.0
    corners = np.array([[1.0, 1.0], [4.0, 1.0], [1.0, 3.0]])  # a right triangle, legs 3 and 2
    with_ones = np.column_stack([corners, np.ones(3)])
    assert abs(signed_volume(with_ones) / factorial(2) - 3.0) < 1e-14


def test_the_volume_of_dependent_rows_is_zero():
    assert signed_volume([[0.1, 0.2], [0.3, 0.6]]) == 0.0
    assert signed_volume(np.ones((5, 5))) == 0.0
    assert signed_volume([[1e150, 0.0], [0.0, 1e-150]]) == 1.0


# The dictionary


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize(("n", "d"), [(5, 1), (7, 2), (6, 3), (5, 4), (3, 6)])
def test_the_columns_are_distinct_neurons_of_unit_norm(n, d, norm):
    X = gaussian(n, d)
    features, weights = dictionary(X, norm=norm)
    np.testing.assert_allclose(np.linalg.norm(weights, ord=norm, axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(features, np.maximum(X @ weights, 0), atol=1e-12)
    assert features.any(axis=0).all()
    assert np.unique(features.round(9), axis=1).shape[1] == features.shape[1]
    assert features.shape[1] <= 2 * comb(n + d, d - 1)


def test_the_columns_are_all_cross_products_of_rows_and_axes():
    X = gaussian(6, 3)
    _, weights = dictionary(X)
    expected = []
    for pair in combinations(np.vstack([X, np.eye(3)]), 2):
        w = np.cross(*pair)
        expected += [w / np.abs(w).sum(), -w / np.abs(w).sum()]
    expected = np.array([w for w in expected if (X @ w > 1e-9).any()]).T
    assert weights.shape == expected.shape
    np.testing.assert_allclose(
        np.unique(weights.round(9), axis=1), np.unique(expected.round(9), axis=1)
    )


rows = st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=6)


@given(rows)
@settings(deadline=None, max_examples=60, derandomize=True)
def test_ties_give_neither_zero_nor_equal_columns(rows):
    X = np.array(rows)
    features, weights = dictionary(X)
    assert features.any(axis=0).all()
    assert np.unique(features.round(9), axis=1).shape[1] == features.shape[1]
    np.testing.assert_allclose(features, np.maximum(X @ weights, 0), atol=1e-12)
    # Repeated rows, zero rows and a common scale change no neuron.
    again = dictionary(np.vstack([3 * X, X, 0 * X[:1]]))[1]
    assert {tuple(w) for w in again.T.round(9)} == {tuple(w) for w in weights.T.round(9)}


def test_zero_data_have_no_neuron():
    features, weights = dictionary(np.zeros((3, 2)))
    assert features.shape == (3, 0) and weights.shape == (2, 0)


def test_the_size_is_predicted_before_it_is_spent():
    X = gaussian(2_000, 6)
    with pytest.raises(ValueError, match=f"{2 * comb(2_006, 5):,} cross products"):
        dictionary(X)


# Training as a Lasso


def lasso(features, y, beta):
    z = cp.Variable(features.shape[1])
    program = cp.Problem(cp.Minimize(cp.sum_squares(features @ z - y) / 2 + beta * cp.norm1(z)))
    return program.solve(solver=cp.CLARABEL)


def l1_training(X, y, beta):
    """The convex program of Theorem 1 with the l1 norm in place of the l2 norm of each group."""
    patterns = hc.Arrangement.enumerate(X).patterns.astype(float)
    u, v = (
        cp.Variable((X.shape[1], patterns.shape[1])),
        cp.Variable((X.shape[1], patterns.shape[1])),
    )
    fit = cp.sum(cp.multiply(patterns, X @ (u - v)), axis=1)
    penalty = cp.sum(cp.abs(u)) + cp.sum(cp.abs(v))
    cones = [cp.multiply(2 * patterns - 1, X @ z) >= 0 for z in (u, v)]
    program = cp.Problem(cp.Minimize(cp.sum_squares(fit - y) / 2 + beta * penalty), cones)
    return program.solve(solver=cp.CLARABEL)


@pytest.mark.proves("l1-lasso")
@pytest.mark.parametrize(("n", "d"), [(5, 1), (9, 2), (4, 2), (7, 3), (2, 3), (6, 4), (3, 4)])
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_training_with_an_l1_penalty_is_the_lasso_over_wedge_products(n, d, share):
    X, y = gaussian(n, d, seed=n), gaussian(n, seed=d)
    features, _ = dictionary(X)
    beta = share * np.abs(features.T @ y).max()
    assert abs(lasso(features, y, beta) / l1_training(X, y, beta) - 1) < 1e-6


def test_the_theorem_holds_for_degenerate_data():
    X = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, -1, -1], [0, 0, 0]])
    y = gaussian(7)
    features, _ = dictionary(X)
    assert abs(lasso(features, y, 0.1) / l1_training(X, y, 0.1) - 1) < 1e-6


def test_without_the_axes_the_lasso_is_not_exact():
    X, y = np.array([[2.0, 1.0], [-1.0, 2.0]]), np.array([1.0, 0.0])
    beta = 0.1
    features, weights = dictionary(X)
    of_data = (np.abs(X @ weights) < 1e-12).any(axis=0)
    assert lasso(features, y, beta) < 0.99 * lasso(features[:, of_data], y, beta)


@pytest.mark.parametrize(("n", "d"), [(6, 2), (30, 2), (5, 3), (15, 3), (6, 4)])
def test_with_an_l2_penalty_the_lasso_bounds_the_optimum_within_a_factor(n, d):
    X, y = gaussian(n, d, seed=n), gaussian(n, seed=d)
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    solution = hc.train(problem)
    value = lasso(dictionary(X, norm=2)[0], y, problem.beta)
    assert solution.lower_bound * (1 - 1e-7) <= value <= np.sqrt(d) * solution.objective
