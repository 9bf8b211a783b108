"""Quadratic activation, f(x) = sum_j a_j (x.w_j)^2, penalty (beta/3) sum_j (|a_j|^3 + 2 ||w_j||^3).

f(x) = x' Z x with the symmetric matrix Z = sum_j a_j w_j w_j'. By the inequality of the arithmetic
and geometric mean of |a|^3, ||w||^3 and ||w||^3, a neuron costs at least beta |a| ||w||^2, with
equality where |a| = ||w||, which rescaling reaches. Over all sums that give Z, the least
sum_j |a_j| ||w_j||^2 is the nuclear norm ||Z||_*, attained by the eigenvectors of Z.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts

NEURONS = 6

table_row = parts.TableRow(
    name="quadratic activation",
    model=r"$\frac12\|\mathrm{diag}(XZX^\top) - y\|^2 + \beta\|Z\|_*$, $Z$ symmetric",
    signal="low rank, symmetric",
    citation="[Bartan, Pilanci 2021](https://arxiv.org/abs/2101.02429)",
    atoms="|eigenvalues| of $Z$",
)


class QuadraticNetwork(NamedTuple):
    """f(X) = sum_j a_j (X w_j)^2 with hidden weights (m, d) and output weights (m,)."""

    hidden: np.ndarray
    output: np.ndarray

    def __call__(self, X):
        features = (X @ self.hidden.swapaxes(-1, -2)) ** 2
        return (features @ self.output[..., None])[..., 0]


def instance(rng):
    """Ten samples of four inputs; targets from one quadratic neuron and noise."""
    X, noise, beta = parts.random_instance(rng, n=10, d=4, beta=1.0)
    return X, (X @ rng.normal(size=4)) ** 2 + 0.5 * noise, beta


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/3) sum_j (|a_j|^3 + 2 ||w_j||^3)."""
    X, y, beta = parts.checked(X, y, beta)
    lengths = np.linalg.norm(network.hidden, axis=-1)
    cubes = (np.abs(network.output) ** 3 + 2 * lengths**3).sum(axis=-1)
    return parts.squared_error(network(X), y) + beta / 3 * cubes


def convex_program(X, y, beta):
    """Quadratic forms of X with a nuclear norm: Z = P - N, and its norm is the two traces."""
    X, y, beta = parts.checked(X, y, beta)
    P, N = (cp.Variable((X.shape[1], X.shape[1]), PSD=True, name=name) for name in "PN")
    outputs = cp.sum(cp.multiply(X @ (P - N), X), axis=1)
    penalty = beta * (cp.trace(P) + cp.trace(N))
    return parts.Program(0.5 * cp.sum_squares(outputs - y) + penalty)


def decode(program):
    """One neuron an eigenvector q of eigenvalue l: w = |l|^(1/3) q, a = sign(l) |l|^(1/3)."""
    values, vectors = np.linalg.eigh(program.weights("P") - program.weights("N"))
    root = np.cbrt(values)
    return QuadraticNetwork((vectors * np.abs(root)).T, root)


def sizes(program):
    """Absolute eigenvalues of Z, largest first."""
    values = np.linalg.eigvalsh(program.weights("P") - program.weights("N"))
    return np.sort(np.abs(values))[::-1]


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start."""
    start = QuadraticNetwork(0.5 * rng.normal(size=(NEURONS, X.shape[1])), rng.normal(size=NEURONS))
    return descent.lbfgs(start, objective, X, y, beta, rng)
