"""What one operation and one sum may be wrong by, and the one exception.

U is the unit roundoff: an operation errs by at most U times its result, and a sum of k terms, in
any order, by gamma(k) times the sum of their absolute values. NumPy's exp, log and log1p are taken
to err by at most 4 U. What a bound may be wrong by is computed from that and added to it, enlarged
by SAFE, which is more than the rounding of the allowance itself.
"""

import numpy as np

U, SAFE = 2.0**-53, 1.01
TINY = 2.0**-1000  # what underflow may cost in all, of numbers up to 1


class Refused(ValueError):
    """What of a file does not hold: its name, and a sentence."""

    def __init__(self, name, sentence):
        super().__init__(f"{name}: {sentence}")
        self.name = name


def gamma(k):
    return k * U / (1.0 - k * U)


def lengths(X):
    """Norms of rows, the last axis, of any size: no square is too small or too large."""
    largest = np.abs(X).max(axis=-1, initial=0.0)
    unit = X / np.where(largest > 0, largest, 1.0)[..., None]
    return largest * np.linalg.norm(unit, axis=-1)
