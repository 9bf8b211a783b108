"""Compensated sums: what rounding loses at each addition is found exactly and carried along.

The sum of n terms is then right to half an eps of itself, and to (n eps)^2 of the sum of the
terms' sizes; a plain running sum is right to n eps of the latter only. Source: Knuth's two-sum;
Ogita, Rump and Oishi (2005), *Accurate sum and dot product*.
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
