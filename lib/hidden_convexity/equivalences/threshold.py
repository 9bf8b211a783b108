"""Threshold activation with a trainable amplitude: f(X) = sum_j a_j s_j 1[X w_j >= 0].

The penalty is (beta/2) sum_j (s_j^2 + a_j^2), with no decay on w_j, whose length does not matter.
A neuron is a multiple z = a s of the vector 1[X w >= 0], at the price beta |z| after balancing.
There are finitely many such vectors: a Lasso. A sample on the hyperplane of w counts as active, so
the patterns of lower-dimensional faces, w = 0 among them, are columns that no chamber supplies.
A direction in such a face is rounded, so evaluating a network takes a sample for active that is
nearly on its hyperplane (`ON_WALL`); bounds are for the function as it is written here.
The network has the value of the Lasso if it has a neuron for each non-zero coefficient; n are
always enough.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np
from scipy.linalg import null_space

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.equivalences.active_sets import ActiveSets
from hidden_convexity.equivalences.listing import all_chambers
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers import lasso

NEURONS = 60
# A sample this close to a neuron's hyperplane, relative to both lengths, lies on it.
ON_WALL = 1e-9
# Above rank three training goes over the patterns of so many random directions, and of so many
# within the hyperplanes of one sample to MOST_TIGHT, for which a direction takes one QR.
SAMPLED, SAMPLED_ON_FACES, MOST_TIGHT = 2_000, 1_000, 10

table_row = parts.TableRow(
    name="threshold, trainable amplitude",
    model=r"$\frac12\|\sum_k z_k 1[Xw_k \geq 0] - y\|^2 + \beta\|z\|_1$, all patterns",
    signal="Lasso, one-bit dictionary",
    citation="[Ergen et al. 2023](https://arxiv.org/abs/2303.03382)",
    atoms=r"$|z_k|$",
    proven="rank up to 3; above, over sampled patterns",
)


class ThresholdNetwork(NamedTuple):
    """f(X) = sum_j a_j s_j 1[X w_j >= 0]: directions (m, d), amplitudes s and outputs a (m,)."""

    directions: np.ndarray
    amplitude: np.ndarray
    output: np.ndarray

    @property
    def width(self):
        """Number m of neurons."""
        return self.output.shape[-1]

    def __call__(self, X):
        heights = self.amplitude * self.output
        return (patterns(X, self.directions) @ heights[..., None])[..., 0]


def patterns(X, directions):
    """1[X w >= 0] for directions w (m, d), as (n, m) zeros and ones."""
    scale = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(directions, axis=1))
    return (X @ directions.T >= -ON_WALL * scale).astype(float)


def instance(rng):
    """Seven samples in the plane, two of them opposite, so that a wall has patterns of its own."""
    X, y, beta = parts.random_instance(rng, n=7, d=2, beta=0.2)
    X[-1] = -X[0]
    return X, y, beta


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/2) sum_j (s_j^2 + a_j^2)."""
    X, y, beta = parts.checked(X, y, beta)
    decay = parts.squares(network.amplitude, 1) + parts.squares(network.output, 1)
    return parts.squared_error(network(X), y) + 0.5 * beta * decay


def convex_program(X, y, beta):
    """A Lasso over every distinct pattern."""
    X, y, beta = parts.checked(X, y, beta)
    directions = directions_of_all_faces(X)
    dictionary, first = np.unique(patterns(X, directions), axis=1, return_index=True)
    z = cp.Variable(dictionary.shape[1], name="z")
    loss = 0.5 * cp.sum_squares(dictionary @ z - y)
    return parts.Program(loss + beta * cp.norm1(z), directions=directions[first])


