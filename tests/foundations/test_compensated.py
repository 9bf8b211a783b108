"""Compensated arithmetic, against rational numbers."""

from fractions import Fraction

import numpy as np
import pytest

from hidden_convexity.foundations.compensated import affine, matrix_product
from hidden_convexity.foundations.double_precision import EPS, UNIT_ROUNDOFF


@pytest.mark.parametrize("left", [1.0, 1e-8, 1e-15, 0.0])
def test_what_a_bias_leaves_of_a_product_is_right_to_its_own_digits(left):
    """A sum of two roundings was off by an eps of the product, however little was left of it."""
    rng = np.random.default_rng(0)
    weights, values = 10.0 ** rng.uniform(-60, 60, size=(2, 200)) * rng.choice([-1, 1], (2, 200))
    biases = -weights * values * (1 + left * rng.uniform(-1, 1, size=200))
    found = affine(weights, values, biases)
    for w, v, b, given in zip(weights, values, biases, found, strict=True):
        exactly = Fraction(w) * Fraction(v) + Fraction(b)
        allowed = Fraction(UNIT_ROUNDOFF) * abs(exactly)
        allowed += 4 * Fraction(EPS) ** 2 * abs(Fraction(w) * Fraction(v))
        assert abs(Fraction(given) - exactly) <= allowed


def test_shapes_broadcast():
    weights, values, biases = np.ones((3, 1)), np.arange(4.0), 0.5
    np.testing.assert_array_equal(affine(weights, values, biases), values + np.full((3, 1), 0.5))


@pytest.mark.parametrize("left", [1.0, 1e-8, 1e-15, 0.0])
def test_entries_of_a_product_whose_terms_cancel_are_right_to_their_own_digits(left):
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(4, 3)), rng.normal(size=(3, 5))
    A = np.hstack([A, -A + left * rng.normal(size=A.shape)])
    B = np.vstack([B, B])
    for row, found in zip(A, matrix_product(A, B), strict=True):
        for column, given in zip(B.T, found, strict=True):
            terms = [Fraction(a) * Fraction(b) for a, b in zip(row, column, strict=True)]
            allowed = Fraction(UNIT_ROUNDOFF) * abs(sum(terms))
            allowed += 40 * Fraction(EPS) ** 2 * sum(map(abs, terms))
            assert abs(Fraction(given) - sum(terms)) <= allowed


def test_products_of_stacks_are_those_of_their_matrices():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 5))
    np.testing.assert_allclose(matrix_product(A, B), A @ B, rtol=1e-12)
