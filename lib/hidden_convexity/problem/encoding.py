"""The maps between a network's weights and points of the convex program."""

import numpy as np

from hidden_convexity.foundations.validation import real_array
from hidden_convexity.geometry.hyperplanes import unit_rows

# A decoded group this much smaller than the largest is a solver's zero.
NEGLIGIBLE = 1e-8
# A weight within this relative distance of a sample's hyperplane lies on the chamber's wall.
ON_WALL = 1e-9


def decoded(u, v):
    """Hidden and output weights of a solution (d, G) each; see `ReLUNetwork.decode`."""
    u, v = real_array(u, "u", ndim=2), real_array(v, "v", ndim=2)
    if len(u) != len(v):
        raise ValueError(f"u and v must have the same rows, got {u.shape} and {v.shape}")
    directions = np.concatenate([u, v], axis=1).T
    signs = np.repeat([1.0, -1.0], [u.shape[1], v.shape[1]])
    norms = np.linalg.norm(directions, axis=1)
    used = norms > NEGLIGIBLE * norms.max(initial=0.0)
    root = np.sqrt(norms[used])
    return directions[used] / root[:, None], signs[used] * root


def encoded(hidden_weights, output_weights, arrangement):
    """Sums u, v (d, G) of a network's neurons over closed cones; see `ReLUNetwork.encode`."""
    X, patterns = arrangement.X, arrangement.patterns
    if X.shape[1] != hidden_weights.shape[1]:
        raise ValueError(
            f"arrangement must be of data with {hidden_weights.shape[1]} columns, got {X.shape[1]}"
        )
    u, v = np.zeros((2, X.shape[1], len(arrangement)))
    row_norms = np.linalg.norm(X, axis=1)
    for w, a in zip(hidden_weights, output_weights, strict=True):
        products = X @ w
        off_wall = np.abs(products) > ON_WALL * row_norms * np.linalg.norm(w)
        fits = (patterns[off_wall] == (products[off_wall] > 0)[:, None]).all(axis=0)
        if not fits.any():
            raise ValueError(
                "a neuron lies in none of the arrangement's chambers; "
                "encode with Arrangement.enumerate(X)"
            )
        (u if a > 0 else v)[:, fits.argmax()] += abs(a) * w
    return u, v


def output_heads(weights):
    """Output weights of length one: signs (m,) of weights (m,), unit rows (m, c) of (m, c)."""
    return np.sign(weights) if weights.ndim == 1 else unit_rows(weights)
