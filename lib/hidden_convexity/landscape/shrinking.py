"""Networks of fewer neurons than an optimum needs: what each neuron less costs."""

import numpy as np

from hidden_convexity.foundations.validation import whole_number
from hidden_convexity.landscape import newton
from hidden_convexity.landscape.minima import check_pair
from hidden_convexity.problem.network import ReLUNetwork


def prune_below(network, problem, neurons):
    """Take away one neuron after the other, each time the one that is missed least.

    `ReLUNetwork.prune` stops where a neuron less changes the outputs. From there on P has to rise.
    Every neuron is left out in turn, what remains descends to a local minimum, and the lowest of
    these is kept. That is a search: of so many neurons there may be a better network.

    Parameters
    ----------
    network : ReLUNetwork
        With output weights (m,); it is pruned first.
    problem : TrainingProblem
        With the squared loss and y of shape (n,).
    neurons : int
        Where to stop, >= 0.

    Returns
    -------
    list of ReLUNetwork
        Local minima, the pruned network's first, each with fewer neurons than the one before it;
        the last has at most `neurons`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, there are several outputs, or the loss is another.

    References
    ----------
    Mishkin and Pilanci (2023), arXiv:2306.00119, on pruning beyond the smallest optimum.
    """
    check_pair(network, problem)
    neurons = whole_number(neurons, "neurons", 0)
    smaller = [newton.descend(network.prune(problem.X), problem)]
    while len(smaller[-1]) > neurons:
        smaller.append(_one_less(smaller[-1], problem))
    return smaller


def _one_less(network, problem):
    ends = []
    for left_out in range(len(network)):
        kept = np.arange(len(network)) != left_out
        rest = ReLUNetwork(network.hidden_weights[kept], network.output_weights[kept])
        ends.append(newton.descend(rest, problem))
    return min(ends, key=problem.objective)
