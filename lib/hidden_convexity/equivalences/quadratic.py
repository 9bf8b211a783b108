"""Quadratic activation, f(x) = sum_j a_j (x.w_j)^2, penalty (beta/3) sum_j (|a_j|^3 + 2 ||w_j||^3).

f(x) = x' Z x with the symmetric matrix Z = sum_j a_j w_j w_j'. By the inequality of the arithmetic
and geometric mean of |a|^3, ||w||^3 and ||w||^3, a neuron costs at least beta |a| ||w||^2, with
equality where |a| = ||w||, which rescaling reaches. Over all sums that give Z, the least
sum_j |a_j| ||w_j||^2 is the nuclear norm ||Z||_*, attained by the eigenvectors of Z. The network
has the value of the convex program if it has at least as many neurons as Z has rank.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, nuclear_norm, parts, trained

NEURONS = 6

table_row = parts.TableRow(
    name="quadratic activation",
    model=r"$\frac12\|\mathrm{diag}(XZX^\top) - y\|^2 + \beta\|Z\|_*$, $Z$ symmetric",
    signal="low rank, symmetric",
    citation="[Bartan, Pilanci 2021](https://arxiv.org/abs/2101.02429)",
    atoms="|eigenvalues| of $Z$",
    proven="any size",
)


class QuadraticNetwork(NamedTuple):
    """f(X) = sum_j a_j (X w_j)^2 with hidden weights (m, d) and output weights (m,)."""

    hidden: np.ndarray
    output: np.ndarray

    @property
    def width(self):
        """Number m of neurons."""
        return self.hidden.shape[-2]

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


class QuadraticForms:
    """The linear map Z -> (x_i' Z x_i)_i, as `nuclear_norm.solve` takes it.

    Z need not be symmetric: its symmetric part has the same outputs, and no larger nuclear norm.
    """

    def __init__(self, X):
        self._X = X
        self.shape = 1, X.shape[1], X.shape[1]

    def _products(self, factors):
        return self._X @ factors.left.T, self._X @ factors.right.T

    def outputs(self, factors):
        """sum_k (X p_k) (X q_k), entry by entry."""
        left, right = self._products(factors)
        return (left * right).sum(axis=1)

    def pullback(self, factors, nu):
        """X' diag(nu) X q_k and X' diag(nu) X p_k."""
        left, right = self._products(factors)
        return (nu[:, None] * right).T @ self._X, (nu[:, None] * left).T @ self._X

    def adjoint(self, nu):
        """X' diag(nu) X, (1, d, d)."""
        return (self._X.T @ (nu[:, None] * self._X))[None]

    def allowance(self, nu):
        """Of sums over samples of products of three numbers, sum_i |nu_i| ||x_i||^2 in all."""
        sizes, d = np.abs(nu), self._X.shape[1]
        of_products = d * d * (np.abs(self._X).max() + sizes.sum())
        return trained.rounding(len(nu) + 1, sizes @ (self._X**2).sum(axis=1), of_products)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train a network of every width to a certified gap, at any size: see `nuclear_norm`.

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
        Its network has as many neurons as Z has rank; the scope is "global".

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.
    """
    X, y, beta = parts.checked(X, y, beta)
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    found = nuclear_norm.solve(QuadraticForms(X), y, beta, tol, max_seconds, progress)
    network = _of_eigenvectors(*_eigen(*found.factors[:2]))
    return trained.solution(network, objective(network, X, y, beta), "global", found)


def _eigen(left, right):
    """Eigenvalues and vectors (d, r) of the symmetric part of left' right, for thin factors."""
    basis, _ = np.linalg.qr(np.concatenate([left, right]).T)
    inner = (left @ basis).T @ (right @ basis)
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    used = np.abs(values) > parts.NEGLIGIBLE * np.abs(values).max(initial=0.0)
    return values[used], basis @ vectors[:, used]


def _of_eigenvectors(values, vectors):
    """Neurons w = |l|^(1/3) q, a = sign(l) |l|^(1/3)."""
    root = np.cbrt(values)
    return QuadraticNetwork((vectors * np.abs(root)).T, root)


def decode(program):
    """One balanced neuron for each eigenvector."""
    return _of_eigenvectors(*np.linalg.eigh(program.weights("P") - program.weights("N")))


def sizes(program):
    """Absolute eigenvalues of Z, largest first."""
    values = np.linalg.eigvalsh(program.weights("P") - program.weights("N"))
    return np.sort(np.abs(values))[::-1]


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start."""
    start = QuadraticNetwork(0.5 * rng.normal(size=(NEURONS, X.shape[1])), rng.normal(size=NEURONS))
    return descent.lbfgs(start, objective, X, y, beta, rng)
