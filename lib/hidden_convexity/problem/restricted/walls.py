"""Where neurons on their way meet the hyperplanes of rows: the walls of their cones."""

from typing import NamedTuple

import numpy as np

# Relative to a row's and a weight's norm: rows nearer to a neuron than this are its tight rows. A
# row is either tight, and then in the neuron's flat, or on a side that the neuron must keep.
TIGHT = 1e-10
# Cone rows violated by less, relative to a row's and a weight's norm, are rounding.
VIOLATED = 1e-9
# In the place of the number of a wall.
NOWHERE = -1


class Walls(NamedTuple):
    """Hyperplanes, on whose side a neuron is to stay.

    Attributes
    ----------
    numbers : (k,) ndarray of int
        What the caller calls them.
    rows, norms : (k, d) and (k,) ndarray
        Their normals, and the lengths of these.
    """

    numbers: np.ndarray
    rows: np.ndarray
    norms: np.ndarray

    def crossed(self, direction, weights, enforced):
        """Numbers of those crossed on the way from a direction (d,) to weights (d,).

        Returns
        -------
        list of int
            The one crossed first and the one crossed deepest; none if all that are crossed are
            enforced.
        """
        here, there = self._inside(direction, direction, weights / np.linalg.norm(weights))
        outside = np.flatnonzero(there < -VIOLATED * self.norms)
        if enforced:
            outside = outside[~np.isin(self.numbers[outside], enforced)]
        if len(outside) == 0:
            return []
        here, there = here[outside], there[outside]
        found = np.argmin(here / (here - there)), np.argmin(there / self.norms[outside])
        return self.numbers[outside[list(found)]].tolist()

    def first_met(self, direction, weights, ends):
        """Where straight ways from weights (d,) to ends (q, d) leave the chamber of a direction.

        Returns
        -------
        shares : (q,) ndarray
            Of each way; 1 if it does not.
        numbers : (q,) ndarray of int
            Of the one that is met first, or NOWHERE.
        """
        here, *there = self._inside(direction, weights, *ends)
        shares, numbers = np.ones(len(ends)), np.full(len(ends), NOWHERE)
        for k, (heights, end) in enumerate(zip(there, ends, strict=True)):
            crossed = np.flatnonzero(heights < -VIOLATED * np.linalg.norm(end) * self.norms)
            if len(crossed):
                start = np.maximum(here[crossed], 0.0)
                reached = start / (start - heights[crossed])
                first = np.argmin(reached)
                shares[k], numbers[k] = reached[first], self.numbers[crossed[first]]
        return shares, numbers

    def _inside(self, direction, *points):
        """How far inside points are, on the side of a direction, (k,) each; 0 for tight rows."""
        products = np.stack([direction, *points]) @ self.rows.T
        side = np.where(np.abs(products[0]) <= TIGHT * self.norms, 0.0, np.sign(products[0]))
        return products[1:] * side


def first_walls(X, row_norms, neurons, present, moved):
    """For each neuron, the share of its way at which a wall is met, and its row; or 1, and None.

    As `Walls.first_met`, for all neurons and rows at once: where steps are many, and data few.

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
    for j, crossing in enumerate(reached < -VIOLATED * lengths[:, None] * row_norms):
        crossed = np.flatnonzero(crossing)
        if len(crossed):
            height = np.maximum(sides[j, crossed] * here[j, crossed], 0.0)
            shares = height / (height - reached[j, crossed])
            first = np.argmin(shares)
            walls[moving[j]] = float(shares[first]), int(crossed[first])
    return walls
