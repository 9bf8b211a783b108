"""What the landscape is about: ReLU networks without patches, skip or intercept."""

import numpy as np

from hidden_convexity.foundations.validation import data_matrix
from hidden_convexity.problem.network import ReLUNetwork


def data_of(network, X, name="network"):
    """Return X as a matrix (n, d) of inputs of a ReLU network, or say what is wrong with either."""
    if not isinstance(network, ReLUNetwork):
        raise TypeError(f"{name} must be a ReLUNetwork, got {type(network).__name__}")
    if network.slope != 0 or network.skip is not None or network.intercept is not None:
        raise ValueError(f"{name} must have slope 0, no skip and no intercept, got {network!r}")
    if np.ndim(X) == 3:
        raise ValueError(f"X must be a matrix (n, d) here, without patches, got {np.shape(X)}")
    X, d = data_matrix(X), network.hidden_weights.shape[1]
    if X.shape[1] != d:
        raise ValueError(f"X must have {d} columns, one per input of {name}, got shape {X.shape}")
    return X
