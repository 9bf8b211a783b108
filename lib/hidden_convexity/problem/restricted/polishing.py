"""Newton steps that follow the solver: what the dual constraint needs beyond an optimal value.

An interior point method leaves the objective right to about 1e-11, hence the dual constraint only
to its square root, and neurons that it cannot tell from vanished ones.
"""

from dataclasses import replace

import numpy as np

from hidden_convexity.problem.restricted.group_lasso import newton
from hidden_convexity.problem.restricted.neurons import coefficients, groups_of, with_coefficients

# Cone rows violated by less, relative to a row's and a weight's norm, are rounding.
VIOLATED = 1e-9
# Whole Newton steps; the first takes the solver's 1e-11 to about 1e-12, the second to rounding.
POLISHING_STEPS = 2
# P is evaluated to this, relative.
ROUNDING = 1e-14


def polish(program, neurons):
    """Solved neurons after Newton steps, with those off their piece that do not belong there.

    A step goes on until a length vanishes or a wall is met; that neuron is then left out, or stays
    on the wall. A step that climbs is not taken.
    """
    whole = 0
    for _ in range(len(neurons) + POLISHING_STEPS):
        if not neurons or whole == POLISHING_STEPS:
            break
        groups, present = groups_of(neurons), coefficients(neurons)
        best, height = None, (1 + ROUNDING) * program.objective(neurons)
        for moved in newton(*program.quadratic(neurons), program.beta, groups, present):
            stepped, is_whole = _until_met(program, neurons, groups, present, moved)
            if (reached := program.objective(stepped)) <= height:
                best, height = (stepped, is_whole), (1 - ROUNDING) * reached
        if best is None:
            break
        neurons, whole = best[0], whole + best[1]
    return neurons


def _until_met(program, neurons, groups, present, moved):
    """The neurons moved as far as all of them stay on their piece; and whether that was all."""
    share, met = 1.0, None
    for k, (neuron, group) in enumerate(zip(neurons, groups, strict=True)):
        here, there = present[group] @ present[group], present[group] @ moved[group]
        if there <= 0 and len(group) > 1:
            # On its way through zero, past which the norm is nothing like its model here.
            ray = replace(program.ray(neuron.weights, neuron.sign), weights=neuron.weights)
            return [*neurons[:k], ray, *neurons[k + 1 :]], False
        meetings = [(here / (here - there), None)] if there <= 0 else []
        if len(group) > 1:
            meetings = _meetings(program, neuron, neuron.basis.T @ moved[group])
        for reached, row in meetings:
            if reached < share:
                share, met = reached, (k, row)
    stepped = with_coefficients(neurons, groups, present + share * (moved - present))
    if met is not None:
        k, row = met
        if row is None:
            del stepped[k]
        else:
            stepped[k] = program.settle(replace(stepped[k], walls=(row,)), np.array([True]))
    return stepped, met is None


def _meetings(program, neuron, there):
    """Shares of the way from a neuron's weights (d,) at which rows are met, and the rows."""
    for row in program.crossed(neuron, there):
        inward = program.inward(replace(neuron, walls=(row,)))[0]
        here = max(inward @ neuron.weights, 0.0)
        yield here / (here - inward @ there), row
