"""The program over a few neurons that feed several outputs: P itself, by Newton's method on pieces.

As for one output, each neuron keeps its activation pattern D and moves on the flat of its tight
rows, u = B b, but it has an output vector a (c,) in place of a sign. The contribution of a neuron
is D X B b a'. Over one output this is convex in b a'; over several it is the factored form of a
program with nuclear norms, sum_j ||C_j||_* for C_j = b_j a_j', with few unknowns, and without the
higher ranks that are no neurons. Whether its minimum is global is not taken from it but from the
dual certificate, which sees every neuron that would lower P.
"""

from dataclasses import replace

import numpy as np

from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.restricted.consolidation import consolidate
from hidden_convexity.problem.restricted.fitted import Fitted
from hidden_convexity.problem.restricted.neurons import (
    SharedNeuron,
    null_space,
    null_space_within,
)
from hidden_convexity.problem.restricted.piece import Piece, newton_step
from hidden_convexity.problem.restricted.walls import first_walls

# Neurons this small, against the largest in ||u|| ||a||, have vanished.
VANISHED = 1e-9
# Newton steps of one solve at most, and the slope of P in each neuron, relative to beta, that ends
# them; the same for neurons that only grow, to be solved for with the others afterwards.
STEPS, FLAT = 300, 1e-10
GROWING_STEPS, GROWN = 20, 1e-2
# A step that promises less than this share of what the solve has gained ends it as well: neurons
# that are missing cost more by then, and one that should vanish takes many steps to do so.
PROMISING = 1e-3
# Damping in units of beta at first, at least and at most, and the factor between two of them.
DAMPING, LEAST_DAMPING, MOST_DAMPING, FACTOR = 1e-2, 1e-8, 1e12, 10.0
# Relative gain of a step that can't be told from rounding, and how many of these are still taken:
# the value no longer tells steps apart there, but the gradient is not yet as small as it can be.
SAME_HEIGHT, BLIND_STEPS = 1e-13, 2
# Least cosine of the output vectors of neurons that may be consolidated.
ALIKE = 0.99
# Length of a new neuron, as a share of the largest, from which it grows along its direction.
SEEDLING = 1e-2


