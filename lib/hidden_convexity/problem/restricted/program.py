"""The convex program over a few cones: a small group Lasso that does not grow with n.

Each neuron keeps its activation pattern D and moves on a flat, the null space of the rows that are
tight at it: u = B c with an orthonormal basis B. With the features F = [D_j X B_j] the program is

    min  loss(F c) + beta sum_j ||c_j||   subject to   (2 D_j - I) X B_j c_j >= 0.

The loss is replaced by its quadratic model at the present outputs, which is the loss itself if it
is squared; then only the Gram matrix F^T H F with the second derivatives H and the gradient enter.
The cone's rows are generated lazily.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.problem.encoding import decoded
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.restricted.consolidation import consolidate
from hidden_convexity.problem.restricted.fitted import Fitted
from hidden_convexity.problem.restricted.group_lasso import change, group_lasso
from hidden_convexity.problem.restricted.lazy_walls import within_cones
from hidden_convexity.problem.restricted.neurons import (
    Neuron,
    coefficients,
    groups_of,
    null_space,
    null_space_within,
)
from hidden_convexity.problem.restricted.polishing import polish
from hidden_convexity.problem.restricted.walls import VIOLATED

# Strength of the proximal term, relative to features of unit norm, at first and at least; share of
# a step's gain that the term may cost before it counts as what binds, and the factor by which it is
# then weakened.
PROXIMAL, LEAST_PROXIMAL, BINDING, WEAKER = 1e-9, 1e-14, 0.1, 0.1
# Quadratic models of a loss minimised in a row, relative decrease below which they have converged,
# and halvings of a step that climbs.
MODELS, SAME_HEIGHT, HALVINGS = 20, 1e-12, 12


class RestrictedProgram:
    """Solves the convex program over given neurons, again and again as they come and go.

    Parameters
    ----------
    problem : TrainingProblem
        With y of shape (n,).
    passes : Passes, PooledPasses or Circle
        Computes predictions, correlations and Gram matrices on its rows, in coordinates.
    basis : (d, r) ndarray
        Of the coordinates.
    """

    # Whether `solve` ends at the optimum, to rounding.
    precise = True
    # Largest violation, relative to beta, below which the precision of the solutions is what keeps
    # the gap from closing.
    polish_below = 1e-4

    def __init__(self, problem, passes, basis):
        self.problem, self.passes, self.basis = problem, passes, basis
        self.X, self.y, self.beta = passes.X, problem.y, problem.beta
        self.free_terms = problem.free_terms
        self._fitted = Fitted(problem, self._own_outputs)
        self._proximal = PROXIMAL
        self._scale = float(np.linalg.norm(np.sqrt(problem.loss_function.weights) * self.y))

    def neuron(self, direction, sign):
        """A neuron of weight zero in a unit direction (d,), on the flat of the rows tight there."""
        rows = self.X[self.passes.tight_rows(direction)]
        return Neuron(direction, float(sign), null_space(rows, direction), (), 0 * direction)

    def ray(self, direction, sign):
        """A neuron of weight zero that can only grow along its direction."""
        unit = direction / np.linalg.norm(direction)
        return Neuron(unit, float(sign), unit[None, :], (), 0 * unit)

    def along(self, weights, sign):
        """A neuron of these weights (d,), which are not zero, that can only grow along them."""
        return replace(self.ray(weights, sign), weights=weights)

    def heads(self, residual, found):
        """Output weights, 1 or -1, with which neurons in the directions found violate the dual."""
        return np.sign(found.values)

    def has(self, neurons, direction, sign, angle):
        """Whether a neuron that only grows is there already, to within an angle.

        (u, +) and (-u, -) are two neurons: they see different samples.
        """
        return any(
            len(one.basis) == 1
            and one.sign == sign
            and np.abs(one.direction - direction).max() < angle
            for one in neurons
        )

    def outputs(self, neurons):
        """Outputs of the neurons on the data (n,), with the best free terms; not to be written."""
        return self._fitted(*self._layers(neurons))

    def _own_outputs(self, weights, signs):
        return self.passes.predict(weights, signs) if len(signs) else np.zeros(len(self.y))

    def _layers(self, neurons):
        weights = np.reshape([one.weights for one in neurons], (-1, self.X.shape[1]))
        return weights, np.array([one.sign for one in neurons])

    def residual(self, outputs):
        """Minus the gradient of the loss (n,), as free terms ask of a dual point."""
        return self._fitted.residual(outputs)

    def network(self, neurons):
        """The network (||w|| = |a|) of neurons, with the best free terms, in the data's columns."""
        weights, signs = self._layers(neurons)
        free = self._fitted.free_weights(weights, signs)
        weights, positive = weights @ self.basis.T, signs > 0
        hidden, output = decoded(weights[positive].T, weights[~positive].T)
        return ReLUNetwork(hidden, output, self.problem.slope, **free)

    def objective(self, neurons, outputs=None):
        """Convex objective, equal to P of the decoded network."""
        outputs = self.outputs(neurons) if outputs is None else outputs
        lengths = np.linalg.norm(self._layers(neurons)[0], axis=1)
        return self.problem.loss_value(outputs) + self.beta * float(lengths.sum())

    def solve(self, neurons):
        """Optimal weights for the given neurons; those that vanish are left out."""
        if self.problem.loss == "squared":
            return self._minimise_model(neurons)
        height = self.objective(neurons)
        for _ in range(MODELS):
            solved = self._minimise_model(neurons)
            lower = self.objective(solved)
            if lower >= height:
                # The model's minimum overshoots: somewhere on the way to it the loss is lower.
                solved, lower = self._part_of_the_way(neurons, solved, height)
            converged = lower >= height * (1 - SAME_HEIGHT)
            neurons, height = solved, lower
            if converged:
                break
        return [one for one in neurons if one.weights.any()]

    def _part_of_the_way(self, neurons, solved, height):
        """Both lists of neurons, mixed, with the first share of the second that lowers P."""
        for halvings in range(1, HALVINGS):
            share = 0.5**halvings
            mixed = [replace(one, weights=(1 - share) * one.weights) for one in neurons]
            mixed = [one for one in mixed if one.weights.any()]
            mixed += [replace(one, weights=share * one.weights) for one in solved]
            lower = self.objective(mixed)
            if lower < height:
                return mixed, lower
        return neurons, height

    def _minimise_model(self, neurons):
        """Minimise the quadratic model of the loss at the present weights, plus the penalty.

        Cone rows that come out tight are taken into the neuron's flat.
        """
        if not neurons:
            return []
        gram, slope = self.quadratic(neurons)
        # Neighbouring neurons have nearly dependent features, on which interior point methods
        # stall. A ridge makes each solution a proximal step from the present weights.
        while True:
            ridge = self._proximal * gram.diagonal()
            solved, gained, cost = self._proximal_step(neurons, gram, slope, ridge)
            if gained <= 0 or self._proximal >= PROXIMAL:
                break
            self._proximal /= WEAKER
        # Where large neurons cancel each other, an even slight term makes thousands of steps out
        # of one: the loss hardly changes along the way, and the gain does not outweigh the term.
        if cost > BINDING * -gained > 0:
            self._proximal = max(self._proximal * WEAKER, LEAST_PROXIMAL)
        return solved

    def _proximal_step(self, neurons, gram, slope, ridge):
        """Minimise the model plus 1/2 sum ridge (c - present)^2.

        Returns
        -------
        solved, gained, cost
            Neurons, the change of the model, which is negative, and the value of the term there.
        """
        groups, present = groups_of(neurons), coefficients(neurons)
        damped = gram + np.diag(ridge)
        linear = slope + damped @ present
        minimise = partial(group_lasso, damped, linear, self.beta, self._scale, groups)
        neurons, solution, tight = within_cones(self, neurons, groups, minimise)
        gained = change(gram, slope, self.beta, groups, present, solution)
        settled = [
            self.settle(neuron, rows)
            for neuron, rows in zip(neurons, tight, strict=True)
            if neuron.weights.any()
        ]
        return settled, gained, 0.5 * float(ridge @ (solution - present) ** 2)

    def consolidate(self, neurons, allowance, before):
        """Close neurons of one sign replaced by their sums; see `consolidation`."""
        return consolidate(self, neurons, allowance, before)

    def grouped(self, neurons, angle):
        """Sums of the neurons within an angle of the longest, of the longest of the rest, ..."""
        weights = np.stack([neuron.weights for neuron in neurons])
        # Of one entry, or several where neurons stand for more than one.
        signs = np.reshape([neuron.sign for neuron in neurons], (len(neurons), -1))
        sizes = np.linalg.norm(weights, axis=1)
        unit = weights / sizes[:, None]
        left, grouped = np.argsort(-sizes, kind="stable"), []
        while len(left):
            first = left[0]
            near = np.linalg.norm(unit[left] - unit[first], axis=1) <= angle
            near &= (signs[left] == signs[first]).all(axis=1)
            if near.sum() == 1:
                grouped.append(neurons[first])
            else:
                total = weights[left[near]].sum(axis=0)
                one = self.neuron(total / np.linalg.norm(total), neurons[first].sign)
                grouped.append(replace(one, weights=total))
            left = left[~near]
        return grouped

    def polish(self, neurons):
        """Solved neurons after Newton steps; see `polishing`."""
        return polish(self, neurons)

    def quadratic(self, neurons):
        """The loss near the present weights c as 1/2 m'Gm - s.m + constant in a move m: G and s."""
        sizes = [len(neuron.basis) for neuron in neurons]
        directions = np.stack([neuron.direction for neuron in neurons])
        columns = np.concatenate([neuron.basis for neuron in neurons])
        owner = np.repeat(np.arange(len(neurons)), sizes)
        signs = np.repeat([neuron.sign for neuron in neurons], sizes)
        outputs = self.outputs([neuron for neuron in neurons if neuron.weights.any()])
        curvature = self.problem.loss_curvature(outputs)
        gram = self.passes.gram(directions, columns, owner, curvature)
        gram -= self._taken_by_free_terms(directions, columns, owner, curvature)
        gram *= signs[:, None] * signs
        # The slope is exact where it matters, at the optimum, even if the Gram matrix (prefix sums)
        # has lost digits to cancellation.
        residual = self.problem.loss_residual(outputs)
        slope = self.passes.correlate(residual, directions, columns, owner)
        return gram, signs * slope

    def _taken_by_free_terms(self, directions, columns, owner, curvature):
        """F'HZ (Z'HZ)^-1 Z'HF: what the free terms follow of the features, at no cost."""
        if len(self.free_terms) == 0:
            return 0.0
        basis = self.free_terms.basis
        weighted = basis if curvature is None else curvature[:, None] * basis
        products = [self.passes.correlate(z, directions, columns, owner) for z in weighted.T]
        inverse = np.linalg.pinv(self.free_terms.hessian(curvature), hermitian=True)
        return np.transpose(products) @ inverse @ products

    def inward(self, neuron):
        """Unit normals (w, d) of the neuron's walls, pointing into its cone."""
        if not neuron.walls:
            return np.zeros((0, self.X.shape[1]))
        rows = self.X[list(neuron.walls)]
        side = np.where(rows @ neuron.direction > 0, 1.0, -1.0)
        return side[:, None] * unit_rows(rows)

    def walls(self, neuron, ends):
        """What a neuron may meet on ways to ends (q, d); see `Passes.walls`."""
        return self.passes.walls(neuron.direction, ends)

    def settle(self, neuron, tight):
        """Take the tight walls into the flat: the neuron sits exactly on them from now on."""
        if not tight.any():
            return neuron
        basis = null_space_within(neuron.basis, self.inward(neuron)[tight])
        if len(basis) == 0:
            return neuron
        weights = basis.T @ (basis @ neuron.weights)
        if np.linalg.norm(weights) <= VIOLATED * np.linalg.norm(neuron.weights):
            return neuron  # what is left on the flat is rounding, and has no direction
        walls = tuple(row for row, on in zip(neuron.walls, tight, strict=True) if not on)
        if len(basis) == 1:
            return self.along(weights, neuron.sign)
        return replace(neuron, basis=basis, walls=walls, weights=weights)
