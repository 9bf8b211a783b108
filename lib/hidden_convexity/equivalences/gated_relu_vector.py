"""Gated ReLU with several outputs: sum_j 1[X g_j > 0] X w_j a_j', any number of neurons a gate.

The neurons of one gate add up to D_g X V_g with V_g = sum_j w_j a_j', any matrix (d, c), whose
least price (beta/2) sum_j (||w_j||^2 + ||a_j||^2) is beta times its nuclear norm. The network has
the value of the convex program if each gate has at least as many neurons as V_g has rank.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.equivalences.gated_maps import GatedMaps

table_row = parts.TableRow(
    name="gated ReLU, several outputs",
    model=r"$\frac12\|\sum_g D_g X V_g - Y\|_F^2 + \beta\sum_g\|V_g\|_*$",
    signal="low rank, in blocks",
    citation="[Sahiner et al. 2021](https://arxiv.org/abs/2012.13329)",
    atoms=r"singular values of $V_1, V_2, \ldots$",
    proven="any size, over its gates",
)


class GatedVectorNetwork(NamedTuple):
    """f(X) = sum_j 1[X g_j > 0] X w_j a_j', with gates (m, d) that are not trained, a (m, c)."""

    gates: np.ndarray
    hidden: np.ndarray
    output: np.ndarray

    @property
    def width(self):
        """Number m of neurons."""
        return self.hidden.shape[-2]

    def __call__(self, X):
        return parts.gated_features(X, self.gates, self.hidden) @ self.output


objective = parts.vector_objective


def instance(rng):
    """Eight samples in the plane, three outputs."""
    return parts.random_instance(rng, n=8, d=2, beta=0.8, outputs=(3,))


def convex_program(X, y, beta):
    """A nuclear norm for each gate; the blocks V_g are stacked, (gates, d, c)."""
    X, y, beta = parts.checked(X, y, beta, outputs="several")
    gates, patterns = parts.fixed_gates(X)
    d, c = X.shape[1], y.shape[1]
    V = cp.Variable((len(gates) * d, c), name="V")
    blocks = [V[g * d : (g + 1) * d] for g in range(len(gates))]
    outputs = sum(D[:, None] * X @ block for D, block in zip(patterns.T, blocks, strict=True))
    penalty = beta * sum(cp.normNuc(block) for block in blocks)
    return parts.Program(0.5 * cp.sum_squares(outputs - y) + penalty, gates=gates)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True, patterns=None):
    """Train the gated network, over given gates, to a certified gap.

    It is also the relaxation of ReLU networks whose neurons feed all outputs and lie in the
    chambers of the gates: such a network is a gated one at the same price, so none has an
    objective below the bound.

    Parameters
    ----------
    X : (n, d) array_like
    y : (n, c) array_like
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
        Its network has as many neurons of each gate as V_g has rank; the scope is "sampled": the
        bound is proven for any number of neurons, with these gates.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds, or the arrangement is of other data.
    """
    X, y, beta = parts.checked(X, y, beta, outputs="several")
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    gates, patterns = parts.fixed_gates(X, patterns)
    maps = GatedMaps(X, y.shape[1], patterns)
    found = maps.solve(y, beta, tol, max_seconds, progress)
    left, right, block = found.factors
    network = GatedVectorNetwork(gates[block], left, right)
    return trained.solution(network, objective(network, X, y, beta), "sampled", found)


def decode(program):
    """The balanced factors of each block, as neurons of its gate."""
    gates = program.known["gates"]
    factors = [parts.balanced_factors(block) for block in _blocks(program)]
    hidden = np.concatenate([left.T for left, _ in factors])
    output = np.concatenate([right for _, right in factors])
    return GatedVectorNetwork(np.repeat(gates, len(output) // len(gates), axis=0), hidden, output)


def sizes(program):
    """Singular values of the blocks, block after block."""
    return np.linalg.svd(_blocks(program), compute_uv=False).ravel()


def _blocks(program):
    gates, V = program.known["gates"], program.weights("V")
    return V.reshape(len(gates), -1, V.shape[1])


def descend(X, y, beta, rng):
    """L-BFGS on all weights but the gates, with as many neurons a gate as its block has rank."""
    gates, _ = parts.fixed_gates(X)
    gates = np.repeat(gates, min(X.shape[1], y.shape[1]), axis=0)
    start = GatedVectorNetwork(
        gates, 0.5 * rng.normal(size=gates.shape), 0.5 * rng.normal(size=(len(gates), y.shape[1]))
    )
    return descent.lbfgs(start, objective, X, y, beta, rng, fixed=("gates",))
