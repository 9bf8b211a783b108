"""One-dimensional convolution, ReLU, average pooling: f(x) = sum_j a_j (1/K) sum_k (p_k.w_j)_+.

The K patches p_k of all n signals are the rows of P, and a filter's activations are (P w)_+. The
average A over the patches of each signal is linear, so in the chamber of pattern D, of the
arrangement of all n K patches, a neuron is a A D P w: Theorem 1 with A D_g P in place of D_g X.
"""

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts

FILTER = 2  # samples that a filter sees

table_row = parts.TableRow(
    name="convolution, ReLU, average pooling",
    model=r"$\frac12\|\sum_g A D_g P(u_g - v_g) - y\|^2 + \beta\sum_g(\|u_g\| + \|v_g\|)$, "
    "cones; $P$: patches, $A$: average",
    signal="group Lasso, over filters",
    citation="[Ergen, Pilanci 2021](https://arxiv.org/abs/2006.14798)",
    atoms=r"$\|u_g\|$, then $\|v_g\|$",
)


def patches(X):
    """All windows of FILTER successive samples: X (n, d) gives (n K, FILTER), K = d + 1 - FILTER.

    Signal after signal, so that the first K rows are those of the first signal.
    """
    if X.shape[1] < FILTER:
        raise ValueError(f"X must have at least {FILTER} columns, one filter long, got {X.shape}")
    return np.lib.stride_tricks.sliding_window_view(X, FILTER, axis=1).reshape(-1, FILTER)


def averages(X):
    """The matrix A (n, n K) that averages over the patches of each signal."""
    count = X.shape[1] + 1 - FILTER
    return np.kron(np.eye(len(X)), np.full((1, count), 1 / count))


def instance(rng):
    """Five signals of four samples."""
    return parts.random_instance(rng, n=5, d=4, beta=0.1)


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/2) sum_j (||w_j||^2 + a_j^2), with filters w_j as `hidden`."""
    X, y, beta = parts.checked(X, y, beta)
    outputs = network(patches(X)) @ averages(X).T
    return parts.squared_error(outputs, y) + beta * network.decay()


def convex_program(X, y, beta):
    """Theorem 1 over the patches, averaged."""
    X, y, beta = parts.checked(X, y, beta)
    groups = parts.cone_groups(patches(X))
    loss = 0.5 * cp.sum_squares(averages(X) @ groups.outputs - y)
    return parts.Program(loss + beta * groups.lengths, groups.cones)


decode = parts.decode_neurons
sizes = parts.group_lengths


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start."""
    start = parts.random_neurons(rng, FILTER)
    return descent.lbfgs(start, objective, X, y, beta, rng)
