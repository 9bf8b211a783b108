"""What the curves of the benchmark say: when a training came within a gap of a proven bound."""

import numpy as np

from hidden_convexity.foundations.validation import positive_number, real_array


def seconds_to_gap(curve, bound, gap):
    """When each of several trainings was first within a relative gap of a lower bound.

    Parameters
    ----------
    curve : (k, 1 + s) array_like
        A line a record: seconds, then the objective of each training.
    bound : float
        Lower bound on the optimal value, > 0.
    gap : float
        Relative gap (P - bound) / P asked for, > 0.

    Returns
    -------
    (s,) ndarray
        Seconds; inf for a training that was never that close.

    Raises
    ------
    TypeError, ValueError
        If the curve is no matrix of at least two finite columns, or a number is not positive.
    """
    curve = real_array(curve, "curve", ndim=2)
    bound, gap = positive_number(bound, "bound"), positive_number(gap, "gap")
    if curve.shape[1] < 2:
        raise ValueError(f"curve must have a column after the seconds, got shape {curve.shape}")
    close = 1 - bound / curve[:, 1:] <= gap
    return np.where(close, curve[:, :1], np.inf).min(axis=0, initial=np.inf)
