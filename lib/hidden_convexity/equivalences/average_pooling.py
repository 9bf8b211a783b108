"""One-dimensional convolution, ReLU, average pooling: f(x) = sum_j a_j (1/K) sum_k (p_k.w_j)_+.

The K patches p_k of all n signals are the rows of X^, and a filter's activations are (X^ w)_+. The
average A over the patches of each signal is linear, so in the chamber of pattern D, of the
arrangement of all n K patches, a neuron is a A D X^ w: Theorem 1 with A D_g X^ in place of D_g X.
"""

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.foundations.reach import SEARCH, OutOfReach
from hidden_convexity.foundations.validation import whole_number
from hidden_convexity.problem.training_problem import TrainingProblem

FILTER = 2  # samples that a filter sees, unless its length is given

table_row = parts.TableRow(
    name="convolution, ReLU, average pooling",
    model=r"$\frac12\|\sum_g A D_g \hat X(u_g - v_g) - y\|^2 + \beta\sum_g(\|u_g\| + \|v_g\|)$, "
    "cones; $\hat X$: patches, $A$: average",
    signal="group Lasso, over filters",
    citation="[Ergen, Pilanci 2021](https://arxiv.org/abs/2006.14798)",
    atoms=r"$\|u_g\|$, then $\|v_g\|$",
    proven="filters up to 6 long, any number of signals",
)


def windows(X, length):
    """All windows of successive samples: X (n, d) gives (n, K, length), K = d + 1 - length."""
    if X.shape[1] < length:
        raise ValueError(
            f"X must have at least {length} columns, one filter long, got shape {X.shape}"
        )
    return np.lib.stride_tricks.sliding_window_view(X, length, axis=1)


def patches(X, length=FILTER):
    """The windows as rows (n K, length), the first K of them those of the first signal."""
    return windows(X, length).reshape(-1, length)


def averages(X, length=FILTER):
    """The matrix A (n, n K) that averages over the patches of each signal."""
    count = X.shape[1] + 1 - length
    return np.kron(np.eye(len(X)), np.full((1, count), 1 / count))


def instance(rng):
    """Five signals of four samples."""
    return parts.random_instance(rng, n=5, d=4, beta=0.1)


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/2) sum_j (||w_j||^2 + a_j^2), with filters w_j as `hidden`."""
    X, y, beta = parts.checked(X, y, beta)
    length = network.hidden.shape[-1]
    activations = network(patches(X, length))
    outputs = activations.reshape(*activations.shape[:-1], len(X), -1).mean(axis=-1)
    return parts.squared_error(outputs, y) + beta * network.decay()


def convex_program(X, y, beta):
    """Theorem 1 over the patches, averaged."""
    X, y, beta = parts.checked(X, y, beta)
    groups = parts.cone_groups(patches(X))
    loss = 0.5 * cp.sum_squares(averages(X) @ groups.outputs - y)
    return parts.Program(loss + beta * groups.lengths, groups.cones)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True, length=FILTER):
    """Train the network to a certified gap, by column generation; see `hidden_convexity.train`.

    Parameters
    ----------
    X : (n, d) array_like
        n signals of d samples.
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.
    length : int
        Samples that a filter sees, 1 to d. Up to about 5 can be proven.

    Returns
    -------
    RowSolution
        Of scope "global": any number of filters.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds, or a proof is out of reach.
    """
    X, y, beta = parts.checked(X, y, beta)
    length = whole_number(length, "length", 1)
    try:
        return trained.of_neurons(
            TrainingProblem(windows(X, length), y, beta),
            lambda found: parts.Neurons(found.hidden_weights, found.output_weights),
            lambda network: objective(network, X, y, beta),
            *(tol, max_seconds, progress, proof),
        )
    except OutOfReach as error:
        raise error.instead({"proof": SEARCH, "length": "a smaller length"}) from None


decode = parts.decode_neurons
sizes = parts.group_lengths


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start."""
    start = parts.random_neurons(rng, FILTER)
    return descent.lbfgs(start, objective, X, y, beta, rng)
