"""pyscnn: the program with cones by an augmented Lagrangian, over given gates. See `pyscnn`."""

import numpy as np

import hidden_convexity as hc
from benchmarks.objective import Outcome

# Of the squared norm of its subgradient, and of the squared constraint violation.
SETTINGS = (1e-6, 1e-8, 1e-10)
ITERATIONS = 1_000_000


def prepare(problem, case):
    from scnn.metrics import Metrics
    from scnn.models import ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL

    training = problem.training

    def train(tolerance):
        model = ConvexReLU(problem.arrangement.gates, c=1, bias=False)
        solver = AL(model, tol=tolerance, constraint_tol=tolerance, max_primal_iters=ITERATIONS)
        return optimize_model(
            model,
            solver,
            Metrics(),
            training.X,
            training.y[:, None],
            regularizer=NeuronGL1(training.beta / len(training.X)),
            return_convex=True,
            unitize_data=False,
            dtype="float64",
        )[0]

    return train


def run(problem, case, train, setting):
    return train(setting)


def outcome(problem, train, model, seconds):
    u, v = (np.asarray(part)[0].T for part in model.parameters)
    network = hc.ReLUNetwork.decode(u, v)
    return Outcome(
        network=network,
        numbers={
            "gates": np.asarray(model.G).shape[1],
            "cone_violation": violation(problem, network.hidden_weights),
        },
    )


def violation(problem, weights):
    """How far neurons (m, d) are outside the nearest of the given cones: the largest -(2D - I) X w.

    Neurons are balanced, ||w|| = sqrt(||u||), as `ReLUNetwork.decode` leaves them.
    """
    signs = 2.0 * problem.arrangement.patterns - 1.0
    depths = [
        np.maximum(-signs * (problem.training.X @ w)[:, None], 0.0).max(axis=0).min()
        for w in weights
    ]
    return float(max(depths, default=0.0))
