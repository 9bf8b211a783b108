"""Cases of programs over given gates, in any dimension; `make bench` runs them after the others."""

from dataclasses import dataclass, replace

import numpy as np

import hidden_convexity as hc
from benchmarks.cases import Case
from hidden_convexity.oracle import Exhaustive
from hidden_convexity.solvers.fixed_gates.gated import gated_beta_max


@dataclass(frozen=True)
class GatedProblem:
    """The group Lasso over the patterns of gates, without cones.

    Parameters
    ----------
    X, y, gates : (n, d), (n,), (d, G) ndarray
    beta : float
    """

    X: np.ndarray
    y: np.ndarray
    gates: np.ndarray
    beta: float

    def objective(self, network):
        """The value of a pair of gates (d, k), of those given, and their weights (k, d)."""
        gates, weights = network
        f = ((self.X @ gates > 0) * (self.X @ weights.T)).sum(axis=1)
        return float(
            0.5 * ((f - self.y) ** 2).sum() + self.beta * np.linalg.norm(weights, axis=1).sum()
        )


@dataclass(frozen=True)
class ConesProblem:
    """A `TrainingProblem` whose neurons are to lie in the chambers of an arrangement."""

    training: hc.TrainingProblem
    arrangement: hc.Arrangement

    def objective(self, network):
        """P(W, a) of a `ReLUNetwork`."""
        return self.training.objective(network)


@dataclass(frozen=True)
class FixedGates(Case):
    """A case over `gates` random gates, whose cones hold or are left out."""

    gates: int = 500
    cones: bool = False

    def problem(self):
        rng = np.random.default_rng(0)
        X = np.column_stack([rng.standard_normal((self.n, self.d - 1)), np.ones(self.n)])
        y = np.sin(2 * X[:, 0]) * X[:, 1] + 0.1 * rng.standard_normal(self.n)
        if self.cones:
            arrangement = hc.Arrangement.sample(X, self.gates)
            scale = Exhaustive(arrangement)(y).value
            return ConesProblem(hc.TrainingProblem(X, y, self.share * scale), arrangement)
        gates = rng.standard_normal((self.d, self.gates))
        return GatedProblem(X, y, gates, self.share * gated_beta_max(X, y, gates))

    def warm_up(self):
        return replace(self, n=min(self.n, 40), d=min(self.d, 4), gates=min(self.gates, 20))


GATED = ("gated", "adelie", "skglm", "pyscnn_gated")
CONES = ("cones", "adelie_cones", "pyscnn_cones", "cvxpy_cones")

FIXED_GATES = [
    FixedGates("gates-agreement", 4, 60, GATED, 0.1, 1e-6, gates=40),
    FixedGates("cones-agreement", 4, 60, CONES, 0.1, 1e-6, gates=30, cones=True),
    *(
        FixedGates(f"gates-d{d}-n{n}-{share:g}-{tol:g}", d, n, GATED, share, tol, gates=n)
        for d, n in ((20, 500), (50, 1_000))
        for share in (0.1, 0.01)
        for tol in (1e-4, 1e-6)
    ),
    FixedGates("cones-d20-n500", 20, 500, CONES, 0.1, 1e-4, gates=200, cones=True),
]
