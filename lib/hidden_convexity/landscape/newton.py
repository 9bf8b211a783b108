"""Descent to a local minimum of P, to rounding: Newton's method on one smooth piece after another.

P is smooth where no neuron meets a wall, x_i.w = 0, and most local minima are on walls. Adam comes
near one and stops there; comparing values to many digits needs the minimum itself.
"""

from dataclasses import dataclass

import numpy as np

from hidden_convexity.landscape.minima import check_pair
from hidden_convexity.problem.encoding import ON_WALL
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem

# Rows within this angle (radians) of a neuron's hyperplane are put on it when a descent starts: an
# optimiser with a finite step jumps to and fro across a kink and never lands.
NEAR_WALL = 1e-4
# A descent has converged where the slope of P along each neuron is below this share of beta.
FLAT = 1e-9
# Close to a minimum P falls by less than it can be computed to: a rise this small is none.
ROUNDING = 1e-14
# Newton steps at most, and halvings of one that climbs.
STEPS, HALVINGS = 2_000, 40
# Neurons whose outputs are this small against the targets are taken away if P does not rise.
SMALL = 1e-6
# Curvature added to the Newton system, against its largest entry: parallel neurons are dependent.
DAMPING = 1e-12


def descend(network, problem):
    """Follow P downhill from a network to a nearby local minimum, to rounding.

    Newton's method on the piece of P where no neuron changes its pattern, in the coordinates u_j =
    |a_j| w_j. A step that would cross a wall ends on it, and the neuron stays on the wall unless P
    falls on one of its sides; a neuron that shrinks to zero is taken away if P does not rise by it.
    P falls with every step.

    Parameters
    ----------
    network : ReLUNetwork
        With output weights (m,), near a local minimum: an end of Adam, say.
    problem : TrainingProblem
        With the squared loss and y of shape (n,).

    Returns
    -------
    ReLUNetwork
        Balanced. Where the rows of X tight at each of its neurons are linearly independent, no
        direction leads down from it: every one-sided directional derivative of P is >= 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, there are several outputs, or the loss is another.
    RuntimeError
        If it has not converged after 2,000 steps; start nearer to a local minimum.
    """
    check_pair(network, problem)
    if problem.loss != "squared" or problem.sample_weight is not None:
        raise ValueError(f"problem must have the squared loss without weights, got {problem!r}")
    state = _State.of(network, problem)
    for _ in range(STEPS):
        gradient, hessian, bases = state.quadratic()
        if np.abs(gradient).max(initial=0.0) <= FLAT * problem.beta:
            released = state.release()
            if released is None:
                return ReLUNetwork.decode(*state.groups())
            state = released
        else:
            state = state.step(gradient, hessian, bases)
    raise RuntimeError(f"no local minimum was reached in {STEPS} steps; start nearer to one")


