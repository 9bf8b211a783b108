"""pyscnn: the ReLU convex program by an augmented Lagrangian, given every chamber's gate.

Mishkin, Sahiner and Pilanci (2022), arXiv:2202.01331. Its objective is ours divided by n (one
output), so its weight decay is beta / n; `unitize_data` must be off, or it solves another program.
"""

import numpy as np

import hidden_convexity as hc
from benchmarks.objective import Outcome

# Of the squared norm of its subgradient, and of the squared constraint violation. 1e-6 is the
# package's default.
SETTINGS = (1e-4, 1e-6, 1e-8)
# The package's 10,000 would end tight runs before their tolerance does; here the time limit may.
ITERATIONS = 1_000_000


def prepare(problem, case):
    from scnn.metrics import Metrics
    from scnn.models import ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL

    gates = hc.Arrangement.enumerate(problem.X).gates
    weight_decay = problem.beta / len(problem.X)

    def train(tolerance):
        model = ConvexReLU(gates, c=1, bias=False)
        solver = AL(model, tol=tolerance, constraint_tol=tolerance, max_primal_iters=ITERATIONS)
        return optimize_model(
            model,
            solver,
            Metrics(),
            problem.X,
            problem.y[:, None],
            regularizer=NeuronGL1(weight_decay),
            return_convex=True,
            unitize_data=False,
            dtype="float64",
        )[0]

    return train


def run(problem, case, train, setting):
    return train(setting)


def outcome(problem, train, model, seconds):
    # The gates of the returned model: it has dropped those that activate no sample.
    u, v = (np.asarray(part)[0].T for part in model.parameters)
    active = problem.X @ np.asarray(model.G) > 0
    products = problem.X @ u, problem.X @ v
    residual = (active * (products[0] - products[1])).sum(axis=1) - problem.y
    penalty = sum(np.linalg.norm(part, axis=0).sum() for part in (u, v))
    violation = max(np.where(active, -each, each).max(initial=0.0) for each in products)
    return Outcome(
        network=hc.ReLUNetwork.decode(u, v),
        numbers={
            "gates": active.shape[1],
            "convex_objective": float(0.5 * residual @ residual + problem.beta * penalty),
            "cone_violation": float(violation),
        },
    )
