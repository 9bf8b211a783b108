"""Cone rows that are generated lazily: those that a solution violates are added until none is."""

from dataclasses import replace

import numpy as np

from hidden_convexity.problem.restricted.neurons import with_coefficients


def within_cones(program, neurons, groups, minimise):
    """Minimise over neurons within their cones.

    Parameters
    ----------
    program : RestrictedProgram
        Whose rows the cones are of.
    neurons : list of Neuron
    groups : list of (k,) ndarray of int
        Which coefficients are whose.
    minimise : callable
        From each neuron's walls in its basis, a list of (w, k) ndarray, to the coefficients (K,)
        and the multipliers of the walls, as `group_lasso` returns them.

    Returns
    -------
    neurons : list of Neuron
        With the weights and the walls of the minimum; those that vanish have the weight zero.
    coefficients : (K,) ndarray
    tight : list of (w,) ndarray of bool
        Which of each neuron's walls are tight.
    """
    neurons = list(neurons)
    walls = [_in_basis(program, neuron) for neuron in neurons]
    while True:
        solution, multipliers = minimise(walls)
        crossed = [
            _crossed(program, neuron, solution[group])
            for neuron, group in zip(neurons, groups, strict=True)
        ]
        if not any(crossed):
            break
        for k, rows in enumerate(crossed):
            if rows:
                neurons[k] = replace(neurons[k], walls=tuple({*neurons[k].walls, *rows}))
                walls[k] = _in_basis(program, neurons[k])
    tight = [
        multiplier > wall @ solution[group]
        for multiplier, wall, group in zip(multipliers, walls, groups, strict=True)
    ]
    return with_coefficients(neurons, groups, solution), solution, tight


def _in_basis(program, neuron):
    """Inward normals of the neuron's walls in its basis, (w, k)."""
    if not neuron.walls:
        return np.zeros((0, len(neuron.basis)))
    return program.inward(neuron) @ neuron.basis.T


def _crossed(program, neuron, coefficients):
    """The row that a neuron on its way to coefficients (k,) crosses first, and the deepest one."""
    if len(coefficients) == 1 or not coefficients.any():
        return []
    weights = neuron.basis.T @ coefficients
    walls = program.walls(neuron, weights[None])
    return walls.crossed(neuron.direction, weights, neuron.walls)
