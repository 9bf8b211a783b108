"""Training without convexity: L-BFGS on all weights of a network, from a random start.

Derivatives are central differences, all taken in one evaluation of a batch of networks; so a row
has nothing to write but its objective. Made for the tens of weights of a demo.
"""

import numpy as np
from scipy.optimize import minimize

# Central differences: the error is the square of the step, or rounding over the step.
DIFFERENCE = 1e-5
# Noise on weights, of size about 1, after which descent is repeated: coarse, then fine, twice.
SHAKES = (0.3, 0.1, 0.03, 0.01, 0.003) * 2
# Where no derivative exceeds this, which next to a kink does not happen, descent has arrived.
STATIONARY = 1e-4


def lbfgs(start, objective, X, y, beta, rng, fixed=()):
    """L-BFGS on an objective of networks, from one network to another.

    At a kink L-BFGS stops short of a minimum. Then its end is shaken by Gaussian noise of the sizes
    `SHAKES`, one after the other, and descended from again; the best is kept.

    Parameters
    ----------
    start : NamedTuple
        A network; its arrays are trained, its numbers are not.
    objective : callable
        Network, or batch of networks, and X, y, beta to value.
    X, y, beta
        What the objective is given.
    rng : numpy.random.Generator
    fixed : tuple of str
        Arrays that are not trained either.

    Returns
    -------
    NamedTuple
        The network at the end; where the objective has kinks, not always a stationary point.
    """
    weights, network = flattened(start, fixed)
    evaluate = value_and_gradient(lambda theta: objective(network(theta), X, y, beta))
    options = {"maxiter": 300, "ftol": 1e-12, "gtol": 1e-8}
    best = None
    for shake in (0.0, *SHAKES):
        begin = weights + shake * rng.normal(size=weights.shape)
        end = minimize(evaluate, begin, jac=True, method="L-BFGS-B", options=options)
        if best is None or end.fun < best:
            weights, best = end.x, end.fun
            if np.abs(end.jac).max() < STATIONARY:
                break
    return network(weights)


def flattened(start, fixed=()):
    """The trained weights of a network as one vector, and the way back, batches included."""
    trained = {
        name: value
        for name, value in start._asdict().items()
        if isinstance(value, np.ndarray) and name not in fixed
    }
    ends = np.cumsum([value.size for value in trained.values()])

    def network(theta):
        parts = np.split(theta, ends[:-1], axis=-1)
        shapes = [theta.shape[:-1] + value.shape for value in trained.values()]
        named = zip(trained, parts, shapes, strict=True)
        return start._replace(**{name: part.reshape(shape) for name, part, shape in named})

    return np.concatenate([value.ravel() for value in trained.values()]), network


def value_and_gradient(function):
    """A function of one vector from one of a batch of vectors, with its central differences."""

    def evaluate(theta):
        steps = DIFFERENCE * np.eye(len(theta))
        values = function(theta + np.concatenate([steps, -steps, np.zeros((1, len(theta)))]))
        plus, minus = values[: len(theta)], values[len(theta) : -1]
        return values[-1], (plus - minus).T / (2 * DIFFERENCE)

    return evaluate
