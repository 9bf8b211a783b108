"""Two-layer ReLU networks: weights, and the maps between them and the convex program."""

import numpy as np

from hidden_convexity.arrangement import Arrangement
from hidden_convexity.hyperplanes import row_lengths
from hidden_convexity.pruning import pruning_scale
from hidden_convexity.validation import data_matrix, real_array

# A decoded group this much smaller than the largest is a solver's zero.
NEGLIGIBLE = 1e-8
# A weight within this relative distance of a sample's hyperplane lies on the chamber's wall.
ON_WALL = 1e-9


class ReLUNetwork:
    """The network f(X) = sum_j a_j (X w_j)_+.

    Parameters
    ----------
    hidden_weights : (m, d) array_like
        One neuron's weights a row; m = 0 is the zero network.
    output_weights : (m,) or (m, c) array_like
        Output weights; one column per output if the output is a vector.

    Raises
    ------
    TypeError, ValueError
        If an argument is not finite and real, or the shapes do not match.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553. A bias is a column of ones in X.
    """

    def __init__(self, hidden_weights, output_weights):
        hidden = real_array(hidden_weights, "hidden_weights", ndim=2)
        output = real_array(output_weights, "output_weights", ndim=(1, 2))
        if len(hidden) != len(output):
            raise ValueError(
                "hidden_weights (m, d) and output_weights (m,) or (m, c) must have one row per "
                f"neuron each, got shapes {hidden.shape} and {output.shape}"
            )
        if hidden.shape[1] == 0:
            raise ValueError("hidden_weights must have at least one column")
        for array in (hidden, output):
            array.setflags(write=False)
        self.hidden_weights = hidden
        self.output_weights = output

    def __call__(self, X):
        """Outputs (n,) or (n, c) for samples X (n, d)."""
        X = self._inputs(X)
        output = np.zeros((len(X), *self.output_weights.shape[1:]))
        # A block of samples at a time: the (n, m) activations may not fit in memory.
        step = max(1_000_000 // max(len(self), 1), 1)
        for start in range(0, len(X), step):
            block = slice(start, start + step)
            activations = np.maximum(X[block] @ self.hidden_weights.T, 0.0)
            output[block] = activations @ self.output_weights
        return output

    def _inputs(self, X):
        X = data_matrix(X)
        if X.shape[1] != self.hidden_weights.shape[1]:
            raise ValueError(
                f"X must have {self.hidden_weights.shape[1]} columns, one per input of the "
                f"network, got shape {X.shape}"
            )
        return X

    def __len__(self):
        return len(self.hidden_weights)

    def __repr__(self):
        m, d = self.hidden_weights.shape
        outputs = (
            "" if self.output_weights.ndim == 1 else f", {self.output_weights.shape[1]} outputs"
        )
        return f"ReLUNetwork({m} neuron{'' if m == 1 else 's'}, {d} inputs{outputs})"

    def balance(self):
        """The same function with ||w_j|| = ||a_j|| for every neuron; P never increases.

        Neurons with a zero weight vector or a zero output weight compute nothing and are dropped.

        Returns
        -------
        ReLUNetwork

        References
        ----------
        Theory: balance.
        """
        hidden = row_lengths(self.hidden_weights)
        output = row_lengths(_as_columns(self.output_weights))
        used = (hidden > 0) & (output > 0)
        root = np.sqrt(hidden[used]) * np.sqrt(output[used])
        return ReLUNetwork(
            self.hidden_weights[used] * (root / hidden[used])[:, None],
            (self.output_weights[used].T * (root / output[used])).T,
        )

    def prune(self, X):
        """A network with the same outputs on X, no larger P, and at most n c neurons.

        Neurons that no sample activates are dropped. While the contributions of the others to the
        outputs on X are linearly dependent, moving along the dependence in the direction that does
        not increase the penalty removes a neuron.

        Parameters
        ----------
        X : (n, d) array_like
            Data on which the outputs are kept.

        Returns
        -------
        ReLUNetwork
            Balanced, with linearly independent contributions on X.

        References
        ----------
        Mishkin and Pilanci (2023), arXiv:2306.00119, pruning to minimal networks.

        Theory: pruning.
        """
        X = self._inputs(X)
        network = self.balance()
        scale = pruning_scale(network, X)
        kept = scale > 0
        root = np.sqrt(scale[kept])
        return ReLUNetwork(
            network.hidden_weights[kept] * root[:, None],
            (network.output_weights[kept].T * root).T,
        )

    @classmethod
    def decode(cls, u, v):
        """The network of a solution of the convex program.

        Parameters
        ----------
        u, v : (d, P) array_like
            One column per chamber, in the chamber's cone; u for positive output weights, v for
            negative ones.

        Returns
        -------
        ReLUNetwork
            u_g gives w = u_g / sqrt(||u_g||) and a = +sqrt(||u_g||); v_g the same with a < 0.
            P(W, a) equals the convex objective at (u, v). Columns that are zero to a solver's
            precision (1e-8 of the largest norm) give no neuron.

        References
        ----------
        Pilanci and Ergen (2020), arXiv:2002.10553, Theorem 1.

        Theory: decode-encode.
        """
        u, v = real_array(u, "u", ndim=2), real_array(v, "v", ndim=2)
        if len(u) != len(v):
            raise ValueError(f"u and v must have the same rows, got {u.shape} and {v.shape}")
        directions = np.concatenate([u, v], axis=1).T
        signs = np.repeat([1.0, -1.0], [u.shape[1], v.shape[1]])
        norms = np.linalg.norm(directions, axis=1)
        used = norms > NEGLIGIBLE * norms.max(initial=0.0)
        root = np.sqrt(norms[used])
        return cls(directions[used] / root[:, None], signs[used] * root)

    def encode(self, arrangement):
        """A feasible point of the convex program with an objective of at most P.

        Parameters
        ----------
        arrangement : Arrangement
            Chambers whose closed cones contain all hidden weights.

        Returns
        -------
        u, v : (d, P) ndarray
            Sums of |a_j| w_j over the neurons of one closed cone, by the sign of a_j.

        Raises
        ------
        TypeError
            If it is no Arrangement.
        ValueError
            If the output is a vector, the shapes do not match, or a neuron lies in none of the
            given chambers (only possible if they were sampled).

        References
        ----------
        Theory: decode-encode.
        """
        if self.output_weights.ndim != 1:
            raise ValueError("encode takes networks with output_weights of shape (m,)")
        if not isinstance(arrangement, Arrangement):
            raise TypeError(f"arrangement must be an Arrangement, got {type(arrangement).__name__}")
        X, patterns = arrangement.X, arrangement.patterns
        if X.shape[1] != self.hidden_weights.shape[1]:
            raise ValueError(
                f"arrangement must be of data with {self.hidden_weights.shape[1]} columns, got "
                f"{X.shape[1]}"
            )
        u, v = np.zeros((2, X.shape[1], len(arrangement)))
        row_norms = np.linalg.norm(X, axis=1)
        for w, a in zip(self.hidden_weights, self.output_weights, strict=True):
            products = X @ w
            off_wall = np.abs(products) > ON_WALL * row_norms * np.linalg.norm(w)
            fits = (patterns[off_wall] == (products[off_wall] > 0)[:, None]).all(axis=0)
            if not fits.any():
                raise ValueError(
                    "a neuron lies in none of the arrangement's chambers; "
                    "encode with Arrangement.enumerate(X)"
                )
            (u if a > 0 else v)[:, fits.argmax()] += abs(a) * w
        return u, v

    @classmethod
    def from_torch(cls, module):
        """A network from a `torch.nn.Sequential` of Linear, ReLU, Linear.

        Parameters
        ----------
        module : torch.nn.Sequential
            The hidden layer's bias, if any, becomes the last column of `hidden_weights`: append a
            column of ones to X. The output layer must have no bias.

        Returns
        -------
        ReLUNetwork
            With a single output, `output_weights` has shape (m,).

        Raises
        ------
        ValueError
            If the module is not of this form.
        """
        import torch

        layers = list(module.children()) if isinstance(module, torch.nn.Sequential) else []
        kinds = [type(layer) for layer in layers]
        if kinds != [torch.nn.Linear, torch.nn.ReLU, torch.nn.Linear]:
            raise ValueError(
                "module must be torch.nn.Sequential(Linear, ReLU, Linear), got "
                f"{type(module).__name__}({', '.join(kind.__name__ for kind in kinds)})"
            )
        first, _, last = layers
        if last.bias is not None:
            raise ValueError("the output layer must be built with bias=False")
        hidden = first.weight.detach().cpu().double().numpy()
        if first.bias is not None:
            bias = first.bias.detach().cpu().double().numpy()
            hidden = np.concatenate([hidden, bias[:, None]], axis=1)
        output = last.weight.detach().cpu().double().numpy().T
        return cls(hidden, output[:, 0] if output.shape[1] == 1 else output)

    def to_torch(self):
        """The same network as a double precision `torch.nn.Sequential` without biases."""
        import torch

        m, d = self.hidden_weights.shape
        output = _as_columns(self.output_weights)
        module = torch.nn.Sequential(
            torch.nn.Linear(d, m, bias=False, dtype=torch.float64),
            torch.nn.ReLU(),
            torch.nn.Linear(m, output.shape[1], bias=False, dtype=torch.float64),
        )
        with torch.no_grad():
            module[0].weight.copy_(torch.tensor(self.hidden_weights))
            module[2].weight.copy_(torch.tensor(output.T))
        return module


def _as_columns(weights):
    """Output weights as (m, c), with c = 1 for weights (m,)."""
    return weights[:, None] if weights.ndim == 1 else weights


def data_of(network, X, name="network"):
    """Return X as a matrix (n, d) of inputs of a network, or say what is wrong with either."""
    if not isinstance(network, ReLUNetwork):
        raise TypeError(f"{name} must be a ReLUNetwork, got {type(network).__name__}")
    return network._inputs(X)
