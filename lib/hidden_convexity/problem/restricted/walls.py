"""Where neurons on their way meet the hyperplanes of rows: the walls of their cones."""

import numpy as np

from hidden_convexity.problem.restricted.passes import TIGHT

# Angle beyond a hyperplane from which on its row is crossed.
CROSSED = 1e-9


def first_walls(X, row_norms, neurons, present, moved):
    """For each neuron, the share of its way at which a wall is met, and its row; or 1, and None.

    Parameters
    ----------
    X : (n, d) ndarray
    row_norms : (n,) ndarray
        Its rows' lengths.
    neurons : list of SharedNeuron
    present, moved : list of pairs of ndarray
        Coefficients in the neurons' bases, and output weights, at the start and the end of the way.

    Returns
    -------
    list of (float, int or None)
    """
    walls = [(1.0, None)] * len(neurons)
    moving = [k for k, one in enumerate(neurons) if len(one.basis) > 1]
    if not moving:
        return walls
    ends = [
        (neurons[k].direction, present[k][0] @ neurons[k].basis, moved[k][0] @ neurons[k].basis)
        for k in moving
    ]
    products = np.concatenate(ends).reshape(-1, X.shape[1]) @ X.T
    reference, here, there = products[::3], products[1::3], products[2::3]
    sides = np.where(np.abs(reference) <= TIGHT * row_norms, 0.0, np.sign(reference))
    reached = sides * there
    lengths = np.array([np.linalg.norm(end) for *_, end in ends])
    for j, crossing in enumerate(reached < -CROSSED * lengths[:, None] * row_norms):
        crossed = np.flatnonzero(crossing)
        if len(crossed):
            height = np.maximum(sides[j, crossed] * here[j, crossed], 0.0)
            shares = height / (height - reached[j, crossed])
            first = np.argmin(shares)
            walls[moving[j]] = float(shares[first]), int(crossed[first])
    return walls
