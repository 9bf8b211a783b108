"""Parallel ReLU networks of three layers, with path regularisation.

f(X) = sum_k c_k (sum_j b_kj (X w_kj)_+)_+ with two first-layer neurons, j = 1, 2, in each branch,
and penalty beta sum_k |c_k| (sum_j b_kj^2 ||w_kj||^2)^(1/2): the root of the sum of squares over
the paths of a branch. Move the scales into u_j = |c| |b_j| w_j. Then a branch is

    +-D (s_1 D_1 X u_1 + s_2 D_2 X u_2),   s_j the sign of b_j,   at the price beta ||(u_1, u_2)||,

linear on the cone where u_1, u_2 and the second layer's input have the patterns D_1, D_2 and D.
Branches with the same patterns and signs add up: a group Lasso over pairs of layers of patterns.
Two negative signs give no output; two positive ones leave the second layer always active. With
one of each, D is free only where both neurons of the first layer are active.
"""

from itertools import combinations_with_replacement, product
from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts, trained
from hidden_convexity.equivalences.branches import BranchProgram, BranchSearch
from hidden_convexity.equivalences.listing import all_chambers
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.geometry.hyperplanes import coordinates
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers.column_generation import ColumnGeneration
from hidden_convexity.solvers.oracles import Oracles

BRANCHES = 6
# Groups that CVXPY takes seconds for; twice as many samples would be thousands of times as many.
MAX_GROUPS = 2_000
# Random branches a search starts from, in every round and at the end.
STARTS, LAST_STARTS = 48, 512

table_row = parts.TableRow(
    name="three layers in parallel branches, path regularisation",
    model=r"$\frac12\|\sum_g \pm D_g(D_{1g} X u_{1g} \pm D_{2g} X u_{2g}) - y\|^2 + "
    r"\beta\sum_g\|(u_{1g}, u_{2g})\|$, cones",
    signal="group Lasso, two layers of patterns",
    citation="[Ergen, Pilanci 2023](https://arxiv.org/abs/2110.09548)",
    atoms=r"$\|(u_{1g}, u_{2g})\|$",
    proven="searched, not proven",
)


class ParallelNetwork(NamedTuple):
    """f(X) = sum_k c_k (sum_j b_kj (X w_kj)_+)_+: first (K, 2, d), second (K, 2), last (K,)."""

    first: np.ndarray
    second: np.ndarray
    last: np.ndarray

    @property
    def width(self):
        """Number K of branches."""
        return self.last.shape[-1]

    def __call__(self, X):
        features = np.maximum(X @ self.first.swapaxes(-1, -2), 0.0)  # (..., K, n, 2)
        inner = np.maximum((features @ self.second[..., None])[..., 0], 0.0)  # (..., K, n)
        return (inner * self.last[..., None]).sum(axis=-2)

    def paths(self):
        """(sum_j b_kj^2 ||w_kj||^2)^(1/2) for each branch, (..., K)."""
        return np.sqrt((self.second**2 * (self.first**2).sum(axis=-1)).sum(axis=-1))


