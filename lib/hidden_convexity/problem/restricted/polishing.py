"""Newton steps that follow the solver: what the dual constraint needs beyond an optimal value.

An interior point method leaves the objective right to about 1e-11, hence the dual constraint only
to its square root, and neurons that it cannot tell from vanished ones.
"""

from dataclasses import replace

import numpy as np

from hidden_convexity.problem.restricted.group_lasso import change, newton
from hidden_convexity.problem.restricted.neurons import coefficients, groups_of, with_coefficients
from hidden_convexity.problem.restricted.walls import NOWHERE

# Whole Newton steps; the first takes the solver's 1e-11 to about 1e-12, the second to rounding.
POLISHING_STEPS = 2
# P is evaluated to this, relative.
ROUNDING = 1e-14
# Where a neuron is stopped, if not by the row of this number: nowhere, or on its way through zero.
WHOLE, ZERO = NOWHERE, -2


def polish(program, neurons):
    """Solved neurons after Newton steps, with those off their piece that do not belong there.

    A step goes on until a length vanishes or a wall is met; that neuron is then left out, or stays
    on the wall. Steps after which P is higher are not taken.
    """
    whole = 0
    for _ in range(len(neurons) + POLISHING_STEPS):
        if not neurons or whole == POLISHING_STEPS:
            break
        height = program.objective(neurons)
        steps = list(_steps(program, neurons, ROUNDING * height))
        # The last is the lowest, unless the model misleads because it is not the loss itself.
        for stepped, is_whole in reversed(steps):
            if program.objective(stepped) <= (1 + ROUNDING) * height:
                neurons, whole = stepped, whole + is_whole
                break
        else:
            break
    return neurons


def _steps(program, neurons, rounding):
    """The neurons after one step, two, ... up to a whole one, and whether it is one.

    No pass over the data is needed: the model of those that are left follows from that of all.
    """
    present, (gram, slope) = coefficients(neurons), program.quadratic(neurons)
    for _ in range(len(present) + 1):
        groups = groups_of(neurons)
        ends = newton(gram, slope, program.beta, groups, present)
        shares, numbers = _ways(program, neurons, groups, present, ends)
        points = present + shares.min(axis=1, keepdims=True) * (ends - present)
        gains = [change(gram, slope, program.beta, groups, present, point) for point in points]
        # Of steps that only rounding tells apart the first, which is damped most.
        best = np.argmin(np.round(np.nan_to_num(gains, nan=np.inf) / rounding))
        if not gains[best] <= rounding:
            break
        point = points[best]
        neurons = with_coefficients(neurons, groups, point)
        stops = _stops(shares[best], numbers[best], groups, point)
        if not stops:
            yield neurons, True
            break
        # From the coefficients of all to those of what is left.
        kept, left, rows = np.eye(len(present)), [], []
        for k, (neuron, group) in enumerate(zip(neurons, groups, strict=True)):
            after = _stopped(program, neuron, stops[k]) if k in stops else [neuron]
            left += after
            rows += [one.basis @ neuron.basis.T @ kept[group] for one in after]
        yield left, False
        if not left:
            break
        neurons, kept = left, np.concatenate(rows)
        slope = kept @ (slope - gram @ (point - present))
        gram, present = kept @ gram @ kept.T, kept @ point


def _stops(shares, numbers, groups, point):
    """The neurons that end a step (m,) at the share that is least, several if they tie: what each
    meets. Those that end it at zero are among them.
    """
    lengths = np.sqrt(np.add.reduceat(point * point, [group[0] for group in groups]))
    met = (shares <= shares.min()) & (numbers != WHOLE)
    return {
        int(k): ZERO if lengths[k] == 0 else int(numbers[k])
        for k in np.flatnonzero(met | (lengths == 0))
    }


def _ways(program, neurons, groups, present, ends):
    """Shares (q, m) of the ways to ends (q, K) at which neurons stop, and the row they meet there.

    In the place of a row it is ZERO, on the way through zero, or WHOLE.
    """
    shares, rows = np.ones((len(ends), len(groups))), np.full((len(ends), len(groups)), WHOLE)
    for k, (neuron, group) in enumerate(zip(neurons, groups, strict=True)):
        if len(group) > 1:
            here, there = present[group] @ neuron.basis, ends[:, group] @ neuron.basis
            met = program.walls(neuron, there).first_met(neuron.direction, here, there)
            shares[:, k], rows[:, k] = met
    firsts = [group[0] for group in groups]
    here = np.add.reduceat(present * present, firsts)
    there = np.add.reduceat(present * ends, firsts, axis=1)
    # Past zero the norm is nothing like its model here: there a neuron on a flat does not start.
    single = np.array([len(group) == 1 for group in groups])
    to_zero = np.where(single, here / (here - np.minimum(there, 0.0)), 0.0)
    return np.where(there <= 0, to_zero, shares), np.where(there <= 0, ZERO, rows)


def _stopped(program, neuron, row):
    """What is left of a neuron that was stopped by a row, or on its way through zero: at most one.

    One on a flat may still grow, along itself.
    """
    if row != ZERO:
        return [program.settle(replace(neuron, walls=(int(row),)), np.array([True]))]
    if len(neuron.basis) == 1 or not neuron.weights.any():
        return []
    return [program.along(neuron.weights, neuron.sign)]
