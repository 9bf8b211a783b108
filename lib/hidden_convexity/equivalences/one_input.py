"""What rows of one input share: networks of branches, one neuron a layer, and their objective."""

from typing import NamedTuple

import numpy as np

from hidden_convexity.equivalences import parts
from hidden_convexity.foundations.compensated import affine


class BranchNetwork(NamedTuple):
    """f(x) = c + sum_j a_j phi(w_jK phi( ... phi(w_j1 x + b_j1) ... ) + b_jK).

    Attributes
    ----------
    weights, biases : (..., m, K) ndarray
    amplitudes : (..., m) ndarray
    constant : (..., 1) ndarray
    slope : float
        Of phi below zero, as in `parts.Neurons`.
    """

    weights: np.ndarray
    biases: np.ndarray
    amplitudes: np.ndarray
    constant: np.ndarray
    slope: float

    @property
    def width(self):
        """Number m of branches."""
        return self.weights.shape[-2]

    def __call__(self, X):
        return self.branches(X) + self.constant

    def branches(self, X):
        """Outputs without the constant."""
        values = X
        for layer in range(self.weights.shape[-1]):
            weights, biases = self.weights[..., None, :, layer], self.biases[..., None, :, layer]
            values = affine(weights, values, biases)
            values = np.where(values > 0, values, self.slope * values)
        return (values @ self.amplitudes[..., None])[..., 0]


def instance(rng):
    """Five points on a line."""
    X, y, beta = parts.line_instance(rng, n=5, beta=0.3)
    return X[:, :1], y, beta


def checked(X, y, beta):
    """X (n, 1), y (n,) and beta, validated."""
    X, y, beta = parts.checked(X, y, beta)
    if X.shape[1] != 1:
        raise ValueError(f"X must have one column for this row, got shape {X.shape}")
    return X, y, beta


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/L) sum_j (|a_j|^L + sum_k |w_jk|^L), with L = K + 1.

    From targets that hardly vary the constant is taken first, exactly.
    """
    X, y, beta = checked(X, y, beta)
    L = network.weights.shape[-1] + 1
    total = parts.powers(network.weights, L, ndim=2) + parts.powers(network.amplitudes, L, ndim=1)
    return (
        parts.squared_error(network.branches(X) + (network.constant - y), 0 * y) + beta / L * total
    )


def sizes(program):
    """Absolute coefficients."""
    return np.abs(program.weights("z"))
