"""Gated ReLU: each neuron is switched by a gate g that is fixed, a 1[X g > 0] X w.

The pattern D of a fixed gate does not depend on w, so no cone is needed; and since -w is as good
as w, no second sign. Balancing gives the price beta ||w||, w standing for a w, for each gate. One
neuron a gate is enough.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.equivalences.gated_maps import GatedMaps

table_row = parts.TableRow(
    name="gated ReLU",
    model=r"$\frac12\|\sum_g D_g X w_g - y\|^2 + \beta\sum_g\|w_g\|$",
    signal="group Lasso",
    citation="[Mishkin et al. 2022](https://arxiv.org/abs/2202.01331)",
    atoms=r"$\|w_g\|$",
    proven="any size, over its gates",
)


class GatedNetwork(NamedTuple):
    """f(X) = sum_j a_j 1[X g_j > 0] X w_j, with gates (m, d) that are not trained."""

    gates: np.ndarray
    hidden: np.ndarray
    output: np.ndarray

    @property
    def width(self):
        """Number m of neurons."""
        return self.hidden.shape[-2]

    def __call__(self, X):
        features = parts.gated_features(X, self.gates, self.hidden)
        return (features @ self.output[..., None])[..., 0]


def instance(rng):
    """Eight samples in space."""
    return parts.random_instance(rng, n=8, d=3, beta=0.5)


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/2) sum_j (||w_j||^2 + a_j^2)."""
    X, y, beta = parts.checked(X, y, beta)
    decay = parts.squares(network.hidden, 2) + parts.squares(network.output, 1)
    return parts.squared_error(network(X), y) + 0.5 * beta * decay


def convex_program(X, y, beta):
    """A group Lasso over the gates."""
    X, y, beta = parts.checked(X, y, beta)
    gates, patterns = parts.fixed_gates(X)
    w = cp.Variable((X.shape[1], len(gates)), name="w")
    outputs = cp.sum(cp.multiply(patterns, X @ w), axis=1)
    penalty = beta * cp.sum(cp.norm(w, 2, axis=0))
    return parts.Program(0.5 * cp.sum_squares(outputs - y) + penalty, gates=gates)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True, patterns=None):
    """Train the gated network, over given gates, to a certified gap.

    Parameters
    ----------
    X : (n, d) array_like
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.
    patterns : int or Arrangement, optional
        How many gates to draw, or an arrangement of X that has them: `Arrangement.sample` draws
        several kinds, `Arrangement.from_gates` takes your own. By default they are those of the
        row's convex program.

    Returns
    -------
    RowSolution
        Its network has the gates that are used, one neuron each; the scope is "sampled": the bound
        is proven for any number of neurons, with these gates.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds, or the arrangement is of other data.
    """
    X, y, beta = parts.checked(X, y, beta)
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    gates, patterns = parts.fixed_gates(X, patterns)
    maps = GatedMaps(X, 1, patterns)
    found = maps.solve(y[:, None], beta, tol, max_seconds, progress)
    left, right, block = found.factors
    network = GatedNetwork(gates[block], left, right[:, 0])
    return trained.solution(network, objective(network, X, y, beta), "sampled", found)


def decode(program):
    """One balanced neuron for each gate."""
    root = np.sqrt(np.linalg.norm(program.weights("w"), axis=0))
    hidden = program.weights("w").T / np.maximum(root, parts.NEGLIGIBLE)[:, None]
    return GatedNetwork(program.known["gates"], hidden, root)


def sizes(program):
    """Lengths of the groups."""
    return np.linalg.norm(program.weights("w"), axis=0)


def descend(X, y, beta, rng):
    """L-BFGS on all weights but the gates from a random start."""
    gates, _ = parts.fixed_gates(X)
    start = GatedNetwork(gates, 0.5 * rng.normal(size=gates.shape), rng.normal(size=len(gates)))
    return descent.lbfgs(start, objective, X, y, beta, rng, fixed=("gates",))
