"""The discrete Fourier transform with a proven bound on its rounding, for any length.

A power of two is halved (Cooley and Tukey); any other length is a convolution with a chirp
(Bluestein): jk = (j^2 + k^2 - (k - j)^2) / 2, so that with c_j = exp(-i pi j^2 / d)

    V_k = c_k sum_j (v_j c_j) conj(c_(k - j)),

by transforms of the next power of two. NumPy's transform is faster, but of its many radices no
bound is published; for radix two there is one (Higham 2002, *Accuracy and Stability of Numerical
Algorithms*, theorem 24.2): t passes leave an error of t (mu + 6 u) of the norm, mu that of the
roots of unity and u the unit roundoff.
"""

import numpy as np

from hidden_convexity.foundations.double_precision import UNIT_ROUNDOFF

# Errors in units of u. Of exp(i a), a < 2 pi right to 3 u, where sine and cosine are right to four
# units in the last place; of a product with it; of a product; and of a pass of a transform.
ROOT, TURNED, PRODUCT, PASS = 30, 34, 3, 32


class Fourier:
    """The transform V_k = sum_j v_j exp(-2 pi i j k / d) of real vectors of one length d.

    Parameters
    ----------
    d : int

    Attributes
    ----------
    error : float
        What rounding may do to any V_k, as a share of ||v||.
    """

    def __init__(self, d):
        self._d, self._m = d, 1 << (d - 1).bit_length()
        if self._m == d:
            self.error = _passes(d) * np.sqrt(d)
            return
        self._m = 1 << (2 * d - 2).bit_length()
        j = np.arange(d)
        self._chirp = np.exp(-1j * (np.pi * (j * j % (2 * d)) / d))
        wrapped = np.zeros(self._m, dtype=complex)
        wrapped[:d] = self._chirp.conj()
        wrapped[self._m - d + 1 :] = wrapped[d - 1 : 0 : -1]
        self._filter = _halving(wrapped)
        # In the units of ||v||, after the inverse transform: the filter's own error, and what
        # the product with it makes of the errors before and after.
        own = (_passes(self._m) + ROOT * UNIT_ROUNDOFF) * np.sqrt(2.0 * d * self._m)
        most = float(np.abs(self._filter).max()) + own
        steps = 2 * _passes(self._m) + (TURNED + 2 * PRODUCT) * UNIT_ROUNDOFF
        self.error = float(most * steps + own + TURNED * UNIT_ROUNDOFF * np.sqrt(d))

    def __call__(self, v):
        """V (d,) of v (d,)."""
        if self._m == self._d:
            return _halving(v)
        padded = np.zeros(self._m, dtype=complex)
        padded[: self._d] = v * self._chirp
        product = _halving(padded) * self._filter
        convolved = _halving(product.conj()).conj()[: self._d] / self._m
        return convolved * self._chirp


def _passes(m):
    """The relative error, in norm, of a transform of m = 2^t entries."""
    return PASS * UNIT_ROUNDOFF * (m.bit_length() - 1)


def _halving(v):
    """The transform of m = 2^t entries, in t passes."""
    rows = v.reshape(1, -1)
    while rows.shape[1] > 1:
        even, odd = np.hsplit(rows, 2)
        count = len(rows)
        odd = np.exp(-1j * (np.pi * np.arange(count) / count))[:, None] * odd
        rows = np.concatenate([even + odd, even - odd])
    return rows[:, 0]
