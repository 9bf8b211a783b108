"""What is passed in for a problem, checked together: samples, their weights, the weight decay."""

from hidden_convexity.foundations.validation import (
    LARGEST,
    SMALLEST,
    of_moderate_size,
    positive_number,
    read_only,
    real_array,
    samples,
)
from hidden_convexity.problem.losses import LOSSES, loss_for


def checked_samples(X, y, sample_weight, loss):
    """Data, targets and weights of samples as read-only arrays, those of weight 0 left out.

    Parameters
    ----------
    X, y, sample_weight, loss
        As in `TrainingProblem`.

    Returns
    -------
    X, y : ndarray
    sample_weight : (n,) ndarray or None
        None where all weights are 1.
    """
    X, y = samples(X), real_array(y, "y", ndim=(1, 2))
    if len(y) != len(X) or y.size == 0:
        raise ValueError(
            f"y must have one entry or one row per row of X: X has shape {X.shape}, "
            f"y has shape {y.shape}"
        )
    loss_for(y, "y", loss)
    if sample_weight is not None:
        sample_weight = _checked_weights(sample_weight, len(X))
        kept = sample_weight > 0
        X, y, sample_weight = X[kept], y[kept], read_only(sample_weight[kept])
        # A dual point has the size of weights times targets.
        of_moderate_size((sample_weight * y.T).T, "y times sample_weight")
        if (sample_weight == 1).all():
            sample_weight = None
    return (*(read_only(of_moderate_size(*one)) for one in ((X, "X"), (y, "y"))), sample_weight)


def _checked_weights(sample_weight, n):
    """Weights (n,) >= 0, not all 0, none so large or small that its products vanish."""
    weights = real_array(sample_weight, "sample_weight", ndim=1)
    if weights.shape != (n,):
        raise ValueError(
            f"sample_weight must have one entry per row of X, {n}, got shape {weights.shape}"
        )
    if weights.min() < 0 or weights.max() == 0:
        raise ValueError(
            "sample_weight must be >= 0, and > 0 for at least one sample (0 leaves a sample out), "
            f"got weights from {weights.min():.3g} to {weights.max():.3g}"
        )
    positive = weights[weights > 0]
    if positive.min() < SMALLEST or positive.max() > LARGEST:
        raise ValueError(
            f"sample_weight must have positive entries between {SMALLEST:g} and {LARGEST:g}, so "
            f"that products with them can be represented, got {positive.min():.3g} to "
            f"{positive.max():.3g}; rescale it, and beta with it"
        )
    return weights


def checked_weight_decay(beta):
    """A float > 0 whose products with weights can be represented."""
    beta = positive_number(beta, "beta")
    # Beta has the unit of X times y.
    if not SMALLEST**2 <= beta <= LARGEST**2:
        raise ValueError(
            f"beta must be between {SMALLEST**2:g} and {LARGEST**2:g}, so that products with "
            f"it can be represented, got {beta:.3g}; rescale X or y, and beta with them"
        )
    return beta


def weighted_loss(name, y, sample_weight):
    """The loss of a name, with weights (n,) or None of the samples whose targets are y."""
    if sample_weight is None:
        return LOSSES[name]()
    return LOSSES[name](sample_weight if y.ndim == 1 else sample_weight[:, None])
