"""Neurons of the convex program over a few cones, and the flats on which they move."""

from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np

from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.problem.restricted.walls import TIGHT


@dataclass(frozen=True, eq=False)
class Neuron:
    """A weight vector that may move on a flat within the closed cone of its activation pattern.

    Attributes
    ----------
    direction : (d,) ndarray
        Unit vector whose pattern the neuron keeps.
    sign : float
        Sign of the output weight, 1 or -1.
    basis : (k, d) ndarray
        Orthonormal rows that span the flat; k = 1 if the neuron can only grow and shrink.
    walls : tuple of int
        Rows of X whose side is enforced.
    weights : (d,) ndarray
        u = |a| w, the neuron's contribution to the convex program; zero before it is trained.
    """

    direction: np.ndarray
    sign: float
    basis: np.ndarray
    walls: tuple[int, ...] = ()
    weights: np.ndarray = field(default=None)


@dataclass(frozen=True, eq=False)
class SharedNeuron:
    """A neuron that may move on a flat within the closed cone of its activation pattern.

    Attributes
    ----------
    direction : (d,) ndarray
        Unit vector whose pattern the neuron keeps.
    basis : (k, d) ndarray
        Orthonormal rows that span the flat; k = 1 if the neuron can only grow and shrink, along
        the basis itself.
    inner : (k,) ndarray
        b: the hidden weights are basis' b.
    outer : (c,) ndarray
        a, the output weights; of a neuron without length, where they point.
    """

    direction: np.ndarray
    basis: np.ndarray
    inner: np.ndarray
    outer: np.ndarray

    @property
    def weights(self):
        """Hidden weights (d,)."""
        return self.basis.T @ self.inner

    @property
    def size(self):
        """||u|| ||a||, what the neuron costs."""
        return sqrt(self.inner @ self.inner) * sqrt(self.outer @ self.outer)


def null_space(rows, direction):
    """Orthonormal basis (k, d) of the vectors orthogonal to the rows; it spans the direction."""
    d = len(direction)
    # A flat of one dimension is a ray: its basis must point along the direction, not against it.
    if d - min(len(rows), 1) <= 1:
        return direction[None, :]
    if len(rows) == 0:
        return np.eye(d)
    unit = unit_rows(rows)
    # Of many rows the left factor would be a square of them: an edge filter has 1e5 tight patches.
    _, singular, right = np.linalg.svd(unit, full_matrices=len(unit) < d)
    rank = int((singular > np.sqrt(TIGHT)).sum())
    return right[rank:] if d - rank > 1 else direction[None, :]


def null_space_within(basis, rows):
    """Orthonormal basis of the part of span(basis) that is orthogonal to the rows."""
    _, singular, right = np.linalg.svd(rows @ basis.T, full_matrices=True)
    return right[int((singular > np.sqrt(TIGHT)).sum()) :] @ basis


def groups_of(neurons):
    """Which coefficients are whose, all neurons' put one after the other."""
    ends = np.cumsum([len(neuron.basis) for neuron in neurons])
    return np.split(np.arange(ends[-1]), ends[:-1])


def coefficients(neurons):
    """The weights in the neurons' bases, one after the other."""
    return np.concatenate([neuron.basis @ neuron.weights for neuron in neurons])


def with_coefficients(neurons, groups, coefficients):
    """The neurons with weights from coefficients in their bases."""
    return [
        replace(neuron, weights=neuron.basis.T @ coefficients[group])
        for neuron, group in zip(neurons, groups, strict=True)
    ]
