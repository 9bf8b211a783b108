"""Two linear layers, several outputs: f(X) = X W A.

Only Z = W A matters, and the least (beta/2)(||W||_F^2 + ||A||_F^2) over W A = Z is beta ||Z||_*:
by Cauchy-Schwarz for the inner product of the factors, with equality at the balanced SVD.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts

table_row = parts.TableRow(
    name="linear, several outputs",
    model=r"$\frac12\|XZ - Y\|_F^2 + \beta\|Z\|_*$",
    signal="low rank",
    citation="[Sahiner et al. 2021](https://arxiv.org/abs/2012.13329)",
    atoms="singular values of $Z$",
)


class LinearNetwork(NamedTuple):
    """f(X) = X W A with W (d, m) and A (m, c)."""

    hidden: np.ndarray
    output: np.ndarray

    def __call__(self, X):
        return X @ self.hidden @ self.output


objective = parts.vector_objective


def instance(rng):
    """Ten samples of four inputs and three outputs, from a map of rank one and noise."""
    X, noise, beta = parts.random_instance(rng, n=10, d=4, beta=1.5, outputs=(3,))
    return X, X @ np.outer(rng.normal(size=4), rng.normal(size=3)) + 0.3 * noise, beta


def convex_program(X, y, beta):
    """Least squares with a nuclear norm."""
    X, y, beta = parts.checked(X, y, beta, outputs="several")
    Z = cp.Variable((X.shape[1], y.shape[1]), name="Z")
    return parts.Program(0.5 * cp.sum_squares(X @ Z - y) + beta * cp.normNuc(Z))


def decode(program):
    """The balanced factors of Z."""
    return LinearNetwork(*parts.balanced_factors(program.weights("Z")))


def sizes(program):
    """Singular values of Z."""
    return np.linalg.svd(program.weights("Z"), compute_uv=False)


def descend(X, y, beta, rng):
    """L-BFGS on both layers from a random start, with as many neurons as Z can have rank."""
    m = min(X.shape[1], y.shape[1])
    start = LinearNetwork(rng.normal(size=(X.shape[1], m)), rng.normal(size=(m, y.shape[1])))
    return descent.lbfgs(start, objective, X, y, beta, rng)
