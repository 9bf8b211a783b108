"""Linear self-attention with several heads: f(X_i) = sum_j (X_i Q_j X_i') X_i V_j.

X_i (s, d) holds the tokens of sequence i, Q_j (d, d) and V_j (d, c) are a head's weights. With the
Gram matrix G_i = X_i' X_i a head is X_i Q_j G_i V_j, linear in the tensor product of Q_j and V_j:
entry (t, b) is sum over a, k, l, of X_i[t, a] G_i[k, l] Q_j[a, k] V_j[l, b]. So f depends on
Z = sum_j vec(Q_j) vec(V_j)' (d^2, d c) only, linearly, and the least
(beta/2) sum_j (||Q_j||_F^2 + ||V_j||_F^2) that gives Z is beta times its nuclear norm. As many
heads as the rank of Z are enough.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, nuclear_norm, parts, trained
from hidden_convexity.foundations.validation import of_moderate_size, real_array
from hidden_convexity.problem.samples import checked_weight_decay

# Outputs are cubes of X; with targets that may have 75 digits these must have 150 at most.
LARGEST = 1e50

table_row = parts.TableRow(
    name="linear self-attention, several heads",
    model=r"$\frac12\sum_i\|\sum_{kl} G_i[k, l] X_i Z_{kl} - Y_i\|_F^2 + \beta\|Z\|_*$, "
    r"$G_i = X_i^\top X_i$, blocks $Z_{kl}$ of $Z$",
    signal="low rank, over heads",
    citation="[Sahiner et al. 2022](https://arxiv.org/abs/2205.08078)",
    atoms="singular values of $Z$",
    proven="any size",
)


class AttentionMaps:
    """The linear map of the formula above, of Z (d^2, d c), as `nuclear_norm.solve` takes it."""

    def __init__(self, X, outputs):
        self._X, self._gram = X, X.swapaxes(1, 2) @ X
        self._d, self._c = X.shape[2], outputs
        self.shape = 1, self._d**2, self._d * outputs

    def network(self, factors):
        """One head a factor."""
        left, right, d = factors.left, factors.right, self._d
        return AttentionNetwork(left.reshape(-1, d, d), right.reshape(-1, d, self._c))

    def outputs(self, factors):
        """sum_j X_i Q_j G_i V_j, (n, s, c)."""
        return self.network(factors)(self._X)

    def pullback(self, factors, nu):
        """sum_i X_i' nu_i V_j' G_i and sum_i G_i Q_j' X_i' nu_i, for each head j."""
        scores, values = self.network(factors)
        inner = self._X.swapaxes(1, 2) @ nu
        left = np.einsum("iab,jlb,ikl->jak", inner, values, self._gram, optimize=True)
        right = np.einsum("ikl,jak,iab->jlb", self._gram, scores, inner, optimize=True)
        return left.reshape(len(scores), -1), right.reshape(len(scores), -1)

    def adjoint(self, nu):
        """Entry (a k, l b): sum_i (X_i' nu_i)[a, b] G_i[k, l]."""
        inner = self._X.swapaxes(1, 2) @ nu
        found = np.einsum("iab,ikl->aklb", inner, self._gram, optimize=True)
        return found.reshape(self.shape)

    def allowance(self, nu):
        """Of sums over sequences of products of two sums over tokens.

        A sum over tokens is an entry of X_i'nu_i or of G_i, at most ||X_i|| ||nu_i|| or ||X_i||^2.
        """
        of_tokens, of_nu = (np.array([trained.norm(one) for one in part]) for part in (self._X, nu))
        n, s = self._X.shape[:2]
        of_products = self._d**3 * self._c * (of_tokens**2 + of_tokens * of_nu + of_nu).sum()
        return trained.rounding(n + 2 * s + 1, of_tokens**3 @ of_nu, of_products)


class AttentionNetwork(NamedTuple):
    """Heads Q (h, d, d) and V (h, d, c)."""

    scores: np.ndarray
    values: np.ndarray

    @property
    def width(self):
        """Number h of heads."""
        return self.scores.shape[-3]

    def __call__(self, X):
        """Outputs (n, s, c) for n sequences X (n, s, d)."""
        gram = X.swapaxes(-1, -2) @ X
        heads = self.scores[..., None, :, :] @ gram @ self.values[..., None, :, :]
        return X @ heads.sum(axis=-4)


def instance(rng):
    """Six sequences of three tokens in the plane; targets from one head, and noise."""
    X = 0.7 * rng.normal(size=(6, 3, 2))
    head = AttentionNetwork(rng.normal(size=(1, 2, 2)), rng.normal(size=(1, 2, 2)))
    return X, head(X) + 0.3 * rng.normal(size=X.shape), 1.0


def checked(X, y, beta):
    """X (n, s, d), y (n, s, c) and beta, validated."""
    X, y = real_array(X, "X", ndim=3), of_moderate_size(real_array(y, "y", ndim=3), "y")
    if X.size == 0:
        raise ValueError(f"X must hold at least one token of one sequence, got shape {X.shape}")
    if y.shape[:2] != X.shape[:2] or y.size == 0:
        raise ValueError(f"y must have the shape (n, s, c) for X {X.shape}, got {y.shape}")
    largest = np.abs(X).max()
    if largest > 0 and not 1 / LARGEST <= largest <= LARGEST:
        raise ValueError(
            f"X must have its largest absolute entry between {1 / LARGEST:g} and {LARGEST:g}, so "
            f"that its cubes can be represented, times y, got {largest:.3g}; rescale it"
        )
    return X, y, checked_weight_decay(beta)


def objective(network, X, y, beta):
    """1/2 sum_i ||f(X_i) - Y_i||_F^2 + (beta/2) sum_j (||Q_j||_F^2 + ||V_j||_F^2)."""
    X, y, beta = checked(X, y, beta)
    decay = parts.squares(network.scores, 3) + parts.squares(network.values, 3)
    return parts.squared_error(network(X), y) + 0.5 * beta * decay


def convex_program(X, y, beta):
    """Least squares in Z, with a nuclear norm."""
    X, y, beta = checked(X, y, beta)
    d, c = X.shape[2], y.shape[2]
    Z = cp.Variable((d * d, d * c), name="Z")
    gram = X.swapaxes(1, 2) @ X
    outputs = 0
    for row in range(d):  # the l of the formula: columns l c, ..., l c + c - 1 of Z
        design = np.einsum("ita,ik->itak", X, gram[:, :, row]).reshape(-1, d * d)
        outputs = outputs + design @ Z[:, row * c : (row + 1) * c]
    loss = 0.5 * cp.sum_squares(outputs - y.reshape(-1, c))
    return parts.Program(loss + beta * cp.normNuc(Z), inputs=d)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train any number of heads to a certified gap, at any size: see `nuclear_norm`.

    Parameters
    ----------
    X : (n, s, d) array_like
        n sequences of s tokens.
    y : (n, s, c) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.

    Returns
    -------
    RowSolution
        Its network has as many heads as Z has rank; the scope is "global": any number of heads.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.
    """
    X, y, beta = checked(X, y, beta)
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    maps = AttentionMaps(X, y.shape[2])
    found = nuclear_norm.solve(maps, y, beta, tol, max_seconds, progress)
    network = maps.network(found.factors)
    return trained.solution(network, objective(network, X, y, beta), "global", found)


def decode(program):
    """One head for each singular value: its balanced factors, folded into matrices."""
    left, right = parts.balanced_factors(program.weights("Z"))
    d, heads = program.known["inputs"], len(right)
    return AttentionNetwork(left.T.reshape(heads, d, d), right.reshape(heads, d, -1))


def sizes(program):
    """Singular values of Z."""
    return np.linalg.svd(program.weights("Z"), compute_uv=False)


def descend(X, y, beta, rng):
    """L-BFGS on all heads from a random start, with as many heads as Z can have rank."""
    d, c = X.shape[2], y.shape[2]
    heads = min(d * d, d * c)
    start = AttentionNetwork(
        0.5 * rng.normal(size=(heads, d, d)), 0.5 * rng.normal(size=(heads, d, c))
    )
    return descent.lbfgs(start, objective, X, y, beta, rng)
