"""What every solver returns."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hidden_convexity import proof
from hidden_convexity.foundations.wording import counted
from hidden_convexity.problem.gap import format_gap, relative_gap
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.parallel_network import ParallelNetwork
from hidden_convexity.problem.parallel_problem import ParallelProblem
from hidden_convexity.problem.training_problem import TrainingProblem


class Step(NamedTuple):
    """One record of a solver's history."""

    seconds: float
    objective: float
    lower_bound: float
    neurons: int

    def __repr__(self):
        return (
            f"Step({self.seconds:.2g} s, objective={self.objective:.4g}, "
            f"lower_bound={self.lower_bound:.4g}, neurons={self.neurons})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """A trained network and what is known of how good it is.

    Attributes
    ----------
    network : ReLUNetwork or ParallelNetwork
        The trained network; parallel if its input is one variable and its biases are free.
    objective : float
        P(W, a) of the network, evaluated on the network itself.
    lower_bound : float
        Lower bound on the optimal value, of the strength that `scope` names.
    scope : {"global", "searched", "sampled"}
        "global": proven for networks of every width. "searched": a search over all directions
        found nothing better, which is evidence and no proof. "sampled": proven, but only for the
        convex program over the given activation patterns, in which each neuron feeds one output.
    history : list of Step
        Seconds, objective, lower bound and number of neurons, per iteration.
    solver : str
        The method's name.
    interrupted : bool
        Whether the user ended the run early.
    out_of_time : bool
        Whether a budget of seconds ended it, that of the call or that of its proof.
    problem : TrainingProblem, ParallelProblem or None
        What was trained for.
    dual_point : (n,) or (n, c) ndarray, or None
        The nu with M(nu) <= beta whose dual value is the lower bound, where the solver has one.

    Raises
    ------
    ContradictedProof
        If a proven lower bound is above the objective by more than rounding.
    """

    network: ReLUNetwork | ParallelNetwork
    objective: float
    lower_bound: float
    scope: str
    history: list[Step]
    solver: str
    interrupted: bool = False
    out_of_time: bool = False
    problem: TrainingProblem | ParallelProblem | None = None
    dual_point: np.ndarray | None = None

    def __post_init__(self):
        relative_gap(self.objective, self.lower_bound, self.scope != "searched")

    @property
    def gap(self):
        """Relative duality gap, (objective - lower_bound) / objective; 0 if the objective is 0."""
        return relative_gap(self.objective, self.lower_bound, self.scope != "searched")

    def __repr__(self):
        count = len(self.network)
        if isinstance(self.network, ParallelNetwork) and self.network.layers > 2:
            parts = f"{count} branch" + ("" if count == 1 else "es")
        else:
            parts = counted(count, "neuron")
        # Descent brings the trivial bound 0: no gap, and no scope, to speak of.
        known = f"{format_gap(self.gap)}, {self.scope}"
        if self.lower_bound == 0 < self.objective:
            known = "no bound"
        return f"Solution(objective={self.objective:.4g}, {known}, {parts})"

    def save(self, path, tol=None, data=True):
        """Write the solution to a file that an independent checker can verify.

        Of scope "global", the file proves its bound to `python -m hidden_convexity.verify`, every
        rounding error accounted for. The checker's bounds are simpler than ours, so finding its
        cones, or where chambers are few its cases, takes time, and the file's bound is a little
        lower: see `tol`. Of other scopes it says what they are, and the checker refuses to call
        them proven. `hc.load` reads it back.

        Parameters
        ----------
        path : path-like
            Where to write a NumPy archive (.npz, without pickles); it appears complete or not at
            all.
        tol : float, optional
            Relative gap that the file may have, above the present one. By default the gap grows by
            a tenth of itself, or by 1e-6 if that is more.
        data : bool
            Whether X and y are in the file, or only their SHA-256: whoever checks or loads it must
            then be given them.

        Raises
        ------
        ValueError
            If its problem is not known, the gap is above `tol`, or the proof would take too many
            cones or cases: the message says how to go on.

        References
        ----------
        Theory: checker.
        """
        extra = {
            "solver": self.solver,
            "history": np.reshape(self.history, (-1, len(Step._fields))).astype(float),
            "interrupted": self.interrupted,
        }
        proof.save(path, "solution", self, extra, tol, data)
