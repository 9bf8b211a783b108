"""Which samples depend on each other exactly: floats are rational numbers, and so is elimination.

Rounding leaves open whether hyperplanes meet in one line, or nearly so. Between those that nearly
do there are activation patterns that a list misses which takes them for one.
"""

from math import gcd

import numpy as np


def rank_exceeds(rows, most):
    """Whether the rank of rows (k, d), as the rational numbers that they are, is above `most`."""
    basis = []
    for row in rows.tolist() if len(rows) > most else []:
        row = _integers(row)
        for pivot, other in basis:
            if row[pivot]:
                lead, share = other[pivot], row[pivot]
                row = [lead * a - share * b for a, b in zip(row, other, strict=True)]
        common = gcd(*row)
        if common:
            row = [entry // common for entry in row]
            basis.append((next(k for k, entry in enumerate(row) if entry), row))
            if len(basis) > most:
                return True
    return False


def _integers(row):
    """A row times a power of two."""
    ratios = [entry.as_integer_ratio() for entry in row]
    unit = max(below for _, below in ratios)
    return [above * (unit // below) for above, below in ratios]


class IndexSets:
    """Sets of indices (k,) of samples."""

    def __init__(self, sets):
        self._members = np.concatenate([*sets, np.zeros(0, dtype=int)])
        self._starts = np.cumsum([0, *(len(one) for one in sets)])[:-1]

    def sums(self, sizes):
        """The sums of sizes (n,) over each set."""
        if len(self._starts) == 0:
            return np.zeros(0)
        return np.add.reduceat(sizes[self._members], self._starts)
