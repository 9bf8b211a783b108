"""The relative duality gap: as a number, and as text that claims no more than is proven."""

import math

# The objective of a network is a sum of n squares of differences of outputs and targets: at small
# weight decays, where both nearly cancel, it is known to about this share of it. Bounds include
# their own rounding.
SAME_VALUE = 1e-9


class ContradictedProof(ArithmeticError):
    """A proven bound and a number that is attained contradict one another.

    Never the fault of the data: it is an error of this library, and what it returned before for
    the same data can't be relied on. The message says what to report.
    """

    def __init__(self, contradiction, data):
        self.contradiction, self.data = contradiction, data
        super().__init__(
            f"{contradiction}: the two contradict one another, so one of them is wrong. This is an "
            "error of hidden-convexity, not of your data. Please report it with this message, the "
            "versions of hidden-convexity, NumPy, SciPy and numba, the processor, and the data, or "
            f"their shape if they can't be shared: numpy.savez('report.npz', ...) with {data}"
        )

    def __reduce__(self):
        return type(self), (self.contradiction, self.data)


def relative_gap(objective, lower_bound, proven=True):
    """(objective - lower_bound) / objective, 0 where the objective is 0 and 1 where it is infinite.

    Parameters
    ----------
    objective : float
        P of a network.
    lower_bound : float
        Lower bound on the optimal value.
    proven : bool
        False for a bound that is only searched: one above the objective shows that the search
        missed something, and the gap is 0 for want of a better number.

    Returns
    -------
    float
        At least 0: a proven bound above the objective by less than `SAME_VALUE` of it is rounding
        of the objective.

    Raises
    ------
    ContradictedProof
        If a proven bound is further above the objective.
    """
    if proven and lower_bound > objective * (1 + SAME_VALUE):
        raise ContradictedProof(
            f"no network has an objective below {lower_bound!r}, it was proven, but one has "
            f"{objective!r}",
            "X=problem.X, y=problem.y, beta=problem.beta and the network's weights",
        )
    if objective == math.inf:
        return 1.0
    return max(objective - lower_bound, 0.0) / objective if objective > 0 else 0.0


def format_gap(gap, finest=1e-6):
    """Write a relative duality gap as a bound, ``gap < 1e-6``.

    The bound is the smallest power of ten above the gap, but no smaller than ``finest``: below it
    the gap is roundoff, which differs between machines. A gap of 0.1 or more, a clearly negative
    one and one that is not a number are never dressed as a bound: ``gap = 0.25``.

    Parameters
    ----------
    gap : float
    finest : float
        A power of ten, at most 0.1.

    Returns
    -------
    str
    """
    for exponent in range(round(math.log10(finest)), 0):
        if abs(gap) < 10.0**exponent and gap > -finest:
            return f"gap < 1e{exponent}"
    return f"gap = {gap:.2g}"
