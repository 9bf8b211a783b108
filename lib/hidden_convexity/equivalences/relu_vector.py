"""ReLU network with several outputs, on data in the plane: f(X) = sum_j (X w_j)_+ a_j'.

The neurons of one chamber add up to D_g X V_g with V_g = sum_j w_j a_j', w_j in the cone K_g, at
the least possible (beta/2) sum_j (||w_j||^2 + ||a_j||^2): a nuclear norm whose left factors stay
in a cone. In the plane K_g has two extreme rays, the columns of R_g, so w_j = R_g l_j with
l_j >= 0. The matrix M = sum_j (l_j, a_j)(l_j, a_j)' is positive semidefinite with M_12 >= 0. For
two rays the converse holds as well: M = F F' has a factor F whose first two rows are
non-negative, since vectors at an angle of at most 90 degrees can be turned together into the
first quadrant. So, with M = [[C, L], [L', B]], V_g = R_g L and the price is
(beta/2)(trace(R_g C R_g') + trace(B)), exactly. With more rays than four, a semidefinite matrix
with non-negative entries need not have such a factor, and this becomes a copositive program.
Training does without it, in more dimensions too: see `hidden_convexity.train`.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.geometry.zonotope import Zonotope
from hidden_convexity.problem.training_problem import TrainingProblem

NEURONS = 10

table_row = parts.TableRow(
    name="ReLU, several outputs",
    model=r"$\frac12\|\sum_g D_g X V_g - Y\|_F^2 + \beta\sum_g\|V_g\|_{K_g,*}$, "
    "a nuclear norm with left factors in the cone (exact for two inputs)",
    signal="low rank, in cones",
    citation="[Sahiner et al. 2021](https://arxiv.org/abs/2012.13329)",
    atoms=r"$\|V_g\|_{K_g,*}$",
    proven="rank up to 4, any number of samples and outputs",
)


class VectorNetwork(NamedTuple):
    """f(X) = (X W')_+ A with hidden weights (m, d) and output weights (m, c)."""

    hidden: np.ndarray
    output: np.ndarray

    @property
    def width(self):
        """Number m of neurons."""
        return self.hidden.shape[-2]

    def __call__(self, X):
        return np.maximum(X @ self.hidden.swapaxes(-1, -2), 0.0) @ self.output


objective = parts.vector_objective


def instance(rng):
    """Five samples in the plane, two outputs."""
    return parts.random_instance(rng, n=5, d=2, beta=0.4, outputs=(2,))


def convex_program(X, y, beta):
    """A semidefinite matrix of size 2 + c for each chamber: variables "M0", "M1", ..."""
    X, y, beta = parts.checked(X, y, beta, outputs="several")
    if X.shape[1] != 2 or np.linalg.matrix_rank(X) != 2:
        raise ValueError(f"X must have two columns and rank 2 for this row, got shape {X.shape}")
    zonotope = Zonotope(X)
    outputs, price, cones, rays = 0, 0, [], []
    for g, pattern in enumerate(zonotope.arrangement.patterns.T):
        R = zonotope.normal_cone(g).T
        M = cp.Variable((2 + y.shape[1], 2 + y.shape[1]), PSD=True, name=f"M{g}")
        outputs = outputs + (pattern[:, None] * X) @ R @ M[:2, 2:]
        price = price + 0.5 * (cp.trace(R @ M[:2, :2] @ R.T) + cp.trace(M[2:, 2:]))
        cones.append(M[0, 1] >= 0)
        rays.append(R)
    loss = 0.5 * cp.sum_squares(outputs - y)
    return parts.Program(loss + beta * price, cones, rays=rays)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train the network to a certified gap, by column generation; see `hidden_convexity.train`.

    Parameters
    ----------
    X : (n, d) array_like
        Of any rank for a search, of rank 4 at most for a proof, 5 with patience.
    y : (n, c) array_like
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
    X, y, beta = parts.checked(X, y, beta, outputs="several")
    return trained.of_neurons(
        TrainingProblem(X, y, beta),
        lambda found: VectorNetwork(found.hidden_weights, found.output_weights),
        lambda network: objective(network, X, y, beta),
        *(tol, max_seconds, progress, proof),
    )


def decode(program):
    """At most two neurons a chamber, from the factor of M with non-negative first rows."""
    networks = [_neurons(program, g) for g in range(len(program.known["rays"]))]
    return VectorNetwork(*(np.concatenate(layer) for layer in zip(*networks, strict=True)))


def _neurons(program, g):
    """Hidden weights (2, 2) and output weights (2, c) of chamber g."""
    values, vectors = np.linalg.eigh(program.weights(f"M{g}"))
    factor = vectors * np.sqrt(np.maximum(values, 0.0))
    # Turned so that the first row lies on the first axis and the second in the first quadrant.
    turn, triangle = np.linalg.qr(factor[:2].T)
    turn = turn * np.where(np.diag(triangle) < 0, -1.0, 1.0)
    turned = factor @ turn
    hidden = np.maximum(turned[:2], 0.0).T @ program.known["rays"][g].T
    return hidden, turned[2:].T


def sizes(program):
    """The price of each chamber, over beta."""
    prices = []
    for g, R in enumerate(program.known["rays"]):
        M = program.weights(f"M{g}")
        prices.append(0.5 * (np.trace(R @ M[:2, :2] @ R.T) + np.trace(M[2:, 2:])))
    return np.array(prices)


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start."""
    start = VectorNetwork(*(0.5 * rng.normal(size=(NEURONS, k)) for k in (X.shape[1], y.shape[1])))
    return descent.lbfgs(start, objective, X, y, beta, rng)
