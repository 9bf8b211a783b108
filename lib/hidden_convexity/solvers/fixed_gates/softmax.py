"""The quadratic model of the softmax loss, of all its outputs at once, as a `FlatProgram`.

At outputs with probabilities p the Hessian of a sample of weight w is w (diag(p) - p p^T) = R^T R
with

    R = diag(s) (I - 1 p^T),   s_k = sqrt(w p_k),

and its residual r = w (y - p), whose sum is 0, is R^T (r / s). So the loss at f + h is, to second
order and up to a constant, 1/2 ||R h - r / s||^2: of targets R f + r / s, with the residual r / s
at f.

R f = s (f - p.f) takes one number off all outputs of a sample, to which the loss is blind: divided
by s they are outputs that the loss does not tell from f.

Measured at n = 500, d = 10, 100 patterns, 0.01 of the weight decay from which on the gated network
is zero, gap 1e-4, on one thread: 0.8 s for 3 classes, 4.5 s for 10. With many more dimensions flats
have many as well, and steps take longer: gated networks are for that.
"""

from functools import cached_property

import numpy as np

from hidden_convexity.solvers.fixed_gates.flats import FlatProgram


class SoftmaxProgram(FlatProgram):
    """The ridge problem over some pairs, each of a pattern, a sign and an output that it feeds.

    Parameters
    ----------
    problem : TrainingProblem
        Of the softmax loss.
    pairs : Pairs
    working : (k,) ndarray of int
        The pairs.
    outputs : (n, c) ndarray
        Where the loss is modelled.
    least : float
        Probabilities are at least this.

    Attributes
    ----------
    start : (n c,) ndarray
        The dual point at the outputs.
    scale : (n, c) ndarray
        s: what outputs are multiplied by.
    """

    def __init__(self, problem, pairs, working, outputs, least):
        residual, w = problem.loss_residual(outputs), problem.loss_function.weights
        p = np.maximum(problem.y - residual / w, least)
        p = p / p.sum(axis=1, keepdims=True)
        self.scale = np.sqrt(w * p)
        self.root = self.scale[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
        self.start = (residual / self.scale).ravel()
        seen = self.scale * (outputs - (p * outputs).sum(axis=1, keepdims=True))
        super().__init__(problem.X, seen.ravel() + self.start, pairs, working, problem.beta)

    @cached_property
    def _hessian(self):
        return self.root.transpose(0, 2, 1) @ self.root

    def _felt(self, nu, feeds):
        """R^T nu, of the output that each pair feeds (n, k)."""
        return (self.root.transpose(0, 2, 1) @ nu.reshape(*self.scale.shape, 1))[:, feeds, 0]

    def _seen(self, features, feeds):
        """R applied to features (n, k), each of an output (k,) of its own: (n c, k)."""
        return (self.root[:, :, feeds] * features[:, None, :]).reshape(len(self.Y), -1)

    def _gram(self, features, feeds):
        """From the Hessian: c times fewer products than the transpose of what is seen takes."""
        gram = np.empty((len(feeds), len(feeds)))
        for k in range(self.scale.shape[1]):
            own, rest = np.flatnonzero(feeds == k), np.flatnonzero(feeds >= k)
            weighted = self._hessian[:, k, feeds[rest]] * features[:, rest]
            block = features[:, own].T @ weighted
            gram[np.ix_(own, rest)], gram[np.ix_(rest, own)] = block, block.T
        return gram

    def _times(self, features, feeds, x):
        outputs = np.empty((*self.scale.shape, *x.shape[1:]))
        for k in range(self.scale.shape[1]):
            own = feeds == k
            outputs[:, k] = features[:, own] @ x[own]
        seen = self.root @ outputs.reshape(*self.scale.shape, -1)
        return seen.reshape(len(self.Y), *x.shape[1:])

    def _transposed_times(self, features, feeds, nu):
        felt = self.root.transpose(0, 2, 1) @ nu.reshape(*self.scale.shape, -1)
        products = np.empty((len(feeds), felt.shape[2]))
        for k in range(self.scale.shape[1]):
            own = feeds == k
            products[own] = features[:, own].T @ felt[:, k]
        return products.reshape(len(feeds), *nu.shape[1:])
