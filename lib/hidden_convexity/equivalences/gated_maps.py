"""The linear map Z -> sum_g D_g X Z_g of networks with fixed gates, without its matrix."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from hidden_convexity.equivalences import nuclear_norm
from hidden_convexity.equivalences.splitting import split
from hidden_convexity.equivalences.trained import norm, rounding

# Splitting is worth its factorisations if these take less than as many gradients as descent needs,
# and if their matrices, of this order at most, fit into memory: half a GB each, two at a time.
GRADIENTS, LARGEST_ORDER = 300, 8_000
# Factorisations that splitting takes, as the strength is balanced.
FACTORISATIONS = 4
# Outputs, or inputs, up to which all singular values of a block take less than its products.
FEW = 200
# Entries of one chunk of features that are formed at a time.
CHUNK = 10_000_000


class GatedMaps:
    """sum_g D_g X Z_g for blocks Z_g (d, c), as `nuclear_norm.solve` and `splitting` take it.

    Parameters
    ----------
    X : (n, d) ndarray
    outputs : int
        c.
    patterns : (n, G) ndarray
        The diagonals of D_g.
    """

    def __init__(self, X, outputs, patterns):
        self._X, self._patterns, self._size = X, patterns, norm(X)
        self.shape = patterns.shape[1], X.shape[1], outputs
        self._normal = None

    def solve(self, y, beta, *options):
        """`nuclear_norm.solve`, which begins by splitting where that pays."""
        begin = split(self, y, beta) if self.splits else ()
        return nuclear_norm.solve(self, y, beta, *options, begin=begin)

    def _features(self, factors):
        return self._patterns[:, factors.block] * (self._X @ factors.left.T)

    def outputs(self, factors):
        """sum_k D_k X p_k q_k', (n, c)."""
        return self._features(factors) @ factors.right

    def pullback(self, factors, nu):
        """X' D_k nu q_k and nu' D_k X p_k, for each factor k."""
        back = self._patterns[:, factors.block] * (nu @ factors.right.T)
        return back.T @ self._X, self._features(factors).T @ nu

    def apply(self, Z):
        """sum_g D_g X Z_g of a stack (G, d, c): (n, c)."""
        blocks, d, c = self.shape
        products = self._X @ Z.swapaxes(0, 1).reshape(d, blocks * c)
        return np.einsum("ng,ngc->nc", self._patterns, products.reshape(-1, blocks, c))

    def adjoint(self, nu):
        """X' D_g nu, (G, d, c)."""
        blocks, d, c = self.shape
        gated = (self._patterns[:, :, None] * nu[:, None, :]).reshape(-1, blocks * c)
        return np.ascontiguousarray((self._X.T @ gated).reshape(d, blocks, c).swapaxes(0, 1))

    def allowance(self, nu):
        """Of sums over samples, with |sum_i x_ia nu_ib| <= ||x_a|| ||nu_b|| for columns a and b."""
        return rounding(len(nu), self._size * norm(nu), self._X.shape[1] * nu.shape[1])

    # The inverse of I + strength A A*, from the smaller of A A* and A* A, which act on each output
    # alike.

    @property
    def _by_samples(self):
        blocks, d, _ = self.shape
        return len(self._X) <= blocks * d

    @property
    def splits(self):
        """Whether factorisations cost less than they save."""
        (blocks, d, c), n = self.shape, len(self._X)
        order, products = (
            (n, n * n * d) if self._by_samples else (blocks * d, n * (blocks * d) ** 2)
        )
        factored = products + FACTORISATIONS * order**3 / 3
        descended = GRADIENTS * 6 * n * d * blocks * min(d, c)
        return order <= LARGEST_ORDER and min(d, c) <= FEW and factored <= descended

    @property
    def mean_eigenvalue(self):
        """The mean eigenvalue of A A*: ||x_i||^2 times the number of gates that x_i opens."""
        return float((self._patterns.sum(axis=1) * (self._X**2).sum(axis=1)).mean())

    def resolvent(self, strength):
        """The inverse of I + strength A A*, as a function of (n, c)."""
        if self._normal is None:
            self._normal = self._gram()
        shifted = strength * self._normal
        shifted.flat[:: len(shifted) + 1] += 1.0
        # Symmetric, and transposed in the order of LAPACK: nothing is copied.
        factor = cho_factor(shifted.T, overwrite_a=True, check_finite=False)
        if self._by_samples:
            return lambda right: cho_solve(factor, right, check_finite=False)

        def inverse(right):
            blocks, d, c = self.shape
            back = self.adjoint(right).reshape(blocks * d, c)
            solved = cho_solve(factor, back, check_finite=False).reshape(self.shape)
            return right - strength * self.apply(solved)

        return inverse

    def _gram(self):
        """A A* on one output, (n, n), or A* A, (G d, G d)."""
        X, patterns = self._X, self._patterns
        if self._by_samples:
            gram = X @ X.T
            gram *= patterns @ patterns.T
            return gram
        order = patterns.shape[1] * X.shape[1]
        gram, step = np.zeros((order, order)), max(CHUNK // order, 1)
        for start in range(0, len(X), step):
            here = slice(start, start + step)
            features = (patterns[here, :, None] * X[here, None, :]).reshape(-1, order)
            gram += features.T @ features
        return gram
