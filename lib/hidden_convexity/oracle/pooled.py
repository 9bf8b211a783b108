"""Oracles for networks whose activations are pooled: the ReLU oracles, on rows of their own.

With the rows S and weights c of a `Pooling`, nu.(A phi(R u)) = c.(S u)_+ for every u: what bounds
the right-hand side bounds the dual constraint of the network, and nothing new has to be proven.
"""

from dataclasses import replace

import numpy as np

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.interruption import Interrupted
from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.oracle.ascent import SAME_DIRECTION


class Pooled:
    """A dual oracle on the signed rows S that takes dual points nu (n,) or (n, c) of the samples.

    Parameters
    ----------
    oracle : dual oracle of one output or of several
        On `pooling.signed_rows`.
    pooling : Pooling
    """

    def __init__(self, oracle, pooling):
        self.oracle, self.pooling = oracle, pooling
        self._lengths = row_lengths(pooling.signed_rows)

    def __repr__(self):
        return f"Pooled({self.oracle!r}, {self.pooling!r})"

    @property
    def max_seconds(self):
        """Budget of a call, where the oracle keeps to one."""
        return getattr(self.oracle, "max_seconds", np.inf)

    @max_seconds.setter
    def max_seconds(self, seconds):
        if hasattr(self.oracle, "max_seconds"):
            self.oracle.max_seconds = seconds

    def __call__(self, nu, **asked):
        """The oracle's answer at the pooled dual point; its bound includes the rounding of c."""
        try:
            return self._of_samples(nu, self.oracle(self.pooling.signed(nu), **asked))
        except Interrupted as stopped:
            raise Interrupted(self._of_samples(nu, stopped.found)) from stopped

    def _of_samples(self, nu, found):
        found = one_of_opposites(found) if self.pooling.slope == -1 else found
        return replace(found, bound=float(found.bound + self._pooled_rounding(nu)))

    def allowance(self, nu):
        """What the bound includes for rounding: the oracle's allowance, and that of c.

        An entry of c is a sum of as many products as the row has samples, then a product.
        """
        return self.oracle.allowance(self.pooling.signed(nu)) + self._pooled_rounding(nu)

    def _pooled_rounding(self, nu):
        sizes = np.abs(nu) if nu.ndim == 1 else np.linalg.norm(nu, axis=1)
        spread = np.abs(self.pooling.signed(sizes))
        return (self.pooling.most_samples + 4) * EPS * float(spread @ self._lengths)


def one_of_opposites(found):
    """The maximum with one of u and -u, in one half space: |Ru| is the same neuron at both."""
    directions = found.directions.copy()
    # The first entry that is not zero decides; as rounding has zeros, equal ones are then left out.
    first = (directions != 0).argmax(axis=1)
    directions *= np.sign(np.take_along_axis(directions, first[:, None], axis=1))
    kept = []
    for k, one in enumerate(directions):
        apart = np.minimum(*(np.abs(directions[kept] - s * one).max(axis=1) for s in (1, -1)))
        if (apart > SAME_DIRECTION).all():
            kept.append(k)
    return replace(found, directions=directions[kept], values=found.values[kept])
