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
        outside = there < -VIOLATED * self.norms
        outside[np.isin(self.numbers, enforced)] = False
        outside = np.flatnonzero(outside)
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


def first_walls(program, neurons, present, ends):
    """Where each of m neurons leaves its chamber, if it is on a flat, on each of q ways.

    Parameters
    ----------
    program
        Whose `walls(neuron, ends)` are all those that ways to the ends may meet.
    neurons : list of Neuron or SharedNeuron
    present, ends : list of m (k,) and of m (q, k) ndarray
        Coefficients in the neurons' bases, where the ways start and where they end.

    Returns
    -------
    shares, numbers : (q, m) ndarray
        As of `Walls.first_met`.
    """
    count = len(ends[0]), len(neurons)
    shares, numbers = np.ones(count), np.full(count, NOWHERE)
    for k, neuron in enumerate(neurons):
        if len(neuron.basis) > 1:
            here, there = present[k] @ neuron.basis, ends[k] @ neuron.basis
            met = program.walls(neuron, there).first_met(neuron.direction, here, there)
            shares[:, k], numbers[:, k] = met
    return shares, numbers
