"""Three layers of absolute values on 1-D data: a Lasso whose dictionary has mirror images.

f(x) = c + sum_j a_j | q_j |p_j x + r_j| + s_j |, with free c, r_j, s_j, and penalty
(beta/3) sum_j (|p_j|^3 + |q_j|^3 + |a_j|^3), at least beta sum_j |p_j q_j a_j| and equal to it
after rescaling. A branch is a multiple of ||x - m| - t| with t >= 0, or of |x - m| and a constant.
The best m and t make the zeros of a branch data points: |x - x_i|; zeros at x_j and at its mirror
image 2 x_i - x_j in the mirror x_i; zeros at x_i and x_j, with the mirror half-way between them.
The network has the value of the Lasso if it has a branch for each non-zero coefficient.
"""

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, one_input, parts, trained
from hidden_convexity.equivalences.one_input import BranchNetwork, checked
from hidden_convexity.line import mirrors
from hidden_convexity.problem.parallel_network import ParallelNetwork

BRANCHES = 8
LAYERS = 3
SLOPE = -1.0

table_row = parts.TableRow(
    name="three layers of absolute values, 1-D",
    model=r"$\frac12\|Az + c1 - y\|^2 + \beta\|z\|_1$, columns of $A$: "
    r"$\lvert x - x_i\rvert$ and $\lvert\,\lvert x - m\rvert - t\,\rvert$, with zeros at data "
    "and mirror images",
    signal="Lasso, with reflections",
    citation="[Zeger et al. 2024](https://arxiv.org/abs/2403.01046)",
    atoms=r"$|z_k|$",
    proven="one input, thousands of samples",
)
instance, objective, sizes = one_input.instance, one_input.objective, one_input.sizes


def convex_program(X, y, beta):
    """The Lasso with a free constant."""
    X, y, beta = checked(X, y, beta)
    features, shifts = mirrors.dictionary(X[:, 0], LAYERS)
    z, c = cp.Variable(features.shape[1], name="z"), cp.Variable(1, name="c")
    loss = 0.5 * cp.sum_squares(features @ z + c - y)
    return parts.Program(loss + beta * cp.norm1(z), shifts=shifts)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train a network with any number of branches to a certified gap: `line.mirrors`.

    Parameters
    ----------
    X : (n, 1) array_like
        A round costs O(n^2).
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.

    Returns
    -------
    RowSolution
        Its scope is "global": three layers, any number of branches.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.
    """
    X, y, beta = checked(X, y, beta)
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    found = mirrors.train(X[:, 0], y, beta, LAYERS, tol, max_seconds, progress)
    network = _of_branches(found.network)
    return trained.solution(network, objective(network, X, y, beta), "global", found, found)


def decode(program):
    """One branch for each non-zero coefficient, its three weights of size |z|^(1/3)."""
    z, c = program.weights("z"), program.weights("c")
    z = np.where(np.abs(z) > parts.NEGLIGIBLE * np.abs(z).max(), z, 0.0)
    return _of_branches(ParallelNetwork.from_features(z, program.known["shifts"], c[0]))


def _of_branches(network):
    constant = np.array([network.constant])
    return BranchNetwork(network.weights, network.biases, network.amplitudes, constant, SLOPE)


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start, whose branches bend at samples."""
    weights = rng.normal(size=(BRANCHES, LAYERS - 1))
    bends = rng.choice(X[:, 0], size=BRANCHES)
    biases = np.column_stack([-weights[:, 0] * bends, -rng.uniform(size=BRANCHES)])
    start = BranchNetwork(weights, biases, rng.normal(size=BRANCHES), np.zeros(1), SLOPE)
    return descent.lbfgs(start, objective, X, y, beta, rng)
