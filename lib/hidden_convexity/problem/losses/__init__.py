"""Losses F(f) of the outputs f on the data, with what convex duality needs of them.

For any network, with penalty R >= beta sum_j ||u_j|| (balance, then encode), and any nu with
M(nu) = max over ||u|| <= 1 of |nu.(Xu)_+| <= beta,

    F(f) + R >= -F*(-nu) - nu.f + beta sum_j ||u_j|| >= -F*(-nu),

by the definition of the conjugate F* and since |nu.f| <= sum_j ||u_j|| M(nu). So -F*(-nu) is a
lower bound on P for networks of every width: the dual value. At an optimum nu = -grad F(f) attains
it. Both are stated in Pilanci and Ergen (2020), arXiv:2002.10553, for general convex losses. With
c outputs nu is (n, c) and M(nu) is the maximum of ||nu'(Xu)_+||; for networks whose neurons feed
one output each, the maximum of |nu_k.(Xu)_+| over outputs k as well.

Samples have weights: F(f) = sum_i w_i l_i(f_i) for the losses l_i of the samples, and the dual
value is that of each of them at nu_i / w_i, times its weight.

Dual values are lower bounds in exact arithmetic: each is lowered by what rounding can do to it, the
`allowance` of its sums and of its terms, some 1e-14 of their size.

Arrays are of any library that keeps to the array API standard, NumPy and PyTorch among them.
"""

from array_api_compat import array_namespace

from hidden_convexity.problem.losses.hinge import Hinge
from hidden_convexity.problem.losses.logistic import Logistic
from hidden_convexity.problem.losses.softmax import Softmax
from hidden_convexity.problem.losses.squared import Squared

__all__ = ["LOSSES", "Hinge", "Logistic", "Softmax", "Squared", "loss_for"]

LOSSES = {"squared": Squared, "logistic": Logistic, "hinge": Hinge, "softmax": Softmax}


def loss_for(y, name, loss):
    """The class of a loss, once targets (n,) or (n, c) are known to be fit for it.

    Parameters
    ----------
    y : array
    name : str
        What the caller calls y, for the message.
    loss : {"squared", "logistic", "hinge", "softmax"}

    Raises
    ------
    ValueError
        If the loss is another, or y holds other labels than the loss needs.
    """
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
    xp, shape = array_namespace(y), tuple(y.shape)
    if loss in ("logistic", "hinge") and not (y.ndim == 1 and bool(xp.all(xp.abs(y) == 1))):
        raise ValueError(
            f"{name} must be a vector of labels -1 and 1 for the {loss} loss, got shape {shape} "
            f"with values {xp.unique_values(y)[:4]}; map the two classes to -1 and 1"
        )
    if loss == "softmax" and not (
        y.ndim == 2
        and y.shape[1] > 1
        and bool(xp.all((y == 0) | (y == 1)))
        and bool(xp.all(xp.sum(y, axis=1) == 1))
    ):
        raise ValueError(
            f"{name} must be (n, c) with one row per sample, 1 at its class and 0 elsewhere, "
            f"c >= 2, for the softmax loss; got shape {shape}"
        )
    return LOSSES[loss]
