"""ReLU network with a skip connection that is not penalised: f(X) = X b + sum_j a_j (X w_j)_+.

Theorem 1 is applied to the neurons for each fixed b; b is then a free linear term of the program.
Since (s)_+ = s + (-s)_+, a neuron and its opposite differ by a linear term, which is free: of two
opposite chambers one is enough.
"""

from functools import partial
from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.problem.training_problem import TrainingProblem

table_row = parts.TableRow(
    name="ReLU with a skip connection",
    model=r"$\frac12\|Xb + \sum_g D_g X(u_g - v_g) - y\|^2 + \beta\sum_g(\|u_g\| + \|v_g\|)$, "
    "cones, half the chambers",
    signal="group Lasso, and a linear term",
    citation="[Wang et al. 2022](https://arxiv.org/abs/2209.15265)",
    atoms=r"$\|u_g\|$, then $\|v_g\|$",
    proven="rank up to 6, any number of samples",
)


class SkipNetwork(NamedTuple):
    """f(X) = X b + sum_j a_j (X w_j)_+, with linear weights b (d,)."""

    hidden: np.ndarray
    output: np.ndarray
    linear: np.ndarray

    @property
    def width(self):
        """Number m of neurons."""
        return self.hidden.shape[-2]

    def __call__(self, X):
        neurons = parts.Neurons(self.hidden, self.output)
        return (X @ self.linear[..., None])[..., 0] + neurons(X)


instance = partial(parts.line_instance, n=6, beta=0.1)


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/2) sum_j (||w_j||^2 + a_j^2): b is free."""
    X, y, beta = parts.checked(X, y, beta)
    neurons = parts.Neurons(network.hidden, network.output)
    return parts.squared_error(network(X), y) + beta * neurons.decay()


def convex_program(X, y, beta):
    """Theorem 1 with a linear term, on half the chambers."""
    X, y, beta = parts.checked(X, y, beta)
    groups, b = parts.cone_groups(X, half=True), cp.Variable(X.shape[1], name="b")
    loss = 0.5 * cp.sum_squares(X @ b + groups.outputs - y)
    return parts.Program(loss + beta * groups.lengths, groups.cones)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train the network to a certified gap, by column generation; see `hidden_convexity.train`.

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
        Of scope "global": any number of neurons.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds, or a proof is out of reach.
    """
    X, y, beta = parts.checked(X, y, beta)
    return trained.of_neurons(
        TrainingProblem(X, y, beta, skip=True),
        lambda found: SkipNetwork(found.hidden_weights, found.output_weights, found.skip),
        lambda network: objective(network, X, y, beta),
        *(tol, max_seconds, progress, proof),
    )


def decode(program):
    """Balanced neurons, and b as it is."""
    neurons = parts.decode_neurons(program)
    return SkipNetwork(neurons.hidden, neurons.output, program.weights("b"))


sizes = parts.group_lengths


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start."""
    neurons = parts.random_neurons(rng, X.shape[1])
    start = SkipNetwork(neurons.hidden, neurons.output, rng.normal(size=X.shape[1]))
    return descent.lbfgs(start, objective, X, y, beta, rng)
