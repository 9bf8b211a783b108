"""What is done to data before it becomes the X of a problem."""

import numpy as np

from hidden_convexity.foundations.validation import real_array


def with_bias(X):
    """Append a column of ones: the last weight of each neuron becomes its bias.

    Parameters
    ----------
    X : (n, d) array, or (n,) for one column

    Returns
    -------
    (n, d + 1) array

    Raises
    ------
    TypeError, ValueError
        If X is empty, or not finite and real.
    """
    X = real_array(X, "X", ndim=(1, 2))
    if X.size == 0:
        raise ValueError(f"X must have at least one row and one column, got shape {X.shape}")
    return np.column_stack([X, np.ones(len(X))])
