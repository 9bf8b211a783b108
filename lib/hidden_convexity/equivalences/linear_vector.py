"""Two linear layers, several outputs: f(X) = X W A.

Only Z = W A matters, and the least (beta/2)(||W||_F^2 + ||A||_F^2) over W A = Z is beta ||Z||_*:
by Cauchy-Schwarz for the inner product of the factors, with equality at the balanced SVD (Srebro,
Rennie and Jaakkola 2004, "Maximum-margin matrix factorization"). The network has the value of the
convex program if it has at least as many neurons as Z has rank.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.equivalences.gated_maps import GatedMaps

table_row = parts.TableRow(
    name="linear, several outputs",
    model=r"$\frac12\|XZ - Y\|_F^2 + \beta\|Z\|_*$",
    signal="low rank",
    citation="[Srebro et al. 2004](https://proceedings.neurips.cc/paper/2004/hash/"
    "e0688d13958a19e087e123148555e4b4-Abstract.html), "
    "[Sahiner et al. 2021](https://arxiv.org/abs/2012.13329)",
    atoms="singular values of $Z$",
    proven="any size",
)


class LinearNetwork(NamedTuple):
    """f(X) = X W A with W (d, m) and A (m, c)."""

    hidden: np.ndarray
    output: np.ndarray

    @property
    def width(self):
        """Number m of neurons."""
        return self.hidden.shape[-1]

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


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train a network of every width to a certified gap, at any size: see `nuclear_norm`.

    Parameters
    ----------
    X : (n, d) array_like
    y : (n, c) array_like
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
    X, y, beta = parts.checked(X, y, beta, outputs="several")
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    maps = GatedMaps(X, y.shape[1], np.ones((len(X), 1)))
    found = maps.solve(y, beta, tol, max_seconds, progress)
    network = LinearNetwork(found.factors.left.T, found.factors.right)
    return trained.solution(network, objective(network, X, y, beta), "global", found)


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
