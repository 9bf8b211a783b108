"""Minimum-norm interpolation: the least 1/2 sum_j (||w_j||^2 + a_j^2) with f(X) = y.

It is the limit of training as beta -> 0, divided by beta. The argument of Theorem 1 does not need
the loss: balancing and merging keep the outputs, so the constraint takes the place of the loss and
the price is sum_g (||u_g|| + ||v_g||).
"""

import numpy as np
from scipy.optimize import minimize

from hidden_convexity.equivalences import descent, parts

# Descent: the weight decay of its start, and the Newton steps at its end, which converge
# quadratically, with the singular values, relative to the largest, below which one is zero.
WARM_DECAY, NEWTON_STEPS, SINGULAR = 0.03, 5, 1e-8
# Outputs this close to y, relative to the largest target, count as equal to it.
INTERPOLATES = 1e-6

table_row = parts.TableRow(
    name="ReLU, minimum-norm interpolation",
    model=r"$\sum_g(\|u_g\| + \|v_g\|)$ subject to $\sum_g D_g X(u_g - v_g) = y$, cones",
    signal="group Lasso, without noise: basis pursuit",
    citation="[Wang et al. 2022](https://arxiv.org/abs/2209.15265)",
    atoms=r"$\|u_g\|$, then $\|v_g\|$",
)


def instance(rng):
    """Seven points on a line, and a bias; targets from one neuron. The weight decay has no role."""
    X, _, beta = parts.line_instance(rng, n=7, beta=1.0)
    return X, np.maximum(X @ [rng.choice([-1.0, 1.0]), rng.uniform(-1, 1)], 0.0), beta


def objective(network, X, y, beta):
    """1/2 sum_j (||w_j||^2 + a_j^2) if the network interpolates, else infinity, whatever beta."""
    X, y, _ = parts.checked(X, y, beta)
    error = np.abs(network(X) - y).max(axis=-1)
    return np.where(error <= INTERPOLATES * np.abs(y).max(), network.decay(), np.inf)


def convex_program(X, y, beta):
    """Theorem 1 with the constraint in place of the loss; beta is not used."""
    X, y, _ = parts.checked(X, y, beta)
    groups = parts.cone_groups(X)
    return parts.Program(groups.lengths, [*groups.cones, groups.outputs == y])


decode = parts.decode_neurons
sizes = parts.group_lengths


def descend(X, y, beta, rng):
    """Sequential quadratic programming (SLSQP) with f(X) = y as constraint.

    It starts from a network trained with a small weight decay. Where it stops short of the
    constraint, at a kink, least-norm Newton steps on f(X) = y complete it.
    """
    start = parts.descend_neurons(X, y, WARM_DECAY, rng)
    weights, network = descent.flattened(start)
    decay = descent.value_and_gradient(lambda theta: network(theta).decay())
    error = descent.value_and_gradient(lambda theta: network(theta)(X) - y)
    weights = minimize(
        decay,
        weights,
        jac=True,
        method="SLSQP",
        constraints={"type": "eq", "fun": lambda t: error(t)[0], "jac": lambda t: error(t)[1]},
        options={"maxiter": 200, "ftol": 1e-12},
    ).x
    for _ in range(NEWTON_STEPS):
        residual, jacobian = error(weights)
        weights = weights - np.linalg.lstsq(jacobian, residual, rcond=SINGULAR)[0]
    return network(weights)
