"""The training problem of a two-layer ReLU network with weight decay, and its dual."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hidden_convexity.foundations.read_only import ReadOnlyArrays
from hidden_convexity.foundations.validation import flag, real_array, slope_below_one
from hidden_convexity.problem import duality
from hidden_convexity.problem.free_terms import FreeTerms
from hidden_convexity.problem.pooling import Pooling, pooled
from hidden_convexity.problem.samples import checked_samples, checked_weight_decay, weighted_loss


@dataclass(frozen=True, eq=False, repr=False)
class TrainingProblem(ReadOnlyArrays):
    """Data, loss and weight decay of two-layer ReLU networks of any width.

    The objective of a network with hidden weights W (m, d) and output weights a (m,) is
    P(W, a) = F(f) + (beta/2) sum_j (||w_j||^2 + a_j^2) with outputs f = sum_j a_j phi(X w_j) and
    the loss F(f) = 1/2 ||f - y||^2, sum_i log(1 + exp(-y_i f_i)), or sum_i max(0, 1 - y_i f_i),
    "hinge"; with c outputs a_j and f_i are vectors, and "softmax" is sum_i log(sum_k exp f_ik) -
    y_i.f_i.

    Parameters
    ----------
    X : (n, d) or (n, K, d) array_like
        Data, one sample a row (the paper stores samples as columns). Append a column of ones
        for a bias; it is then regularised like a weight. Or K patches a sample, whose activations
        are averaged: a convolution with average pooling.
    y : (n,) or (n, c) array_like
        Targets; labels -1 and 1 (n,) for the logistic and the hinge loss, one-hot rows (n, c) for
        "softmax".
    beta : float
        Weight decay, > 0.
    loss : {"squared", "logistic", "hinge", "softmax"}
    slope : float
        The activation is phi(t) = t for t > 0 and slope * t below, slope < 1: 0 is the ReLU, 0.2 a
        leaky one, -1 the absolute value.
    skip : bool
        Whether networks have a linear term X b, b without weight decay; of the patches' average.
        Of columns (the constant of an intercept among them) that depend on others up to 1e-12,
        some are left out: their b is 0. Labels that b separates leave a logistic loss nothing to
        prove, P has no minimum.
    intercept : bool
        Whether networks have a constant of the outputs, without weight decay.
    sample_weight : (n,) array_like or None
        Weights w_i >= 0, not all 0, of the samples' parts of F: a sample of weight 2 is there
        twice. Those of weight 0 are left out, of X and y too. None: all 1.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an argument is empty, has the wrong shape, is not finite, beta <= 0 or weights < 0, if
        the loss is another or y does not hold its labels; or if an argument is so large or small
        that squares overflow or vanish: the largest absolute entry of X, of y or of y times the
        weights, or a positive weight, outside [1e-75, 1e75] (zero targets are fine), or beta
        outside [1e-150, 1e150]; or if the loss is "hinge" with skip or intercept.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553, the non-convex problem of Theorem 1.
    """

    X: np.ndarray
    y: np.ndarray
    beta: float
    loss: str = "squared"
    slope: float = 0.0
    skip: bool = False
    intercept: bool = False
    sample_weight: np.ndarray | None = None

    def __post_init__(self):
        known = checked_samples(self.X, self.y, self.sample_weight, self.loss)
        beta, slope = checked_weight_decay(self.beta), slope_below_one(self.slope)
        free = [flag(getattr(self, name), name) for name in ("skip", "intercept")]
        names = "X", "y", "sample_weight", "beta", "slope", "skip", "intercept"
        for name, value in zip(names, (*known, beta, slope, *free), strict=True):
            object.__setattr__(self, name, value)
        if self.loss == "hinge" and any(free):
            raise ValueError(
                "loss 'hinge' has no bound with skip or intercept: a dual point must be orthogonal "
                "to these exactly, and most of its entries are at an end of their range, 0 or the "
                "sample's weight, whence they can't be moved to make it so; append a column of "
                "ones to X for a bias of each neuron, or use the logistic loss"
            )

    def __repr__(self):
        n, d = len(self.X), self.X.shape[-1]
        patches = "" if self.X.ndim == 2 else f", patches={self.X.shape[1]}"
        outputs = "" if self.y.ndim == 1 else f", outputs={self.y.shape[1]}"
        loss = "" if self.loss == "squared" else f", {self.loss} loss"
        slope = "" if self.slope == 0 else f", slope={self.slope:g}"
        free = "".join(f", {name}" for name in ("skip", "intercept") if getattr(self, name))
        weighted = "" if self.sample_weight is None else ", weighted"
        return (
            f"TrainingProblem(n={n}{patches}, d={d}{outputs}, beta={self.beta:.4g}"
            f"{loss}{slope}{free}{weighted})"
        )

    @property
    def plain(self):
        """Whether the networks are ReLU networks on data (n, d) without free terms."""
        return self.X.ndim == 2 and self.slope == 0 and not (self.skip or self.intercept)

    def require_plain(self, what):
        """Raise a ValueError that says what takes plain problems only, unless this is one."""
        if not self.plain:
            raise ValueError(
                f"{what} takes ReLU networks on data (n, d), without slope, skip or intercept; "
                f"got the problem {self!r}"
            )

    @cached_property
    def loss_function(self):
        """The loss of the problem's name, with its weights."""
        return weighted_loss(self.loss, self.y, self.sample_weight)

    @cached_property
    def pooling(self):
        """The rows that neurons see, and how their activations make a sample's."""
        return Pooling.of(self.X, self.slope)

    @cached_property
    def free_terms(self):
        """The columns that networks may use without weight decay: X if skip, ones if intercept."""
        none, one = np.zeros((len(self.X), 0)), np.ones((len(self.X), int(self.intercept)))
        columns, sizes = (
            np.column_stack([pooled(data) if self.skip else none, one])
            for data in (self.X, np.abs(self.X))
        )
        additions = 0 if self.X.ndim == 2 else self.X.shape[1]
        return FreeTerms(columns, sizes, additions)

    def free_weights(self, coefficients):
        """The arguments `skip` and `intercept` of a network, from the columns' coefficients."""
        weights = {}
        if self.skip:
            weights["skip"] = coefficients[: self.X.shape[-1]]
        if self.intercept:
            weights["intercept"] = coefficients[-1]
        return weights

    def objective(self, network):
        """P(W, a) of a `ReLUNetwork`: the loss plus the weight decay of its neurons."""
        outputs = self._outputs(network)
        penalty = (network.hidden_weights**2).sum() + (network.output_weights**2).sum()
        return self.loss_value(outputs) + float(0.5 * self.beta * penalty)

    def residual(self, network):
        """Minus the gradient of the loss in the outputs, for the squared loss w (y - f(X)).

        It is the candidate for a dual point that every network carries. The hinge loss has one
        gradient of many where a margin is 1.
        """
        return self.loss_residual(self._outputs(network))

    def fitted_outputs(self, network):
        """Outputs of a network's neurons, with the best free terms in place of its own."""
        outputs, terms = self._outputs(network.with_free_terms(None, None)), self.free_terms
        return outputs + terms.basis @ terms.fit(self, outputs) if len(terms) else outputs

    def loss_value(self, outputs):
        """F(f) at outputs (n,) or (n, c)."""
        return self.loss_function.value(self.y, outputs)

    def loss_residual(self, outputs):
        """-grad F(f) at outputs (n,) or (n, c)."""
        return self.loss_function.residual(self.y, outputs)

    def loss_curvature(self, outputs):
        """Second derivatives of F in each output (n,), or None where all are 1.

        Of the softmax loss, whose Hessian is more than these, masses (n, c); see `free_terms`. Not
        for the hinge loss, which has none.
        """
        loss = self.loss_function
        if self.loss == "softmax":
            return loss.masses(self.y, outputs)
        known = loss.curvature(self.y, outputs)
        return known if known is None else known.reshape(len(known))

    def _outputs(self, network):
        if not hasattr(network, "hidden_weights"):  # the class itself is one floor up
            raise TypeError(f"network must be a ReLUNetwork, got {type(network).__name__}")
        if network.slope != self.slope:
            raise ValueError(
                f"the network's slope is {network.slope:g}, the problem's is {self.slope:g}"
            )
        for name in ("skip", "intercept"):
            if getattr(network, name) is not None and not getattr(self, name):
                raise ValueError(
                    f"the network has {name} weights, which the problem does not allow; make it "
                    f"with {name}=True"
                )
        outputs = network(self.X)
        if outputs.shape != self.y.shape:
            raise ValueError(
                f"the network's output has shape {outputs.shape}, y has shape {self.y.shape}"
            )
        return outputs

    def dual_value(self, nu):
        """Dual objective -F*(-nu), from below: a lower bound on every P where M(nu) <= beta.

        For the squared loss it is nu.y - 1/2 ||nu||^2, for the logistic loss the entropy of the
        probabilities nu_i y_i, for the softmax loss that of the rows of y - nu, for the hinge loss
        nu.y; minus infinity where these are no probabilities, or nu_i y_i not in [0, 1]. With
        weights it is the sum of w_i times this at nu_i / w_i. With free columns Z, Z'nu = 0 is
        asked for besides.

        Parameters
        ----------
        nu : (n,) or (n, c) array_like
            Of the shape of y.

        Raises
        ------
        TypeError, ValueError
            If nu is not finite and real, or of another shape.
        """
        return self.loss_function.dual_value(self.y, self._dual_point(nu))

    def dual_bound(self, nu, maximum):
        """Lower bound on the optimal value of every width, from any nu.

        Parameters
        ----------
        nu : (n,) or (n, c) array_like
            Anything of the shape of y; residuals of good networks give good bounds.
        maximum : float
            A proven upper bound on M(nu) = max over ||u|| <= 1 of |nu.(Xu)_+|, >= 0; infinity if
            nothing was proven, and then the bound is 0. With several outputs, on ||nu'(Xu)_+||; if
            on |nu_k.(Xu)_+| for every output k only, the bound is one for networks whose neurons
            feed one output each.

        Returns
        -------
        float
            The dual value at s nu with the best feasible scaling s in [0, beta / maximum]; for the
            squared loss s = clip(nu.y / ||nu||^2, 0, beta / maximum). It is >= 0, since s = 0 is
            feasible. Rounding is on its side: the scaling is a little smaller than that, and the
            dual value is lowered by what rounding may have added. Free columns Z make it the bound
            of a point near nu with Z'nu = 0, so 0 if none is near.

        Raises
        ------
        TypeError, ValueError
            If nu is not as for `dual_value`, or the maximum is not a number >= 0.

        References
        ----------
        Weak duality for the convex program of Pilanci and Ergen (2020): s nu is feasible because
        M is positively homogeneous, M(s nu) = s M(nu) <= beta. Theory: certificate.
        """
        return duality.bound(self, self._dual_point(nu), maximum)

    def feasible_point(self, nu, maximum):
        """The point s nu of `dual_bound`, its entries rounded: zero where nothing was proven.

        Parameters
        ----------
        nu, maximum
            As for `dual_bound`.

        Returns
        -------
        ndarray
            Of the shape of y.
        """
        nu = self._dual_point(nu)
        return duality.Feasible.of(self, nu, maximum).scale * nu

    def affordable_violation(self, nu, tol):
        """The relative violation M(nu) / beta - 1 that costs a relative gap of tol.

        It is that of the dual value at nu (n,), which at an optimum is the optimal value, against
        its value where the dual constraint holds, at s nu with s = beta / M(nu). Concave in s and
        0 at s = 0, the dual value loses at most its share 1 - s: the result is at least tol.
        """
        return duality.affordable_violation(self, nu, tol)

    def of_samples(self, chosen):
        """The same problem on some samples, with the penalty in proportion."""
        beta, w = self.beta * len(chosen) / len(self.X), self.sample_weight
        parts = {"X": self.X[chosen], "y": self.y[chosen], "beta": beta}
        return replace(self, sample_weight=None if w is None else w[chosen], **parts)

    def _dual_point(self, nu):
        """Return nu as a float vector that pairs with y, or say what is wrong with it."""
        nu = real_array(nu, "nu", ndim=self.y.ndim)
        if nu.shape != self.y.shape:
            raise ValueError(f"nu must have the shape of y, {self.y.shape}, got {nu.shape}")
        return nu
