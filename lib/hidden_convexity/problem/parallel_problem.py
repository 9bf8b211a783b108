"""What a parallel network of one variable is trained for."""

from dataclasses import dataclass

import numpy as np

from hidden_convexity.foundations.read_only import ReadOnlyArrays
from hidden_convexity.foundations.validation import positive_number, real_array, whole_number
from hidden_convexity.problem.parallel_network import ACTIVATIONS


@dataclass(frozen=True, eq=False)
class ParallelProblem(ReadOnlyArrays):
    """1/2 ||f(x) - y||^2 + (beta / L) sum_j (|a_j|^L + sum_k |w_jk|^L) over `ParallelNetwork` f.

    Attributes
    ----------
    x, y : (n,) array_like
        Inputs and targets.
    beta : float
        Weight decay, > 0.
    layers : int
        L >= 2; 2 for "relu".
    activation : {"absolute", "relu"}

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds, or x and y differ in length or are empty.
    """

    x: np.ndarray
    y: np.ndarray
    beta: float
    layers: int = 2
    activation: str = "relu"

    loss = "squared"

    def __post_init__(self):
        x, y = real_array(self.x, "x", ndim=1), real_array(self.y, "y", ndim=1)
        if len(x) != len(y) or not len(x):
            raise ValueError(f"x and y must have one entry a sample, got {len(x)} and {len(y)}")
        layers = whole_number(self.layers, "layers", 2)
        if self.activation not in ACTIVATIONS or (self.activation == "relu" and layers > 2):
            raise ValueError(
                'activation must be "absolute", or "relu" with layers=2, got '
                f"{self.activation!r} with layers={layers}"
            )
        for array in (x, y):
            array.setflags(write=False)
        known = x, y, positive_number(self.beta, "beta"), layers
        for name, value in zip(("x", "y", "beta", "layers"), known, strict=True):
            object.__setattr__(self, name, value)

    def __repr__(self):
        return (
            f"ParallelProblem(n={len(self.x)}, beta={self.beta:.4g}, layers={self.layers}, "
            f"{self.activation})"
        )

    def objective(self, network):
        """The objective of a `ParallelNetwork`."""
        return network.objective(self.x, self.y, self.beta)
