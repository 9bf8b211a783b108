"""Two-layer ReLU networks: weights, and the maps between them and the convex program."""

import numpy as np

from hidden_convexity.foundations.read_only import ReadOnlyArrays
from hidden_convexity.foundations.validation import (
    optional_array,
    read_only,
    real_array,
    samples,
    slope_below_one,
)
from hidden_convexity.foundations.wording import counted
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.problem import torch_modules
from hidden_convexity.problem.encoding import decoded, encoded
from hidden_convexity.problem.pooling import activation, pooled
from hidden_convexity.problem.pruning import pruning_scale


class ReLUNetwork(ReadOnlyArrays):
    """The network f(X) = sum_j a_j phi(X w_j), with phi(t) = t above zero and slope t below.

    On samples of K patches each, X (n, K, d), activations are averaged over the patches: a
    convolution with filters w_j, the activation, average pooling and a linear layer.

    Parameters
    ----------
    hidden_weights : (m, d) array_like
        One neuron's weights, or filter, a row; m = 0 is the zero network.
    output_weights : (m,) or (m, c) array_like
        Output weights; one column per output if the output is a vector.
    slope : float
        Slope of the activation below zero, < 1: 0 is the ReLU, 0.2 a leaky one, -1 the absolute
        value.
    skip : None, (d,) or (d, c) array_like
        Weights of a linear term X skip, of the patches' average if there are patches.
    intercept : None, float or (c,) array_like
        A constant added to the outputs.

    Raises
    ------
    TypeError, ValueError
        If an argument is not finite and real, the shapes do not match, or slope >= 1.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553. A bias is a column of ones in X.
    """

    def __init__(self, hidden_weights, output_weights, slope=0.0, skip=None, intercept=None):
        hidden = real_array(hidden_weights, "hidden_weights", ndim=2)
        output = real_array(output_weights, "output_weights", ndim=(1, 2))
        if len(hidden) != len(output):
            raise ValueError(
                "hidden_weights (m, d) and output_weights (m,) or (m, c) must have one row per "
                f"neuron each, got shapes {hidden.shape} and {output.shape}"
            )
        if hidden.shape[1] == 0:
            raise ValueError("hidden_weights must have at least one column")
        outputs = output.shape[1:]
        self.hidden_weights = read_only(hidden)
        self.output_weights = read_only(output)
        self.slope = slope_below_one(slope)
        self.skip = optional_array(skip, "skip", (hidden.shape[1], *outputs))
        self.intercept = optional_array(intercept, "intercept", outputs)

    def __call__(self, X):
        """Outputs (n,) or (n, c) for samples X (n, d), or (n, K, d) of K patches each."""
        X = self._inputs(X)
        output = np.zeros((len(X), *self.output_weights.shape[1:]))
        for block in self._blocks(X):
            output[block] = self._activations(X[block]) @ self.output_weights
        if self.skip is not None:
            output += pooled(X) @ self.skip
        if self.intercept is not None:
            output += self.intercept
        return output

    def activations(self, X):
        """phi(X w_j), averaged over patches: (n, m) for samples X (n, d) or (n, K, d)."""
        X = self._inputs(X)
        features = np.empty((len(X), len(self)))
        for block in self._blocks(X):
            features[block] = self._activations(X[block])
        return features

    def _activations(self, X):
        return pooled(activation(X @ self.hidden_weights.T, self.slope))

    def _blocks(self, X):
        """Blocks of samples: the activations of all may not fit in memory."""
        step = max(1_000_000 // max(len(self) * (X[0].size // X.shape[-1]), 1), 1)
        return (slice(start, start + step) for start in range(0, len(X), step))

    def _inputs(self, X):
        X = samples(X)
        if X.shape[-1] != self.hidden_weights.shape[1]:
            raise ValueError(
                f"X must have {self.hidden_weights.shape[1]} columns, one per input of the "
                f"network, got shape {X.shape}"
            )
        return X

    def with_neurons(self, hidden_weights, output_weights):
        """The network with other neurons and the same activation, skip and intercept."""
        return ReLUNetwork(hidden_weights, output_weights, self.slope, self.skip, self.intercept)

    def with_free_terms(self, skip, intercept):
        """The network with the same neurons, and another skip and intercept."""
        return ReLUNetwork(self.hidden_weights, self.output_weights, self.slope, skip, intercept)

    def __len__(self):
        return len(self.hidden_weights)

    def __repr__(self):
        m, d = self.hidden_weights.shape
        parts = [counted(m, "neuron"), counted(d, "input")]
        if self.output_weights.ndim == 2:
            parts.append(counted(self.output_weights.shape[1], "output"))
        if self.slope != 0:
            parts.append(f"slope={self.slope:g}")
        parts += [name for name in ("skip", "intercept") if getattr(self, name) is not None]
        return f"ReLUNetwork({', '.join(parts)})"

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
        return self.with_neurons(
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
        X : (n, d) or (n, K, d) array_like
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
        return self.with_neurons(
            network.hidden_weights[kept] * root[:, None],
            (network.output_weights[kept].T * root).T,
        )

    @classmethod
    def decode(cls, u, v):
        """The network of a solution of the convex program.

        Parameters
        ----------
        u, v : (d, G) array_like
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
        return cls(*decoded(u, v))

    def encode(self, arrangement):
        """A feasible point of the convex program with an objective of at most P.

        Parameters
        ----------
        arrangement : Arrangement
            Chambers whose closed cones contain all hidden weights.

        Returns
        -------
        u, v : (d, G) ndarray
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
        if self.slope != 0 or self.skip is not None or self.intercept is not None:
            raise ValueError(f"encode takes ReLU networks without skip or intercept, got {self!r}")
        if not isinstance(arrangement, Arrangement):
            raise TypeError(f"arrangement must be an Arrangement, got {type(arrangement).__name__}")
        return encoded(self.hidden_weights, self.output_weights, arrangement)

    @classmethod
    def from_torch(cls, module, skip=None):
        """A network from a `torch.nn.Sequential`.

        Parameters
        ----------
        module : torch.nn.Sequential
            Linear, ReLU or LeakyReLU, Linear; or Conv1d or Conv2d, ReLU or LeakyReLU, global
            average pooling (`AdaptiveAvgPool1d(1)` or 2d), Flatten, Linear. A filter becomes a row
            of `hidden_weights`, channels first, as `torch.nn.functional.unfold` orders patches.
            The first layer's bias, if any, becomes the last column: append a column of ones to X,
            or to each patch. The last layer's bias becomes the intercept.
        skip : torch.nn.Linear or None
            From the same inputs, whose outputs are added to those of a module of Linear layers.

        Returns
        -------
        ReLUNetwork
            With a single output, `output_weights` has shape (m,).

        Raises
        ------
        ImportError
            If PyTorch is not installed.
        ValueError
            If an argument is not of these forms, or a convolution pads, groups or dilates.
        """
        return cls(**torch_modules.read_module(module, skip))

    def to_torch(self, kernel=None):
        """The same network as a double precision `torch.nn.Sequential`.

        Parameters
        ----------
        kernel : None or tuple of int
            None: Linear, ReLU, Linear. (channels, length) or (channels, height, width): a
            convolution of that kernel and stride 1, the activation, global average pooling and
            Linear, for patches X (n, K, d) with d = channels times the kernel's size.

        Returns
        -------
        torch.nn.Sequential
            The first layer has no bias.

        Raises
        ------
        ImportError
            If PyTorch is not installed.
        ValueError
            If the network has a skip term, which wants a Linear of its own, or the kernel does not
            have d entries.
        """
        return torch_modules.make_module(self, kernel)


def _as_columns(weights):
    """Output weights as (m, c), with c = 1 for weights (m,)."""
    return weights[:, None] if weights.ndim == 1 else weights
