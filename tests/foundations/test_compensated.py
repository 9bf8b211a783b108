"""Compensated arithmetic, against rational numbers."""

from fractions import Fraction

import numpy as np
import pytest

from hidden_convexity.foundations.compensated import affine
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