def directions_of_all_faces(X):
    """One direction (k, d) inside each face of the arrangement, of every dimension, 0 included.

    The faces are the chambers, and within each hyperplane the faces of the other hyperplanes.
    """
    if X.shape[1] == 0:
        return np.zeros((1, 0))
    found = [np.zeros((1, X.shape[1])), all_chambers(X).gates.T]
    lengths = np.linalg.norm(X, axis=1)
    for row in X[lengths > 0]:
        plane = null_space(row[None])
        within = X @ plane
        within[np.linalg.norm(within, axis=1) <= ON_WALL * lengths] = 0.0
        found.append(directions_of_all_faces(within) @ plane.T)
    return np.concatenate(found)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train a network to a certified gap, by column generation over its patterns.

    Parameters
    ----------
    X : (n, d) array_like
        In rank two a round is one pass over the data, in rank three n passes and sorts.
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.

    Returns
    -------
    RowSolution
        Where X has rank three at most the scope is "global": every pattern, those of faces too, and
        any number of neurons. Above it is "sampled": the bound is proven for neurons with the
        patterns of `SAMPLED` random directions and `SAMPLED_ON_FACES` of faces, and for no others.
        It is also "sampled" where the rank is three only up to `ON_WALL`, or three planes of X are
        nearly parallel; other samples that nearly depend on each other only cost some of the gap.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.
    """
    X, y, beta = parts.checked(X, y, beta)
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    search, scope, allowance = _search(X)
    problem = TrainingProblem(X, y, beta)
    found = lasso.solve(
        problem,
        lambda directions: patterns(X, directions),
        search,
        X.shape[1],
        tol,
        allowance,
        budget=Budget(max_seconds),
        progress=progress,
    )
    network = _balanced(found.columns, found.coefficients)
    return trained.solution(network, objective(network, X, y, beta), scope, found)


def _search(X):
    """A function of nu to directions and sums of nu over their patterns, and what it ranges over.

    In the plane neighbours among the directions are alike. Third comes a function of nu to what the
    largest absolute sum may be above those.
    """
    every = ActiveSets(X, ON_WALL)
    if every.rank <= 3:
        return every, "global" if every.complete else "sampled", every.allowance
    chambers = Arrangement.sample(X, SAMPLED, rng=0).gates.T
    drawn = np.concatenate([chambers, _on_faces(X, every.rank), np.zeros((1, X.shape[1]))])
    dictionary = patterns(X, drawn)
    rounding = 2 * len(X) * EPS
    return lambda nu: (drawn, nu @ dictionary), "sampled", lambda nu: rounding * np.abs(nu).sum()


def _on_faces(X, rank):
    """Random directions (k, d) on the hyperplanes of random samples, fewer than the rank."""
    rng, units = np.random.default_rng(0), unit_rows(X)
    units = units[units.any(axis=1)]
    found = []
    for direction in rng.normal(size=(SAMPLED_ON_FACES, X.shape[1])):
        tight = rng.integers(1, min(MOST_TIGHT, rank - 1) + 1)
        basis, _ = np.linalg.qr(units[rng.choice(len(units), size=tight, replace=False)].T)
        for _ in range(2):  # twice is enough: what rounding leaves the second time is an eps of it
            direction = direction - basis @ (basis.T @ direction)
        found.append(direction)
    return np.array(found)


def decode(program):
    """One balanced neuron for each non-zero coefficient."""
    z = program.weights("z")
    used = np.abs(z) > parts.NEGLIGIBLE * np.abs(z).max()
    return _balanced(program.known["directions"][used], z[used])


def _balanced(directions, z):
    root = np.sqrt(np.abs(z))
    return ThresholdNetwork(directions, root, np.sign(z) * root)


def sizes(program):
    """Absolute coefficients."""
    return np.abs(program.weights("z"))


def descend(X, y, beta, rng):
    """L-BFGS on amplitudes and outputs; the directions, which have no gradient, are drawn.

    Each is drawn within the walls of up to d random samples, as no Gaussian vector is on a wall.
    """
    n, d = X.shape
    walls = [X[rng.choice(n, size=rng.integers(d + 1), replace=False)] for _ in range(NEURONS)]
    bases = [null_space(rows) if len(rows) else np.eye(d) for rows in walls]
    directions = np.array([basis @ rng.normal(size=basis.shape[1]) for basis in bases])
    start = ThresholdNetwork(directions, *0.3 * rng.normal(size=(2, NEURONS)))
    return descent.lbfgs(start, objective, X, y, beta, rng, fixed=("directions",))
