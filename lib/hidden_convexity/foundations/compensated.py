"""Compensated arithmetic: what rounding loses is found exactly and carried along.

The sum of n terms is then right to half an eps of itself, and to (n eps)^2 of the sum of the
terms' sizes; a plain running sum is right to n eps of the latter only. Sources: Knuth's
two-sum; Dekker's product (1971); Ogita, Rump and Oishi (2005), *Accurate sum and dot product*.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit


@njit(cache=True, nogil=True)
def carry(total, lost, term):
    """total + term, and what all these additions have lost."""
    new = total + term
    part = new - total
    return new, lost + ((total - (new - part)) + (term - part))


@njit(cache=True, nogil=True)
def running_sums(terms):
    """Sums of the first 1, 2, ..., n terms (n,), each rounded once."""
    sums = np.empty(len(terms))
    total = lost = 0.0
    for k in range(len(terms)):
        total, lost = carry(total, lost, terms[k])
        sums[k] = total + lost
    return sums


def affine(weights, values, biases):
    """weights values + biases, rounded about once however much of the product the bias takes off.

    Parameters
    ----------
    weights, values, biases : array_like
        Of shapes that broadcast to one, and entries up to 1e150.
    """
    total, lost = _times(weights, values)
    total, more = _plus(total, biases)
    return total + (lost + more)


def matrix_product(A, B):
    """A B, each entry rounded about once however much its terms cancel; of stacks, too.

    Parameters
    ----------
    A, B : (..., n, d) and (..., d, m) ndarray
        Entries up to 1e150. One array statement for each of d.
    """
    total = lost = np.zeros(1)
    for k in range(A.shape[-1]):
        term, less = _times(A[..., k, None], B[..., None, k, :])
        total, more = _plus(total, term)
        lost = lost + (less + more)
    return total + lost


def _times(a, b):
    """Their product, and what rounding took off it."""
    product = a * b
    (a, a_rest), (b, b_rest) = _halves(a), _halves(b)
    return product, ((a * b - product) + a * b_rest + a_rest * b) + a_rest * b_rest


def _plus(a, b):
    """Their sum, and what rounding took off it."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _halves(numbers):
    """Two parts of at most 26 digits each, whose sum a number is: products of these are exact."""
    scaled = (2.0**27 + 1.0) * numbers
    first = scaled - (scaled - numbers)
    return first, numbers - first
