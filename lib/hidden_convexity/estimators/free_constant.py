"""Training with a constant that costs nothing, added to the network's outputs.

The best constant b for outputs f is the mean of y - f, and with it the squared loss is that of what
is left of both without their means,

    min over b   1/2 ||f + b 1 - y||^2   =   1/2 ||Q (f - y)||^2,   Q = I - 1 1^T / n.

So the constant is no unknown at all: it is a loss that does not see a number added to all outputs.
Its residual Q (y - f) meets the condition 1.nu = 0 that a free constant puts on the dual, at every
network and at every multiple, and certificates are as without it. With sample weights, the roots of
which scale rows and targets, they also take the place of the ones.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hidden_convexity.problem.free_terms import FreeTerms
from hidden_convexity.problem.training_problem import TrainingProblem


@dataclass(frozen=True, eq=False, repr=False)
class FreeConstantProblem(TrainingProblem):
    """The training problem with b times a column (n,) added to the outputs, of the squared loss.

    Targets are kept without their component along the column.
    """

    column: np.ndarray = None

    def __post_init__(self):
        super().__post_init__()
        # Twice: of targets that are next to constant, once leaves little but rounding errors.
        object.__setattr__(self, "y", self._seen(self._seen(self.y)))

    @property
    def blind(self):
        return self.column / np.linalg.norm(self.column)

    def loss_value(self, outputs):
        return super().loss_value(self._seen(outputs))

    def loss_residual(self, outputs):
        return self._seen(super().loss_residual(outputs))

    def of_samples(self, chosen):
        beta, column = self.beta * len(chosen) / len(self.X), self.column[chosen]
        return replace(self, X=self.X[chosen], y=self.y[chosen], beta=beta, column=column)

    @cached_property
    def free_terms(self):
        """The column itself: what the loss does not see, the neurons' features lose as well."""
        return FreeTerms(self.blind[:, None])

    def _seen(self, outputs):
        return outputs - _best_constant(self.column, outputs) * self.column


def with_free_constant(problem, ones, train):
    """What `train` gives for a problem with a free constant, and the constants.

    Parameters
    ----------
    problem : TrainingProblem
        With the squared loss.
    ones : (n,) ndarray
        The column that the constant multiplies: ones, or the roots of the sample weights.
    train : callable
        From a problem to a list of solutions.

    Returns
    -------
    list of (Solution, float)
    """
    joint = FreeConstantProblem(problem.X, problem.y, problem.beta, column=ones)
    return [(one, _best_constant(ones, problem.y - one.network(problem.X))) for one in train(joint)]


def _best_constant(column, targets):
    return float(column @ targets) / float(column @ column)
