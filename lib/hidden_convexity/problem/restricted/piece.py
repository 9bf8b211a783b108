"""P over neurons that feed several outputs, on the smooth piece where their patterns stay.

With the features F_l of all neurons' bases, hidden coefficients b_l and output weights a_j (c,) of
the neuron j = j(l) that l belongs to, the outputs are f = sum_l F_l b_l a_j(l)', and

    P(b, a) = loss(f) + beta/2 (sum b_l^2 + sum ||a_j||^2),

which is P of the network where b and a of each neuron are of one length, and above it elsewhere.
Unknowns are few, so Newton's method is within reach: with the residual N and the loss's second
derivatives L, the Hessian is J'LJ + beta I, less F_l'N between b_l and a_j(l).

Free terms are at their best at every point, so P is a minimum over them, and L the Schur complement
L - LZ (Z'LZ)^-1 Z'L. For the squared loss that is the loss of features without their part in Z.
"""

import numpy as np
from scipy import linalg


class Piece:
    """P near some neurons, in the unknowns (b, a) of all of them, one after the other.

    Parameters
    ----------
    program : SharedProgram
    neurons : list of SharedNeuron

    Attributes
    ----------
    start : (K + m c,) ndarray
        The neurons themselves, b and a made of one length.
    height : float
        P there.
    """

    def __init__(self, program, neurons):
        self.problem, self.beta = program.problem, program.beta
        self.features, self.owner, self.gram = program.features(neurons)
        self.squared = self.gram is not None
        self.ends = np.cumsum([len(one.basis) for one in neurons])
        inner = np.concatenate([one.inner for one in neurons])
        outer = np.stack([one.outer for one in neurons])
        lengths = [np.linalg.norm(one.inner) for one in neurons]
        factor = np.sqrt(np.linalg.norm(outer, axis=1) / lengths)
        self.outputs = outer.shape
        self.start = np.concatenate([inner * factor[self.owner], (outer / factor[:, None]).ravel()])
        self.free = self.problem.free_terms.basis
        self._products = self.products(self.start)
        self._with_free = program.fitted.add_free
        fitted = self._with_free(self.features @ self._products)
        self._loss = self.problem.loss_value(fitted)
        self.height = self._loss + 0.5 * self.beta * float(self.start @ self.start)
        self.masses = self.problem.loss_curvature(fitted)
        self.residual = program.residual(fitted)
        self.correlations = self.features.T @ self.residual

    def split(self, point):
        """The coefficients b (K,) and the output weights (m, c)."""
        return point[: len(self.owner)], point[len(self.owner) :].reshape(self.outputs)

    def products(self, point):
        """b_l a_j(l), (K, c)."""
        inner, outer = self.split(point)
        return inner[:, None] * outer[self.owner]

    def change(self, point):
        """P(point) - P(start), or if the penalty alone makes it positive, what it is above."""
        shift = point - self.start
        penalty = self.beta * float(shift @ (self.start + 0.5 * shift))
        if self.squared:  # without the digits that differences of P would lose
            move = self.products(point) - self._products
            return penalty + float((move * (0.5 * (self.gram @ move) - self.correlations)).sum())
        if penalty > self._loss:  # the best free terms of a point so far off take many steps
            return penalty - self._loss
        fitted = self._with_free(self.features @ self.products(point))
        return penalty + self.problem.loss_value(fitted) - self._loss

    def gradient(self):
        """Of P, at the start."""
        inner, outer = self.split(self.start)
        down_inner = (self.correlations * outer[self.owner]).sum(axis=1)
        down_outer = self._sums(inner[:, None] * self.correlations)
        return self.beta * self.start - np.concatenate([down_inner, down_outer.ravel()])

    def slopes(self, gradient):
        """The largest entry of the gradient in each neuron, against the neuron's root length."""
        inner, outer = map(np.abs, self.split(gradient))
        starts = np.append(0, self.ends[:-1])
        largest = np.maximum(outer.max(axis=1), np.maximum.reduceat(inner, starts))
        lengths = np.linalg.norm(self.split(self.start)[1], axis=1)
        return largest / lengths

    def hessian(self):
        """Of P, at the start."""
        inner, outer = self.split(self.start)
        each = outer[self.owner]
        mixing = np.zeros((len(inner), len(outer)))
        mixing[np.arange(len(inner)), self.owner] = inner
        curved = self._squared if self.squared else self._softmax
        both, mixed, outside = curved(each, mixing)
        own = self.owner[:, None] == np.arange(len(outer))
        mixed = mixed - own[:, :, None] * self.correlations[:, None, :]
        mixed, outside = mixed.reshape(len(inner), -1), outside.reshape(outer.size, -1)
        hessian = np.block([[both, mixed], [mixed.T, outside]])
        hessian[np.diag_indices_from(hessian)] += self.beta
        return hessian

    def _squared(self, each, mixing):
        """Blocks of J'J: (K, K), (K, m, c) and (m, c, m, c)."""
        along = self.gram @ mixing
        mixed = along[:, :, None] * each[:, None, :]
        outside = np.einsum("ij,kl->ikjl", mixing.T @ along, np.eye(each.shape[1]))
        return self.gram * (each @ each.T), mixed, outside

    def _softmax(self, each, mixing):
        """Blocks of J'LJ with L_i = diag(h_i) - h_i s_i', masses h, shares s_i = h_i / sum h_i.

        The columns of Z are like neurons that have output weights only.
        """
        F, h = self.features, self.masses
        total = h.sum(axis=1, keepdims=True)
        shares = h / total
        neurons, mean = np.hstack([F @ mixing, self.free]), shares @ each.T
        c, m, weighted = self.outputs[1], neurons.shape[1], np.sqrt(total) * F * mean
        both = -weighted.T @ weighted
        mixed, outside = np.empty((len(each), m, c)), np.empty((m, c, m, c))
        for k in range(c):
            chance = h[:, k, None]
            scaled = F * (np.sqrt(chance) * each[:, k])
            both += scaled.T @ scaled
            mixed[:, :, k] = (F * (chance * (each[:, k] - mean))).T @ neurons
            for other in range(k + 1):
                block = neurons.T @ (chance * ((k == other) - shares[:, other, None]) * neurons)
                outside[:, k, :, other] = outside[:, other, :, k] = block
        return self._without_free(both, mixed, outside)

    def _without_free(self, both, mixed, outside):
        """The blocks without those of Z, and less what Z takes of them."""
        m, c = self.outputs
        if self.free.size == 0:
            return both, mixed, outside
        own, free = outside[:m, :, :m], outside[m:, :, m:].reshape(2 * (self.free.shape[1] * c,))
        across = mixed[:, m:].reshape(len(both), -1), outside[:m, :, m:].reshape(m * c, -1)
        inverse = np.linalg.pinv(free, hermitian=True)
        taken, from_outside = inverse @ across[0].T, inverse @ across[1].T
        return (
            both - across[0] @ taken,
            mixed[:, :m] - (across[0] @ from_outside).reshape(-1, m, c),
            own - (across[1] @ from_outside).reshape(own.shape),
        )

    def _sums(self, values):
        """Sums (m, c) over each neuron's coefficients of values (K, c)."""
        return np.add.reduceat(values, np.append(0, self.ends[:-1]), axis=0)

    def parts(self, point):
        """The pairs (b, a) of the neurons at a point."""
        inner, outer = self.split(point)
        starts = np.append(0, self.ends[:-1])
        return [(inner[i:j], a) for i, j, a in zip(starts, self.ends, outer, strict=True)]

    def whole(self, shares):
        """The share (m,) of each neuron, for each of the unknowns."""
        return np.concatenate([shares[self.owner], np.repeat(shares, self.outputs[1])])


def newton_step(gradient, hessian, damping):
    """-(H + damping I)^-1 g, or None where that matrix isn't positive definite."""
    damped = hessian.copy()
    damped[np.diag_indices_from(damped)] += damping
    try:
        return -linalg.cho_solve(linalg.cho_factor(damped, check_finite=False), gradient)
    except linalg.LinAlgError:
        return None
