"""Dual oracles: they maximise |nu.(Xu)_+| over the unit ball, the constraint of the dual problem.

One signature: an oracle is built on X, and `oracle(nu, tolerance, level, starts)` returns a
`DualMaximum`, the largest value found, a proven upper bound, and local maximisers.
"""

import numpy as np

from hidden_convexity.arrangement import Arrangement
from hidden_convexity.hyperplanes import row_space
from hidden_convexity.oracle.circle import Circle
from hidden_convexity.oracle.exhaustive import Exhaustive
from hidden_convexity.oracle.maximum import DualMaximum

__all__ = ["Circle", "DualMaximum", "Exhaustive", "coordinates", "proving_oracle"]


def coordinates(X):
    """A matrix B (d, r) such that X B has all the information of X in the fewest columns.

    Weights outside the span of the rows change no output and only cost penalty, so every optimal
    neuron is w = B z. B is the identity where the rank is full; at least two columns are kept, for
    `Circle`.
    """
    d = X.shape[1]
    basis = row_space(X)
    if basis.shape[1] == d >= 2:
        return np.eye(d)
    return np.pad(basis, ((0, 0), (0, max(2 - basis.shape[1], 0))))


def proving_oracle(X):
    """The oracle that proves M(nu) for these data: a circle sweep, or all chambers.

    Parameters
    ----------
    X : (n, d) ndarray
        Data in `coordinates`, d >= 2.

    Raises
    ------
    TooManyChambers
        If d > 2 and the chambers are too many to list.
    """
    return Circle(X) if X.shape[1] == 2 else Exhaustive(Arrangement.enumerate(X))
