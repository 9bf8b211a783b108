"""The program over a few cones for the hinge loss, which has no quadratic model: as it stands.

    min  sum_i w_i xi_i + beta sum_j ||c_j||   subject to   xi >= 1 - y * (F c),   xi >= 0,

and the walls of the cones, with the features F = [s_j D_j X B_j]. Its multipliers q of the margins,
0 <= q <= w, are what the loss has in the place of a gradient: nu = q * y meets |F_j'nu| <= beta for
the neurons of the program, and is where the oracle looks for others. A subgradient at the outputs
alone does not, as the samples whose margin is 1 may have any q.
"""

import clarabel
import numpy as np
from scipy import sparse

from hidden_convexity.foundations import conic_program
from hidden_convexity.problem.restricted.group_lasso import (
    REGULARIZATION,
    SOLVER_TOLERANCE,
    VANISHED,
)
from hidden_convexity.problem.restricted.lazy_walls import within_cones
from hidden_convexity.problem.restricted.neurons import groups_of
from hidden_convexity.problem.restricted.passes import Passes, PooledPasses
from hidden_convexity.problem.restricted.program import RestrictedProgram

# Neurons without weight whose |F_j'nu| is this share of beta or more are kept, the tightest of them
# and this many at most.
TIGHT_SHARE, MOST_IDLE = 0.99, 200


class HingeProgram(RestrictedProgram):
    """Solves the convex program over given neurons for the hinge loss.

    Takes the place of `RestrictedProgram`; arguments are the same.
    """

    def __init__(self, problem, passes, basis):
        super().__init__(problem, passes, basis)
        kept = isinstance(passes, PooledPasses)
        self._features = (passes if kept else Passes(passes.X)).features
        self._multipliers, self._idle = None, []

    def residual(self, outputs):
        """The dual point (n,) of the last program solved; before there is one, a subgradient's."""
        if self._multipliers is None:
            return self.problem.loss_residual(outputs)
        return self.y * self._multipliers

    def polish(self, neurons):
        """The neurons themselves: Newton's method has no second derivatives to go by."""
        return neurons

    def solve(self, neurons):
        """Optimal weights for the given neurons; those that vanish are left out.

        They are not forgotten, if they are tight: the multipliers of an optimum are not unique, and
        only neurons in the program, with weight or without, keep those out that violate theirs.
        """
        if not neurons:
            return []
        neurons = neurons + self._idle
        groups = groups_of(neurons)
        features = self._signed_features(neurons)
        height = self.objective([neuron for neuron in neurons if neuron.weights.any()])

        def minimise(walls):
            solution, self._multipliers, tight = self._optimum(features, groups, walls, height)
            return solution, tight

        neurons, _, tight = within_cones(self, neurons, groups, minimise)
        self._idle = self._tight(features, groups, neurons)
        return [
            self.settle(neuron, rows)
            for neuron, rows in zip(neurons, tight, strict=True)
            if neuron.weights.any()
        ]

    def _tight(self, features, groups, neurons):
        """The neurons without weight that the dual point is held by."""
        along = features.T @ (self.y * self._multipliers)
        heights = np.array([np.linalg.norm(along[group]) for group in groups]) / self.beta
        order = np.argsort(-heights, kind="stable")
        idle = [k for k in order if heights[k] >= TIGHT_SHARE and not neurons[k].weights.any()]
        return [neurons[k] for k in idle[:MOST_IDLE]]

    def _signed_features(self, neurons):
        sizes = [len(neuron.basis) for neuron in neurons]
        directions = np.stack([neuron.direction for neuron in neurons])
        columns = np.concatenate([neuron.basis for neuron in neurons])
        owner = np.repeat(np.arange(len(neurons)), sizes)
        signs = np.repeat([neuron.sign for neuron in neurons], sizes)
        return signs * self._features(directions, columns, owner)

    def _optimum(self, features, groups, walls, height):
        """Coefficients (K,), multipliers of the margins (n,) and of each group's walls.

        Features are scaled to unit norm and outputs to that of the labels, as in `group_lasso`,
        whose conventions for groups and walls these are; and P to `height`, since the solver's
        tolerance is absolute.
        """
        n, K = features.shape
        weights, scale = self.problem.loss_function.weights * np.ones(n), np.sqrt(n)
        lengths = np.linalg.norm(features, axis=0)
        sizes = np.array([lengths[group].max() for group in groups])
        sizes[sizes == 0] = 1.0
        unit = np.repeat(scale / sizes, [len(group) for group in groups])
        single = [k for k, group in enumerate(groups) if len(group) == 1]
        wide = [k for k, group in enumerate(groups) if len(group) > 1]
        price = self.beta / height * scale / sizes

        # Unknowns: coefficients, lengths of wide groups, slacks of the margins.
        cost = np.concatenate([np.zeros(K), price[wide], weights / height])
        alone = np.array([groups[k][0] for k in single], dtype=int)
        cost[alone] = price[single]
        margins = sparse.csc_array(-self.y[:, None] * features * unit)
        slacks, none = sparse.eye_array(n), sparse.csc_array((n, len(wide)))
        chosen = -sparse.eye_array(K, format="csr")[alone]
        parts = [
            [margins, none, -slacks],
            [sparse.csc_array((n, K)), none, -slacks],
            [chosen, sparse.csc_array((len(alone), len(wide) + n)), None],
        ]
        top = sparse.vstack(
            [sparse.hstack([one for one in row if one is not None]) for row in parts]
        )
        below, cones = [], [clarabel.NonnegativeConeT(0)]
        walled = [k for k in wide if len(walls[k])]
        for k in walled:
            rows = np.zeros((len(walls[k]), K + len(wide)))
            rows[:, groups[k]] = -walls[k]
            below.append(rows)
        flat = sum(len(rows) for rows in below)
        for position, k in enumerate(wide):
            rows = np.zeros((1 + len(groups[k]), K + len(wide)))
            rows[np.arange(len(rows)), [K + position, *groups[k]]] = -1.0
            below.append(rows)
            cones.append(clarabel.SecondOrderConeT(len(rows)))
        cones[0] = clarabel.NonnegativeConeT(2 * n + len(alone) + flat)
        constraints = top
        if below:
            rows = sparse.csc_array(np.concatenate(below))
            rest = sparse.hstack([rows, sparse.csc_array((rows.shape[0], n))])
            constraints = sparse.vstack([top, rest])
        bounds = np.zeros(constraints.shape[0])
        bounds[:n] = -1.0
        result = conic_program.solve(
            None,
            cost,
            sparse.csc_matrix(constraints),
            bounds,
            cones,
            SOLVER_TOLERANCE,
            REGULARIZATION,
        )
        coefficients, dual = np.array(result.x[:K]), np.array(result.z)
        for group in groups:
            length = np.linalg.norm(coefficients[group])
            if length <= VANISHED or (len(group) == 1 and coefficients[group[0]] < 0):
                coefficients[group] = 0.0
        multipliers, start = [np.zeros(len(wall)) for wall in walls], 2 * n + len(alone)
        for k in walled:
            stop = start + len(walls[k])
            multipliers[k] = dual[start:stop] * scale / sizes[k]
            start = stop
        return coefficients * unit, np.clip(dual[:n] * height, 0.0, weights), multipliers
