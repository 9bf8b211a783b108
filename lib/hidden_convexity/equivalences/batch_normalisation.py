"""ReLU network with batch normalisation before the activation, trained on the whole batch.

f(X) = sum_j a_j (gamma_j X_c w_j / ||X_c w_j|| + delta_j 1/sqrt(n))_+, X_c centred X, and the
penalty (beta/2) sum_j (gamma_j^2 + delta_j^2 + a_j^2); decay on w_j would be void, as its length
does not matter. Let X_c = U S V' with the r non-zero singular values, Q = [U, 1/sqrt(n)] and
X_c w = ||X_c w|| U q: as w varies, q runs over all unit vectors. So the input of the ReLU is Q p
with p = (gamma q, delta), any vector, and gamma^2 + delta^2 = ||p||^2. This is the ReLU network of
Theorem 1 on the whitened data Q, which has orthonormal columns.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.foundations.compensated import matrix_product
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.problem.training_problem import TrainingProblem

NEURONS = 8
# Singular values of centred data below this share of the largest are zero if rounding can have made
# them, and an error if not.
RANK = 1e-10

table_row = parts.TableRow(
    name="ReLU with batch normalisation",
    model=r"the first row on whitened data, $Q = [U, 1/\sqrt n]$ for $X$, "
    r"$U$ from the SVD of centred $X$",
    signal="group Lasso, whitened",
    citation="[Ergen et al. 2022](https://arxiv.org/abs/2103.01499)",
    atoms=r"$\|u_g\|$, then $\|v_g\|$",
    proven="rank up to 6, any number of samples",
)


class NormalisedNetwork(NamedTuple):
    """Hidden weights w (m, d), scales gamma, shifts delta and output weights a, each (m,)."""

    hidden: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    output: np.ndarray

    @property
    def width(self):
        """Number m of neurons."""
        return self.hidden.shape[-2]

    def __call__(self, X, batch=None):
        """Outputs (n,) on X (n, d), normalised as the batch is, by default X itself."""
        batch = X if batch is None else batch
        inputs, reference = (
            matrix_product(part - batch.mean(axis=0), self.hidden.swapaxes(-1, -2))
            for part in (X, batch)
        )
        inputs = inputs / np.linalg.norm(reference, axis=-2, keepdims=True)
        inputs = inputs * self.scale[..., None, :] + self.shift[..., None, :] / len(batch) ** 0.5
        return (np.maximum(inputs, 0.0) @ self.output[..., None])[..., 0]


def instance(rng):
    """Six points on a line."""
    X, y, beta = parts.line_instance(rng, n=6, beta=0.1)
    return X[:, :1], y, beta


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/2) sum_j (gamma_j^2 + delta_j^2 + a_j^2)."""
    X, y, beta = parts.checked(X, y, beta)
    decay = sum(parts.squares(part, 1) for part in (network.scale, network.shift, network.output))
    return parts.squared_error(network(X), y) + 0.5 * beta * decay


def whitened(X):
    """Q = [U, 1/sqrt(n)] (n, r + 1), and the matrix (d, r) that takes q to w with C X w = U q."""
    centred = X - X.mean(axis=0)
    _, values, right = np.linalg.svd(centred, full_matrices=False)
    used = values > RANK * values.max()
    if not used.any():
        raise ValueError("X must have two different rows, else centred data are zero")
    rounding = max(X.shape) * EPS * np.linalg.norm(X)
    if (values[~used] > rounding).any():
        raise ValueError(
            f"X must vary by more than {RANK:g} of its largest variation, or not at all, in every "
            f"direction, got {values[~used].max() / values.max():.1g}: normalisation would blow "
            "it up; drop that direction, or scale the columns"
        )
    unwhiten = right[used].T / values[used]
    # The left singular vectors are off the span of the centred data by an eps over the smallest
    # value; these products are in it, and orthonormal up to that: a Cholesky factor mends it.
    spanned = matrix_product(centred, unwhiten)
    factor = np.linalg.cholesky(spanned.T @ spanned)
    left, unwhiten = (
        solve_triangular(factor, part.T, lower=True).T for part in (spanned, unwhiten)
    )
    return np.column_stack([left, np.full(len(X), len(X) ** -0.5)]), unwhiten


def convex_program(X, y, beta):
    """Theorem 1 on the whitened data."""
    X, y, beta = parts.checked(X, y, beta)
    data, unwhiten = whitened(X)
    program = parts.neurons_program(data, y, beta)
    program.known["unwhiten"] = unwhiten
    return program


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train the network to a certified gap: the ReLU network on the whitened data.

    Parameters
    ----------
    X : (n, d) array_like
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.

    Returns
    -------
    RowSolution
        Of scope "global": any number of neurons, whose inputs are normalised by `whitened(X)` as
        it is computed. Its `problem` is that of the whitened data.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds, or a proof is out of reach.

    Notes
    -----
    The bound is proven, exactly, for ReLU networks on Q as floats have it, in the span of the
    centred data to some 1e-16. Where X varies by no more than rounding, it does not vary.
    """
    X, y, beta = parts.checked(X, y, beta)
    data, unwhiten = whitened(X)
    return trained.of_neurons(
        TrainingProblem(data, y, beta),
        lambda found: _normalised(found.hidden_weights, found.output_weights, unwhiten),
        lambda network: objective(network, X, y, beta),
        *(tol, max_seconds, progress, proof),
    )


def decode(program):
    """Neurons p = (gamma q, delta) of the whitened program, and w with C X w = U q."""
    neurons = parts.decode_neurons(program)
    return _normalised(neurons.hidden, neurons.output, program.known["unwhiten"])


def _normalised(hidden, output, unwhiten):
    """The network of neurons on the whitened data."""
    scaled, shift = hidden[:, :-1], hidden[:, -1]
    scale = np.linalg.norm(scaled, axis=1)
    # A neuron that is all shift may have any hidden weights.
    directions = np.where(scale[:, None] > 0, scaled, np.ones(scaled.shape[1]))
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return NormalisedNetwork(directions @ unwhiten.T, scale, shift, output)


sizes = parts.group_lengths


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start."""
    hidden = rng.normal(size=(NEURONS, X.shape[1]))
    start = NormalisedNetwork(hidden, *rng.normal(size=(3, NEURONS)))
    return descent.lbfgs(start, objective, X, y, beta, rng)
