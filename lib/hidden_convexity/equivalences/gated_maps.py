"""The linear map Z -> sum_g D_g X Z_g of networks with fixed gates, without its matrix."""

import numpy as np

from hidden_convexity.equivalences.trained import norm, rounding


class GatedMaps:
    """sum_g D_g X Z_g for blocks Z_g (d, c), as `nuclear_norm.solve` takes it.

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

    def _features(self, factors):
        return self._patterns[:, factors.block] * (self._X @ factors.left.T)

    def outputs(self, factors):
        """sum_k D_k X p_k q_k', (n, c)."""
        return self._features(factors) @ factors.right

    def pullback(self, factors, nu):
        """X' D_k nu q_k and nu' D_k X p_k, for each factor k."""
        back = self._patterns[:, factors.block] * (nu @ factors.right.T)
        return back.T @ self._X, self._features(factors).T @ nu

    def adjoint(self, nu):
        """X' D_g nu, (G, d, c)."""
        return np.stack([self._X.T @ (gate[:, None] * nu) for gate in self._patterns.T])

    def allowance(self, nu):
        """Of sums over samples, with |sum_i x_ia nu_ib| <= ||x_a|| ||nu_b|| for columns a and b."""
        return rounding(len(nu), self._size * norm(nu), self._X.shape[1] * nu.shape[1])