class SharedProgram:
    """Lowers P over given neurons, again and again as they come and go.

    Parameters
    ----------
    problem : TrainingProblem
        With y of shape (n, c).
    passes : PooledPasses
        Its rows are what neurons see.
    basis : (d, r) ndarray
        Of the rows' coordinates.
    """

    # Whether `solve` and `polish` end at a minimum, to rounding.
    precise = True
    # Polishing takes many steps where a neuron is about to vanish: it can wait.
    polish_below = 1e-5

    def __init__(self, problem, passes, basis):
        self.problem, self.passes, self.basis = problem, passes, basis
        self.X, self.beta = passes.X, problem.beta
        self._row_norms = row_lengths(self.X)
        self.fitted = Fitted(problem, self._own_outputs)
        self._latest = None, ()

    def neuron(self, direction, outer):
        """A neuron without length in a unit direction (d,), on the flat of the rows tight there."""
        basis = null_space(self.X[self.passes.tight_rows(direction)], direction)
        return SharedNeuron(direction, basis, np.zeros(len(basis)), outer)

    def ray(self, direction, outer):
        """A neuron without length that can only grow along its direction."""
        return replace(self.along(direction, outer), inner=np.zeros(1))

    def along(self, weights, outer):
        """A neuron of these weights (d,), which are not zero, that can only grow along them."""
        length = np.linalg.norm(weights)
        unit = weights / length
        return SharedNeuron(unit, unit[None, :], np.array([length]), outer)

    def heads(self, residual, found):
        """Unit output weights (k, c) with which neurons in the directions found violate the dual.

        For the unit vector q along N'(Xu)_+, q'N'(Xu)_+ is the largest, ||N'(Xu)_+||.
        """
        vectors = self.passes.activations(found.directions).T @ residual
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths > 0, lengths, 1.0)

    def has(self, neurons, direction, outer, angle):
        """Whether a neuron that only grows is there already, to within an angle.

        Its output weights are free, so whichever they are.
        """
        return any(
            len(one.basis) == 1 and np.abs(one.direction - direction).max() < angle
            for one in neurons
        )

    def outputs(self, neurons):
        """Outputs on the data (n, c), with the best free terms; not to be written."""
        return self.fitted(*self._layers(neurons))

    def _own_outputs(self, weights, outer):
        return self.passes.activations(weights) @ outer

    def _layers(self, neurons):
        weights = np.reshape([one.weights for one in neurons], (-1, self.X.shape[1]))
        return weights, np.reshape([one.outer for one in neurons], (-1, self.problem.y.shape[1]))

    def features(self, neurons):
        """Features (n, K) of the neurons' bases, whose they are (K,), and for the squared loss G.

        For the squared loss without their part in the free columns, with G the Gram matrix (K, K);
        else None. From step to step most flats stay: what they make is kept.
        """
        directions = np.stack([one.direction for one in neurons])
        columns = np.concatenate([one.basis for one in neurons])
        owner = np.repeat(np.arange(len(neurons)), [len(one.basis) for one in neurons])
        key = directions.tobytes() + columns.tobytes() + owner.tobytes()
        if key != self._latest[0]:
            features, gram = self.passes.features(directions, columns, owner), None
            if self.problem.loss == "squared":
                weights, terms = self.problem.loss_function.weights, self.problem.free_terms
                free = terms.basis
                metric = terms.hessian(self.problem.loss_curvature(self.problem.y))
                features -= free @ np.linalg.solve(metric, free.T @ (weights * features))
                gram = features.T @ (weights * features)
            self._latest = key, (features, owner, gram)
        return self._latest[1]

    def residual(self, outputs):
        """Minus the gradient of the loss (n, c), as free terms ask of a dual point."""
        return self.fitted.residual(outputs)

    def objective(self, neurons, outputs=None):
        """P of the network, balanced."""
        outputs = self.outputs(neurons) if outputs is None else outputs
        return self.problem.loss_value(outputs) + self.beta * sum(one.size for one in neurons)

    def network(self, neurons):
        """The balanced network of neurons, with the best free terms, in the data's columns."""
        weights, outer = self._layers(neurons)
        free = self.fitted.free_weights(weights, outer)
        return ReLUNetwork(weights @ self.basis.T, outer, self.problem.slope, **free).balance()

    def solve(self, neurons):
        """Neurons near a minimum of P on their flats; those that vanish are left out.

        New ones first grow along their directions, while the others keep theirs. Without new ones
        nothing is missing, and steps go on however little they gain.
        """
        if all(one.inner.any() for one in neurons):
            return self.polish(neurons)
        before = self.objective([one for one in neurons if one.inner.any()])
        return self._descend(self._grow(neurons), before)

    def polish(self, neurons):
        """The neurons after Newton's method has gone on, however little it gains."""
        return self._descend(neurons)

    def consolidate(self, neurons, allowance, before):
        """Close neurons with like outputs replaced by one; see `consolidation`."""
        return consolidate(self, neurons, allowance, before)

    def grouped(self, neurons, angle):
        """The best of rank one in place of the sum of u a' within an angle of the largest, ..."""
        units = np.stack([one.weights / np.linalg.norm(one.inner) for one in neurons])
        heads = np.stack([one.outer / np.linalg.norm(one.outer) for one in neurons])
        left, grouped = np.argsort([-one.size for one in neurons], kind="stable"), []
        while len(left):
            first = left[0]
            near = np.linalg.norm(units[left] - units[first], axis=1) <= angle
            near &= heads[left] @ heads[first] >= ALIKE
            near[0] = True
            if near.sum() == 1:
                grouped.append(neurons[first])
            else:
                total = sum(np.outer(neurons[k].weights, neurons[k].outer) for k in left[near])
                grouped.append(self._rank_one(total, units[first]))
            left = left[~near]
        return grouped

    def _rank_one(self, total, along):
        """The neuron nearest to a sum of u a' (d, c), on the side of a direction."""
        left, sizes, right = np.linalg.svd(total, full_matrices=False)
        side = np.copysign(1.0, left[:, 0] @ along)
        unit, root = side * left[:, 0], np.sqrt(sizes[0])
        one = self.neuron(unit, side * root * right[0])
        return replace(one, inner=root * (one.basis @ unit))

    def _grow(self, neurons):
        """The neurons after the new ones among them have got lengths, along their directions."""
        root = np.sqrt(SEEDLING * (max(one.size for one in neurons) or self._first_size(neurons)))
        rays = []
        for one in neurons:
            if one.inner.any():
                length = np.linalg.norm(one.inner)
                unit = one.weights / length
                rays.append(replace(one, basis=unit[None, :], inner=np.array([length])))
            else:
                seed = self.ray(one.direction, root * one.outer)
                rays.append(replace(seed, inner=np.array([root])))
        return self._descend(rays, of=neurons)

    def _first_size(self, neurons):
        """||u|| ||a|| of a neuron whose contribution is as large as the residual without any."""
        activations = self.passes.activations(np.stack([one.direction for one in neurons]))
        residual = self.residual(self.outputs([]))
        return float(np.linalg.norm(residual) / np.linalg.norm(activations, axis=0).max())

    def _descend(self, neurons, before=None, of=None):
        """Newton steps on P, each as far as the walls that are met, until it is flat.

        With `before`, the value of P that is to be lowered, it ends where steps promise little of
        what has been gained. With `of`, the rays of these neurons grow, and are put on their flats
        in the end.
        """
        most, flat = (STEPS, FLAT) if of is None else (GROWING_STEPS, GROWN)
        damping, blind, origin = DAMPING * self.beta, 0, list(range(len(neurons)))
        for _ in range(most):
            alive = _alive(neurons)
            neurons, origin = [neurons[k] for k in alive], [origin[k] for k in alive]
            if not neurons or blind == BLIND_STEPS:
                break
            piece = Piece(self, neurons)
            gradient = piece.gradient()
            enough = 0.0 if before is None else PROMISING * (before - piece.height)
            if (piece.slopes(gradient) <= flat * self.beta).all():
                break
            hessian, stepped = piece.hessian(), None
            while stepped is None and damping <= MOST_DAMPING * self.beta:
                step = newton_step(gradient, hessian, damping)
                if step is not None:
                    promised = -gradient @ step
                    if damping <= self.beta and promised < enough:
                        break
                    is_blind = promised <= SAME_HEIGHT * piece.height
                    blind += is_blind
                    stepped = self._until_met(piece, neurons, step, is_blind)
                damping *= FACTOR
            if stepped is None:
                break
            neurons, damping = stepped, max(damping / FACTOR**2, LEAST_DAMPING * self.beta)
        if of is None:
            return neurons
        return [
            replace(of[k], inner=of[k].basis @ one.weights, outer=one.outer)
            for k, one in zip(origin, neurons, strict=True)
        ]

    def _until_met(self, piece, neurons, step, is_blind):
        """The neurons after a step, as far as each may go in its cone; None if P climbs.

        Where P climbs if each goes as far as it can, all go as far as the first wall.
        """
        present, moved = piece.parts(piece.start), piece.parts(piece.start + step)
        walls = first_walls(self.X, self._row_norms, neurons, present, moved)
        shares = np.array([share for share, _ in walls])
        for tried in (shares, np.full(len(neurons), shares.min())):
            point = piece.start + piece.whole(tried) * step
            if is_blind or piece.change(point) < 0.0:
                return [
                    self._at(one, *part, row if share == most else None)
                    for one, part, (most, row), share in zip(
                        neurons, piece.parts(point), walls, tried, strict=True
                    )
                ]
        return None

    def _at(self, neuron, inner, outer, row):
        """The neuron with other weights, on the flat that a row takes part in, if one is met."""
        if len(neuron.basis) == 1 and inner[0] < 0.0:
            inner, outer = -inner, -outer  # the same product: the pair's sign says nothing
        neuron = replace(neuron, inner=inner, outer=outer)
        if row is None:
            return neuron
        basis = null_space_within(neuron.basis, self.X[row][None, :] / self._row_norms[row])
        weights = basis.T @ (basis @ neuron.weights)
        if len(basis) == 1 and np.linalg.norm(weights) > 0.0:
            return self.along(weights, outer)
        return replace(neuron, basis=basis, inner=basis @ weights)


def _alive(neurons):
    """Numbers of those that have not vanished."""
    least = VANISHED * max((one.size for one in neurons), default=0.0)
    return [k for k, one in enumerate(neurons) if one.size > least]
