"""Two trained networks laid side by side: their neurons matched, and the barrier between them.

Neurons have no order, so the straight line of weights between two networks means little before they
are put in one. Ainsworth, Hayase and Srinivasa (2023), arXiv:2209.04836, match weights by an
assignment; Entezari et al. (2022), arXiv:2110.06296, conjecture that between networks of descent,
so matched, no barrier is left.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from hidden_convexity.foundations.validation import whole_number
from hidden_convexity.landscape.minima import check_pair
from hidden_convexity.landscape.plain_networks import data_of
from hidden_convexity.problem.network import ReLUNetwork


def align(network, other):
    """Put the neurons of another network in the order in which they are nearest to a network's.

    Both are balanced first, so that each neuron is a point (w_j, a_j). Of all orders the one with
    the least sum of squared distances is found exactly, as an assignment problem. The outputs of
    `other` stay what they are.

    Parameters
    ----------
    network, other : ReLUNetwork
        With output weights (m,) each, of as many inputs; idle neurons, of weights zero, fill up the
        smaller one.

    Returns
    -------
    first, second : ReLUNetwork
        `network` and `other`, balanced, with equally many neurons, matched place by place.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, has several outputs, or the inputs are not as many.

    References
    ----------
    Ainsworth, Hayase and Srinivasa (2023), arXiv:2209.04836, weight matching.
    """
    first, second = _points(network, "network"), _points(other, "other")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"other must have {first.shape[1] - 1} inputs, as network has, got "
            f"{second.shape[1] - 1}"
        )
    first, second = _filled(first, len(second)), _filled(second, len(first))
    # |p - q|^2 = |p|^2 - 2 p.q + |q|^2, and the squares are in every sum.
    _, order = linear_sum_assignment(first @ second.T, maximize=True)
    return _network(first), _network(second[order])


def barrier(network, other, problem, points=101):
    """The highest rise of P on the straight line of weights between two networks.

    The rise is over the straight line between the two ends' P, as in the literature, so it is 0 at
    either end, and a convex P would have none. Of a line, finitely many points are looked at: what
    is found is a lower bound of the barrier.

    Parameters
    ----------
    network, other : ReLUNetwork
        With output weights (m,) and equally many neurons: `align` makes them so, and without it the
        order of the neurons decides.
    problem : TrainingProblem
        With y of shape (n,).
    points : int
        Evenly spaced points of the line, both ends included, >= 2.

    Returns
    -------
    float
        In units of P, >= 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, there are several outputs, or one network is larger.

    References
    ----------
    Entezari, Sedghi, Saukh and Neyshabur (2022), arXiv:2110.06296.
    """
    check_pair(network, problem)
    check_pair(other, problem, "other")
    data_of(network, problem.X), data_of(other, problem.X, "other")
    if len(network) != len(other):
        raise ValueError(
            f"network and other must have equally many neurons, got {len(network)} and "
            f"{len(other)}; align(network, other) fills up the smaller one"
        )
    share = np.linspace(0.0, 1.0, whole_number(points, "points", 2))
    heights = np.array([problem.objective(_between(network, other, t)) for t in share])
    return float(np.max(heights - (1 - share) * heights[0] - share * heights[-1]))


def _between(network, other, t):
    return ReLUNetwork(
        (1 - t) * network.hidden_weights + t * other.hidden_weights,
        (1 - t) * network.output_weights + t * other.output_weights,
    )


def _points(network, name):
    """(m, d + 1): weights and output weight of each neuron that computes something, balanced."""
    if not isinstance(network, ReLUNetwork):
        raise TypeError(f"{name} must be a ReLUNetwork, got {type(network).__name__}")
    data_of(network, np.ones((1, network.hidden_weights.shape[1])), name)
    if network.output_weights.ndim != 1:
        raise ValueError(f"{name} must have output_weights of shape (m,)")
    balanced = network.balance()
    return np.column_stack([balanced.hidden_weights, balanced.output_weights])


def _filled(points, count):
    return np.pad(points, ((0, max(count - len(points), 0)), (0, 0)))


def _network(points):
    return ReLUNetwork(points[:, :-1], points[:, -1])