@dataclass
class _State:
    """Neurons u (k, d) of given signs, their tight rows (k, n) and the sides of the others."""

    problem: TrainingProblem
    u: np.ndarray
    signs: np.ndarray
    tight: np.ndarray
    active: np.ndarray

    @classmethod
    def of(cls, network, problem):
        balanced, X = network.balance(), problem.X
        u = np.abs(balanced.output_weights)[:, None] * balanced.hidden_weights
        signs = np.sign(balanced.output_weights)
        rows, lengths = np.linalg.norm(X, axis=1), np.linalg.norm(u, axis=1)
        products = u @ X.T
        near = np.abs(products) <= NEAR_WALL * np.outer(lengths, rows)
        d, tight = X.shape[1], np.zeros_like(near)
        for row in range(len(u)):  # the nearest rows, as many as leave the neuron a direction
            order = np.argsort(np.abs(products[row]) / np.where(rows > 0, rows, 1.0))
            tight[row, order[: d - 1]] = near[row, order[: d - 1]]
        flat = np.stack([_onto_flat(one, X[on]) for one, on in zip(u, tight, strict=True)] or [u])
        state = cls(problem, flat.reshape(u.shape), signs, tight, None)
        state.active = (state.u @ X.T > 0) & ~tight
        if state.objective() > problem.objective(balanced):  # rather where it was than higher
            state = cls(problem, u, signs, np.zeros_like(near), products > 0)
        return state.without_small()

    def objective(self):
        outputs = self.signs @ np.maximum(self.u @ self.problem.X.T, 0.0)
        lengths = np.linalg.norm(self.u, axis=1).sum()
        return self.problem.loss_value(outputs) + self.problem.beta * lengths

    def groups(self):
        positive = self.signs > 0
        return self.u[positive].T, self.u[~positive].T

    def without(self, kept):
        parts = (self.u, self.signs, self.tight, self.active)
        return _State(self.problem, *(part[kept] for part in parts))

    def residual(self):
        products = self.active * (self.u @ self.problem.X.T)
        return self.problem.y - self.signs @ products

    def quadratic(self):
        """Gradient and Hessian of P on this piece, each neuron in a basis (k, d) of its flat."""
        X, beta = self.problem.X, self.problem.beta
        bases = [_null_space(X[on]) for on in self.tight]
        features = [
            sign * (on[:, None] * X) @ basis.T
            for sign, on, basis in zip(self.signs, self.active, bases, strict=True)
        ]
        stacked = np.concatenate(features, axis=1) if features else np.zeros((len(X), 0))
        gradient, hessian = -stacked.T @ self.residual(), stacked.T @ stacked
        start = 0
        for u, basis in zip(self.u, bases, strict=True):
            block = slice(start, start + len(basis))
            norm = np.linalg.norm(u)
            unit = basis @ u / norm
            gradient[block] += beta * unit
            hessian[block, block] += beta / norm * (np.eye(len(basis)) - np.outer(unit, unit))
            start += len(basis)
        return gradient, hessian, bases

    def step(self, gradient, hessian, bases):
        """The state after a Newton step, shortened at the first wall and until P falls."""
        X, height = self.problem.X, self.objective()
        damped = hessian + DAMPING * np.abs(hessian).max() * np.eye(len(hessian))
        moves = np.split(
            -np.linalg.solve(damped, gradient), np.cumsum([len(b) for b in bases])[:-1]
        )
        move = np.stack([basis.T @ part for basis, part in zip(bases, moves, strict=True)])

        products, speed = self.u @ X.T, move @ X.T
        leaving = ~self.tight & np.where(self.active, speed < 0, speed > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(leaving, np.maximum(-products / speed, 0.0), np.inf)
        length, wall = 1.0, None
        if reach.min() <= 1.0:
            wall = np.unravel_index(reach.argmin(), reach.shape)
            length = float(reach[wall])
        for _ in range(HALVINGS):
            moved = _State(
                self.problem, self.u + length * move, self.signs, self.tight, self.active
            )
            if wall is not None:
                moved = moved.on_wall(*wall)
            smaller = moved.without_small()
            if smaller.objective() <= (1 + ROUNDING) * height:
                return smaller
            length, wall = length / 2, None
        return moved

    def on_wall(self, neuron, row):
        u, tight, active = self.u.copy(), self.tight.copy(), self.active.copy()
        tight[neuron, row], active[neuron, row] = True, False
        u[neuron] = _onto_flat(u[neuron], self.problem.X[tight[neuron]])
        return _State(self.problem, u, self.signs, tight, active)

    def without_small(self):
        """Without the neurons that are small, one by one, if P does not rise."""
        state, size = self, np.linalg.norm(self.problem.y)
        for j in reversed(range(len(self.u))):
            output = np.linalg.norm(self.problem.X @ self.u[j])
            if output <= SMALL * size:
                fewer = state.without(np.arange(len(state.u)) != j)
                if output == 0 or fewer.objective() <= (1 + ROUNDING) * state.objective():
                    state = fewer
        return state

    def release(self):
        """The state with one row of one neuron off its wall, to the side where P falls; or None.

        On the wall's sides P changes at the rates -mu and mu - s r_i with g = sum_i mu_i x_i the
        gradient of P in the neuron without its tight rows: it must be s r_i <= mu_i <= 0.
        """
        X, beta, residual = self.problem.X, self.problem.beta, self.residual()
        worst = (FLAT * beta, None)
        for j, (u, sign, tight) in enumerate(zip(self.u, self.signs, self.tight, strict=True)):
            rows = np.flatnonzero(tight)
            if not len(rows):
                continue
            gradient = beta * u / np.linalg.norm(u)
            gradient = gradient - sign * (self.active[j] * residual) @ X
            multipliers = np.linalg.lstsq(X[rows].T, gradient, rcond=None)[0]
            off, on = multipliers, sign * residual[rows] - multipliers
            for gain, side in ((off, False), (on, True)):
                k = int(np.argmax(gain * np.linalg.norm(X[rows], axis=1)))
                if gain[k] > worst[0]:
                    worst = (gain[k], (j, rows[k], side))
        if worst[1] is None:
            return None
        j, row, side = worst[1]
        tight, active = self.tight.copy(), self.active.copy()
        tight[j, row], active[j, row] = False, side
        return _State(self.problem, self.u, self.signs, tight, active)


def _null_space(rows):
    """Orthonormal basis (k, d) of the vectors orthogonal to the rows (t, d)."""
    _, singular, right = np.linalg.svd(rows, full_matrices=True)
    return right[int((singular > ON_WALL * singular.max(initial=0.0)).sum()) :]


def _onto_flat(u, rows):
    basis = _null_space(rows)
    return basis.T @ (basis @ u)
