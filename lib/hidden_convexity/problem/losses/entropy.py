"""What the losses whose dual value is an entropy share."""

import numpy as np
import scipy
from array_api_compat import array_namespace

# At the last float below 1 a derivative that falls to minus infinity at 1 is as good as there.
_LAST = float(np.nextafter(1.0, 0.0))
# The slope of t log t that is charged where t is nearly 0: |log t| is more than this below 1e-17
# only, where all of t |log t| is less than this times half an eps.
STEEPEST = 40.0


def entropy(p):
    """-p log p, and 0 at p = 0."""
    xp = array_namespace(p)
    return -p * xp.log(xp.where(p > 0, p, xp.ones_like(p)))


def affordable_scale(loss, y, nu, cost):
    """The least s, for a dual value that is an entropy.

    It is concave in s and 0 at s = 0, so below its maximum it rises.
    """
    floor = loss.dual_value(y, nu) - cost
    if floor <= 0:
        return 0.0
    return scipy.optimize.brentq(lambda s: loss.dual_value(y, s * nu) - floor, 0.0, 1.0)


def root(derivative, low):
    """Where a derivative vanishes that falls from `low`, where it is >= 0, to 1."""
    if derivative(_LAST) >= 0:
        return _LAST
    return scipy.optimize.brentq(derivative, low, _LAST, xtol=1e-15)