def instance(rng):
    """Four points on a line, and a bias; targets from one branch that makes a bump, and noise."""
    X, noise, beta = parts.line_instance(rng, n=4, beta=0.1)
    first = np.array([[1.0, 1.5], [1.0, 0.0]]) + 0.2 * rng.normal(size=(2, 2))
    bump = ParallelNetwork(first[None], np.array([[1.0, -2.0]]), np.ones(1))
    return X, bump(X) + 0.1 * noise, beta


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + beta sum_k |c_k| (sum_j b_kj^2 ||w_kj||^2)^(1/2)."""
    X, y, beta = parts.checked(X, y, beta)
    penalty = (np.abs(network.last) * network.paths()).sum(axis=-1)
    return parts.squared_error(network(X), y) + beta * penalty


def convex_program(X, y, beta):
    """The group Lasso; variables "u" and "v" are (2 d, groups), for c > 0 and for c < 0."""
    X, y, beta = parts.checked(X, y, beta)
    first, second, sign, outer = layered_patterns(all_chambers(X).patterns)
    d, count = X.shape[1], len(sign)
    outputs, lengths, cones = 0, 0, []
    for name, output in (("u", 1.0), ("v", -1.0)):
        pair = cp.Variable((2 * d, count), name=name)
        plain = X @ pair[:d], X @ pair[d:]
        inner = cp.multiply(first, plain[0]) + cp.multiply(sign * second, plain[1])
        outputs += output * cp.sum(cp.multiply(outer, inner), axis=1)
        lengths += cp.sum(cp.norm(pair, 2, axis=0))
        three = (first, plain[0]), (second, plain[1]), (outer, inner)
        cones += [cp.multiply(2.0 * pattern - 1.0, values) >= 0 for pattern, values in three]
    loss = 0.5 * cp.sum_squares(outputs - y)
    return parts.Program(loss + beta * lengths, cones, sign=sign)


def layered_patterns(patterns):
    """Patterns of both layers, for all groups: D_1, D_2 (n, G), s_2 (G,), D (n, G); s_1 is 1."""
    groups = []
    for one, other in combinations_with_replacement(patterns.T, 2):
        groups.append((one, other, 1.0, one | other))
    for one, other in product(patterns.T, repeat=2):
        both = np.flatnonzero(one & other)
        if len(groups) + 2 ** len(both) > MAX_GROUPS:
            raise ValueError(
                f"X has more than {MAX_GROUPS} patterns in two layers; use fewer samples"
            )
        for chosen in product([False, True], repeat=len(both)):
            outer = one & ~other
            outer[both] = chosen
            groups.append((one, other, -1.0, outer))
    first, second, sign, outer = zip(*groups, strict=True)
    return np.array(first).T, np.array(second).T, np.array(sign), np.array(outer).T


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train a network by column generation over branches, which are searched.

    Parameters
    ----------
    X : (n, d) array_like
        Thousands of samples, d of a few.
    y : (n,) array_like
    beta : float
        Price of a branch, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.

    Returns
    -------
    RowSolution
        Of scope "searched": its gap holds if no branch is better than those that ascents from many
        starts have found, which is evidence and no proof.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.
    """
    X, y, beta = parts.checked(X, y, beta)
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    space = coordinates(X)
    search, last = (BranchSearch(space.rows, starts) for starts in (STARTS, LAST_STARTS))
    program = BranchProgram(TrainingProblem(X, y, beta), space.rows)
    found = ColumnGeneration(program, Oracles(search, last, "searched"), tol, Budget(max_seconds))
    found.run(progress=progress)
    weights = np.reshape([one.weights for one in found.best], (-1, 2, space.basis.shape[1]))
    signs = np.reshape([one.sign for one in found.best], (-1, 2))
    pairs = (weights @ space.basis.T).reshape(-1, 2 * X.shape[1])
    network = _of_pairs(pairs, *signs.T)
    return trained.solution(network, objective(network, X, y, beta), "searched", found)


def decode(program):
    """A branch a non-zero group: w_j = u_j / r, b_j = s_j, c = +-r with r^2 = ||(u_1, u_2)||."""
    pairs = np.concatenate([program.weights(name) for name in "uv"], axis=1).T
    outer = np.repeat([1.0, -1.0], len(pairs) // 2)
    return _of_pairs(pairs, outer, np.tile(program.known["sign"], 2))


def _of_pairs(pairs, outer, inner):
    """A branch for each (u_1, u_2), pairs (K, 2d), that is not zero, of signs (K,)."""
    lengths = np.linalg.norm(pairs, axis=1)
    used = lengths > parts.NEGLIGIBLE * lengths.max(initial=0.0)
    first, last = parts.balanced(pairs, outer)
    second = np.column_stack([np.ones(len(last)), inner[used]])
    return ParallelNetwork(first.reshape(-1, 2, pairs.shape[1] // 2), second, last)


sizes = parts.group_lengths


def descend(X, y, beta, rng):
    """L-BFGS on all weights, on a smooth bound of the penalty from above, with the same minimum.

    |c| r <= (c^2 + r^2) / 2, with equality after rescaling a branch.
    """
    start = ParallelNetwork(
        rng.normal(size=(BRANCHES, 2, X.shape[1])),
        rng.normal(size=(BRANCHES, 2)),
        rng.normal(size=BRANCHES),
    )

    return descent.lbfgs(start, _smooth, X, y, beta, rng)


def _smooth(network, X, y, beta):
    squares = (network.last**2 + network.paths() ** 2).sum(axis=-1)
    return parts.squared_error(network(X), y) + 0.5 * beta * squares
