"""What training over fixed gates returns."""

from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.problem.gap import format_gap, relative_gap
from hidden_convexity.solvers.fixed_gates.program import GatedProgram, floating_array
from hidden_convexity.solvers.solution import Step


@dataclass(frozen=True, eq=False, repr=False)
class GatedSolution:
    """A trained gated network. Its arrays are of the library, precision and device of the data.

    Attributes
    ----------
    gates : (d, G) array
        The fixed gates, one a column.
    weights : (G, d) or (G, d, c) array
        W_g, zero for most gates; with a last axis if the targets had one.
    objective, lower_bound : float
        Value, and a bound on the optimal value of the program over these gates.
    history : list of Step
        Seconds, objective, lower bound and number of gates with weights, per round.
    intercept : () or (c,) array or None
        The free constant of the outputs, if there is one.
    out_of_time : bool
        Whether a budget of seconds ended before the gap was reached.
    """

    gates: object
    weights: object
    objective: float
    lower_bound: float
    history: list[Step]
    intercept: object = None
    out_of_time: bool = False

    # What the bound bounds: networks with these gates, nothing more.
    scope = "sampled"

    @property
    def gap(self):
        """Relative duality gap, (objective - lower_bound) / objective; 0 if the objective is 0."""
        return relative_gap(self.objective, self.lower_bound)

    @property
    def used(self):
        """Numbers of the gates that have weights, on the host: (k,) ndarray of int."""
        xp = array_namespace(self.weights)
        sizes = xp.sum(xp.reshape(xp.abs(self.weights), (self.weights.shape[0], -1)), axis=1)
        return np.flatnonzero(np.asarray(sizes.tolist()))

    def __len__(self):
        return len(self.used)

    def __repr__(self):
        G = self.weights.shape[0]
        return (
            f"GatedSolution(objective={self.objective:.4g}, {format_gap(self.gap)}, {self.scope}, "
            f"{len(self)} of {G} gates)"
        )

    def __call__(self, X):
        return self.predict(X)

    def predict(self, X):
        """Outputs (n,) or (n, c) for samples X (n, d); for classification losses the logits."""
        X = floating_array(X, "X", 2, like=self.gates)
        xp = array_namespace(X)
        if X.shape[1] != self.gates.shape[0]:
            raise ValueError(
                f"X must have {self.gates.shape[0]} columns, one per input of the network, got "
                f"shape {tuple(X.shape)}"
            )
        vector = self.weights.ndim == 2
        weights = self.weights[:, :, None] if vector else self.weights
        index = xp.asarray(self.used, device=X.device)
        blank = xp.zeros((X.shape[0], weights.shape[2]), dtype=X.dtype, device=X.device)
        program = GatedProgram(X, blank, xp.take(self.gates, index, axis=1), None)
        masks = program.masks(np.arange(len(self.used)))
        outputs = program.outputs(xp.take(weights, index, axis=0), masks)
        outputs = outputs[:, 0] if vector else outputs
        return outputs if self.intercept is None else outputs + self.intercept
