"""What double precision loses: the numbers in which every bound counts its rounding.

A result is off by at most `UNIT_ROUNDOFF` of itself, or by less than `TINY` where it is smaller
than that. Bounds of our own count in `EPS`, twice as much, which pays for rounding the bound, too;
published ones in the unit roundoff. The independent checker has numbers of its own.
"""

import numpy as np

# The distance from 1 to the next number, and the half of it by which rounding to nearest is off.
EPS = float(np.finfo(float).eps)
UNIT_ROUNDOFF = EPS / 2
# The least number with all its digits: what a divisor that may be 0 is at least.
TINY = float(np.finfo(float).tiny)
