"""Parallel networks of one variable: branches of one neuron a layer, and a free constant."""

import numpy as np

from hidden_convexity.foundations.compensated import affine
from hidden_convexity.foundations.read_only import ReadOnlyArrays
from hidden_convexity.foundations.validation import positive_number, real_array

# What each neuron does to its input t.
ACTIVATIONS = {
    "relu": lambda t: np.maximum(t, 0.0),
    "absolute": np.abs,
}


class ParallelNetwork(ReadOnlyArrays):
    """The network f(x) = c + sum_j a_j s(w_jK s(... s(w_j1 x + b_j1) ...) + b_jK) with K = L - 1.

    Parameters
    ----------
    weights, biases : (m, L - 1) array_like
        One branch a row, its neurons from input to output; L >= 2 layers of weights in all.
    amplitudes : (m,) array_like
        Output weights a_j.
    constant : float
        The output's bias c, in the unit of y.
    activation : {"absolute", "relu"}
        s(t) = |t| or max(t, 0).

    Raises
    ------
    TypeError, ValueError
        If an argument is not finite and real, the shapes do not match, or the activation is
        another.

    References
    ----------
    Zeger, Wang, Mishkin, Ergen, Candes and Pilanci (2024), arXiv:2403.01046, parallel networks.
    """

    def __init__(self, weights, biases, amplitudes, constant=0.0, activation="absolute"):
        weights, biases = real_array(weights, "weights", 2), real_array(biases, "biases", 2)
        amplitudes = real_array(amplitudes, "amplitudes", ndim=1)
        if weights.shape != biases.shape or len(weights) != len(amplitudes):
            raise ValueError(
                "weights and biases must have shape (m, L - 1) and amplitudes (m,), got shapes "
                f"{weights.shape}, {biases.shape} and {amplitudes.shape}"
            )
        if weights.shape[1] == 0:
            raise ValueError("weights must have at least one column: a branch has a neuron")
        self.constant = float(real_array(constant, "constant", ndim=0))
        if not isinstance(activation, str) or activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {[*ACTIVATIONS]}, got {activation!r}")
        for array in (weights, biases, amplitudes):
            array.setflags(write=False)
        self.weights, self.biases, self.amplitudes = weights, biases, amplitudes
        self.activation = activation

    @classmethod
    def from_features(cls, coefficients, shifts, constant, activation="absolute", directions=None):
        """Balanced branches that compute given features, at no more than their Lasso penalty.

        Branch j computes z_j g_j(x) with g_j = s(... s(e_j1 x - h_j1) ... - h_jK), of slopes
        e_j1 = +-1 in the first neuron and 1 in the others.

        Parameters
        ----------
        coefficients : (m,) array_like
            The z_j; zeros give no branch.
        shifts : (m, L - 1) array_like
            The h_jk, in the unit of x.
        constant : float
        activation : {"absolute", "relu"}
        directions : (m,) array_like, optional
            The e_j1; 1 by default.

        Returns
        -------
        ParallelNetwork
            All weights of branch j have absolute value |z_j|^(1/L), so that its part of `penalty`
            is beta |z_j|: the network's objective is the Lasso's.
        """
        z, shifts = real_array(coefficients, "coefficients", 1), real_array(shifts, "shifts", 2)
        e = np.ones(len(z)) if directions is None else real_array(directions, "directions", 1)
        if not len(z) == len(shifts) == len(e):
            raise ValueError(
                "coefficients, shifts and directions must have one row per branch, got shapes "
                f"{z.shape}, {shifts.shape} and {e.shape}"
            )
        z, shifts, e = z[z != 0], shifts[z != 0], e[z != 0]
        hidden = shifts.shape[1]
        size = np.abs(z)[:, None] ** (1 / (hidden + 1))
        weights = np.repeat(size, hidden, axis=1)
        biases = -shifts * size ** np.arange(1, hidden + 1)
        weights[:, 0] *= e
        return cls(weights, biases, np.sign(z) * size[:, 0], constant, activation)

    @property
    def layers(self):
        """Number L of layers of weights, the output's included."""
        return self.weights.shape[1] + 1

    def __len__(self):
        return len(self.amplitudes)

    def __call__(self, x):
        """Outputs (n,) for inputs x (n,)."""
        x = real_array(x, "x", ndim=1)
        return self._added(np.full(len(x), self.constant), x)

    def _added(self, output, x):
        """What the branches make of x (n,), added to an output (n,), which is written to."""
        # A block of inputs at a time: the (n, m) activations may not fit in memory.
        step = max(1_000_000 // max(len(self), 1), 1)
        for start in range(0, len(x), step):
            block = slice(start, start + step)
            output[block] += self.features(x[block]) @ self.amplitudes
        return output

    def features(self, x):
        """Outputs (n, m) of the branches before their amplitudes, for inputs x (n,)."""
        activate = ACTIVATIONS[self.activation]
        values = np.repeat(real_array(x, "x", ndim=1)[:, None], len(self), axis=1)
        for weight, bias in zip(self.weights.T, self.biases.T, strict=True):
            values = activate(affine(weight, values, bias))
        return values

    @property
    def shifts(self):
        """The h_jk (m, L - 1) of `from_features`, for absolute values and weights that are not 0.

        Branch j computes its Lasso coefficient a_j |w_j1 ... w_jK| times the feature of these.
        """
        if self.activation != "absolute":
            raise ValueError(f'activation must be "absolute" to have shifts, got {self.activation}')
        return -self.biases / (np.cumprod(np.abs(self.weights), axis=1) * np.sign(self.weights))

    @property
    def coefficients(self):
        """a_j |w_j1 ... w_jK| (m,): what branch j contributes, in the unit of y over that of x."""
        return self.amplitudes * np.abs(self.weights).prod(axis=1)

    def penalty(self, beta):
        """(beta / L) sum_j (|a_j|^L + sum_k |w_jk|^L); biases are free."""
        beta, power = positive_number(beta, "beta"), self.layers
        total = (np.abs(self.weights) ** power).sum() + (np.abs(self.amplitudes) ** power).sum()
        return float(beta / power * total)

    def objective(self, x, y, beta):
        """1/2 ||f(x) - y||^2 + penalty(beta): what training minimises."""
        x, y = real_array(x, "x", ndim=1), real_array(y, "y", ndim=1)
        if y.shape != x.shape:
            raise ValueError(f"y must have the shape of x, {x.shape}, got {y.shape}")
        # The constant first: of targets that hardly vary their difference is exact.
        away = self._added(self.constant - y, x)
        return float(0.5 * (away**2).sum()) + self.penalty(beta)

    def __repr__(self):
        part = "branch" if len(self) == 1 else "branches"
        return f"ParallelNetwork({len(self)} {part}, {self.layers} layers, {self.activation})"
