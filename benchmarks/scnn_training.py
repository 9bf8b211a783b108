"""pyscnn's training, called in one place so that it solves our problem.

Mishkin, Sahiner and Pilanci (2022), arXiv:2202.01331. The table of its traps is in README.md.
"""

# The package's 10,000 would end tight runs before their tolerance does; here the time limit may.
ITERATIONS = 1_000_000


def train(gates, X, y, beta, tolerance, cones):
    """The package's convex model over gates (d, G), with cones or without, for y (n,).

    The tolerance is that of the squared norm of its subgradient and, with cones, of the squared
    constraint violation.
    """
    # Here, because the package is on the path of its own processes only.
    from scnn.metrics import Metrics
    from scnn.models import ConvexGatedReLU, ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL, RFISTA

    model = (ConvexReLU if cones else ConvexGatedReLU)(gates, c=1, bias=False)
    if cones:
        solver = AL(model, tol=tolerance, constraint_tol=tolerance, max_primal_iters=ITERATIONS)
    else:
        solver = RFISTA(model, tol=tolerance, max_iters=ITERATIONS)
    return optimize_model(
        model,
        solver,
        Metrics(),
        X,
        y[:, None],
        regularizer=NeuronGL1(beta / len(X)),  # its loss is ours over n
        return_convex=True,
        unitize_data=False,  # True, its default, is another problem
        dtype="float64",  # its default is single precision
    )[0]
