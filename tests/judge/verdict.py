"""What every judge returns, and the numbers that several of them need."""

from dataclasses import dataclass, field
from fractions import Fraction
from math import sqrt

import numpy as np

# Float sums of n products, taken along paths of a few dozen splits: a share of sum |nu_i| ||x_i||.
EPS = np.finfo(float).eps
# Rows closer than 1e-12 may be treated as one, and directions in which the data are smaller than
# that dropped, if the bound pays for it: a bound this share of sum |nu_i| ||x_i|| above M is tight.
PAID = 1e-11
# Objectives are sums of squares that floats evaluate: a relative error, far above n EPS, and far
# below any gap that is claimed.
EVALUATED = 1e-10


@dataclass
class Verdict:
    """Complaints, and the least room there was between a bound and what it bounds."""

    complaints: list = field(default_factory=list)
    slack: float = np.inf
    gap: float = 0.0

    def add(self, where, complaints, slack=np.inf):
        self.complaints += [f"{where}: {complaint}" for complaint in complaints]
        self.slack = min(self.slack, slack)


def below(bound, reached):
    """A complaint if a network's objective is below a bound of every network's; the room left."""
    if not np.isfinite(bound) or bound < 0:
        return [f"lower bound {bound!r}"], -np.inf
    slack = float((reached - Fraction(bound)) / reached) if reached > 0 else np.inf
    if Fraction(bound) > reached:
        return [f"lower bound {bound!r}, and a network has {float(reached)!r}"], slack
    return [], slack


def total_size(X, nu):
    """sum |nu_i| ||x_i||, in whose share rounding is counted; no square of it vanishes."""
    return sum(float(np.hypot.reduce(x)) * abs(float(t)) for x, t in zip(X, nu, strict=True))


def sqrt_of(fraction):
    """The root of a Fraction whose float may over- or underflow."""
    if fraction == 0:
        return 0.0
    half = (fraction.numerator.bit_length() - fraction.denominator.bit_length()) // 2
    return sqrt(fraction / Fraction(4) ** half) * 2.0**half


def short_of(bound, square):
    most = sqrt_of(square)
    return f"{most!r}: short by {float(1 - Fraction(bound) / Fraction(most)):.1e} of it"
