"""Outputs of neurons with the best free terms."""

import numpy as np

# Outputs that are kept: a round asks several times for those of its start and of its candidates.
KEPT = 4


class Fitted:
    """Outputs on the data of networks whose skip and intercept are the best for their neurons.

    Parameters
    ----------
    problem : TrainingProblem
    own : callable
        From hidden weights (m, d) and output weights to the neurons' own outputs.
    """

    def __init__(self, problem, own):
        self.problem, self.terms, self._own = problem, problem.free_terms, own
        self._known = {}
        self.latest = np.zeros((len(self.terms), *problem.y.shape[1:]))

    def __call__(self, hidden, output):
        """Outputs of the shape of y; not to be written."""
        return self._fit(hidden, output)[0]

    def free_weights(self, hidden, output):
        """The arguments `skip` and `intercept` of the network."""
        return self.problem.free_weights(self.terms.coefficients(self._fit(hidden, output)[1]))

    def residual(self, outputs):
        """Minus the gradient of the loss at the outputs, as free terms ask of a dual point."""
        residual = self.problem.loss_residual(outputs)
        if len(self.terms) == 0:
            return residual
        return self.terms.balance(residual, self.problem.loss_curvature(outputs))

    def add_free(self, own):
        """The neurons' own outputs with the best free terms."""
        self.latest = self.terms.fit(self.problem, own, self.latest)
        return own + self.terms.basis @ self.latest

    def _fit(self, hidden, output):
        key = hidden.tobytes() + output.tobytes()
        if key not in self._known:
            outputs = self.add_free(self._own(hidden, output))
            self._known[key] = outputs, self.latest
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        return self._known[key]
