"""Test errors over folds: their mean, and how far it can be trusted."""

import math

from hidden_convexity.foundations.validation import real_array


def mean_and_error(values):
    """The mean of one number a fold, and its standard error.

    Parameters
    ----------
    values : (k,) array-like
        Two values or more, such as the test errors of folds, or the differences of two methods
        on the same folds: in these, what makes a fold hard for both cancels.

    Returns
    -------
    float, float
        The mean, and s / sqrt(k) with the deviation s that has k - 1 as its divisor. Folds share
        samples to train on, so the true error of the mean is likely to be larger.

    Raises
    ------
    TypeError, ValueError
        If the values are not finite numbers, or fewer than two.

    References
    ----------
    Bengio and Grandvalet (2004), JMLR 5: no estimate of that error is unbiased.
    """
    values = real_array(values, "values", ndim=1)
    if len(values) < 2:
        raise ValueError(
            f"values must hold two or more, one a fold, got {len(values)}: run more folds"
        )
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))
