"""Train two-layer ReLU networks to certified global optimality, by convex optimisation."""

from hidden_convexity import datasets, landscape, mirrors, paths, splines, wedge
from hidden_convexity.arrangement import Arrangement, TooManyChambers, count_chambers
from hidden_convexity.certificate import Certificate, beta_max, certify
from hidden_convexity.exercises import check
from hidden_convexity.network import ReLUNetwork
from hidden_convexity.parallel import ParallelNetwork
from hidden_convexity.problem import ContradictedProof, TrainingProblem
from hidden_convexity.report import report
from hidden_convexity.solvers import Solution, train, train_path
from hidden_convexity.zonotope import Zonotope

__version__ = "0.1.0"

__all__ = [
    "Arrangement",
    "Certificate",
    "ContradictedProof",
    "ParallelNetwork",
    "ReLUNetwork",
    "Solution",
    "TooManyChambers",
    "TrainingProblem",
    "Zonotope",
    "beta_max",
    "certify",
    "check",
    "count_chambers",
    "datasets",
    "landscape",
    "mirrors",
    "paths",
    "report",
    "splines",
    "train",
    "train_path",
    "wedge",
]
