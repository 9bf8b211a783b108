"""Real electrocardiograms and pulse waves, and the few steps from a signal to ``X, y``.

The order that leaks nothing from the future: ``windows``, ``split_in_time``, ``standardise``,
``with_bias``. For convolutional networks, ``patches``.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import idct

from hidden_convexity.companion.packaged import ecg, pulse
from hidden_convexity.companion.recordings import Signal, load_ecg
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.validation import flag, real_array, real_number, whole_number
from hidden_convexity.problem.data import with_bias

__all__ = [
    "Patches",
    "Signal",
    "ecg",
    "load_ecg",
    "patches",
    "pulse",
    "split_in_time",
    "standardise",
    "windows",
    "with_bias",
]


def windows(values, order, horizon=1):
    """Cut a signal into autoregressive pairs: ``order`` past samples and one to predict.

    Parameters
    ----------
    values : (length,) array
    order : int
        Past samples per row, >= 1.
    horizon : int
        How many samples after the last one seen the target lies, >= 1.

    Returns
    -------
    X : (n, order) array
        Row i is ``values[i : i + order]``, oldest first; n = length - order - horizon + 1.
    y : (n,) array
        ``values[i + order + horizon - 1]``.

    Raises
    ------
    TypeError, ValueError
        For values that are not a finite real vector long enough for one row, or order or horizon
        that is not an integer >= 1.
    """
    values = real_array(values, "values", ndim=1)
    order, horizon = whole_number(order, "order", 1), whole_number(horizon, "horizon", 1)
    n = len(values) - order - horizon + 1
    if n < 1:
        raise ValueError(
            f"values must have at least order + horizon = {order + horizon} samples, got "
            f"{len(values)}; give a longer signal or a smaller order"
        )
    X = np.lib.stride_tricks.sliding_window_view(values, order)[:n].copy()
    return X, values[order + horizon - 1 :].copy()


def split_in_time(X, y, fraction=0.75):
    """Split samples into an earlier part to train on and a later one to test on.

    Never shuffled: neighbouring windows share samples, so a shuffled test set would have been seen.

    Parameters
    ----------
    X : (n, d) or (n,) array
    y : (n,) or (n, c) array
    fraction : float
        Share of the samples to train on, in (0, 1).

    Returns
    -------
    X_train, X_test, y_train, y_test : arrays

    Raises
    ------
    TypeError, ValueError
        If X or y is not finite and real, they differ in length, or one of the parts would be empty.
    """
    X, y = real_array(X, "X", ndim=(1, 2)), real_array(y, "y", ndim=(1, 2))
    if len(X) != len(y):
        raise ValueError(
            f"y must have one entry or one row per row of X: X has shape {X.shape}, "
            f"y has shape {y.shape}"
        )
    if not 0 < real_number(fraction, "fraction") < 1:
        raise ValueError(f"fraction must be in (0, 1), such as 0.75, got {fraction!r}")
    train = round(fraction * len(X))
    if not 0 < train < len(X):
        raise ValueError(
            f"fraction must leave both parts at least one sample: {fraction!r} of {len(X)} leaves "
            "one empty; give more samples or another fraction"
        )
    return X[:train], X[train:], y[:train], y[train:]


def standardise(train, *others):
    """Centre and scale columns by the mean and standard deviation of the training part alone.

    Parameters
    ----------
    train : (n,) or (n, d) array
    *others : arrays with as many columns
        Moved and scaled by the numbers of ``train``: they may not influence them.

    Returns
    -------
    tuple of arrays
        ``train`` and ``others``, in the order given.

    Raises
    ------
    TypeError, ValueError
        For arrays that are empty, not finite, or differ in columns, or a column constant in
        ``train``: centring would silently turn it, say a bias, into zeros.
    """
    train = real_array(train, "train", ndim=(1, 2))
    others = [real_array(each, f"others[{k}]", ndim=(1, 2)) for k, each in enumerate(others)]
    if train.size == 0 or any(each.shape[1:] != train.shape[1:] for each in others):
        raise ValueError(
            f"train must not be empty and others must have its columns: train has shape "
            f"{train.shape}, others have {[each.shape for each in others]}"
        )
    # Equal numbers computed in different ways differ by roundoff: such a column is constant too.
    roundoff = 4 * EPS * np.abs(train).max(axis=0)
    constant = np.flatnonzero(np.ptp(train, axis=0) <= roundoff)
    if constant.size:
        where = f" in column {', '.join(map(str, constant))}" if train.ndim == 2 else ""
        raise ValueError(
            f"train must not be constant{where}: it has no scale; drop it, and append the bias "
            "with with_bias after standardising"
        )
    centre, scale = train.mean(axis=0), train.std(axis=0)
    return tuple((each - centre) / scale for each in (train, *others))


@dataclass(frozen=True, eq=False)
class Patches:
    """Patches of signals or images in a subspace, and the way back from weights to filters.

    Attributes
    ----------
    X : (n, K, r) array, or (n, K, r + 1) with a bias
        Coordinates of each sample's K patches, as `TrainingProblem` takes them.
    atoms : (length, r) or (length, length, r) array
        Orthonormal: a patch is nearest to the sum of its coordinates times the atoms.
    """

    X: np.ndarray
    atoms: np.ndarray

    def filters(self, hidden_weights):
        """The filters (m, length) or (m, length, length) of a network's hidden weights.

        Their products with patches, plus the last weight if there is a bias, are what the
        network's activation sees; they have the weights' length.
        """
        weights = real_array(hidden_weights, "hidden_weights", ndim=2)
        if weights.shape[1] != self.X.shape[2]:
            raise ValueError(
                f"hidden_weights must have {self.X.shape[2]} columns, one per coordinate of a "
                f"patch, got shape {weights.shape}"
            )
        return np.moveaxis(self.atoms @ weights[:, : self.atoms.shape[-1]].T, -1, 0)


def patches(samples, length, basis=None, rank=None, bias=False):
    """All patches of signals or images, for convolutional networks with average pooling.

    A proof of optimality is within reach up to rank 5 or 6, however long the filters: those longer
    than that are restricted to a subspace.

    Parameters
    ----------
    samples : (n, T) or (n, height, width) array
        Signals, or images, one a sample.
    length : int
        Samples in a patch, 1 to T; images have square patches of this side.
    basis : {None, "dct", "pca"}
        The subspace of the filters: all; the first atoms of the discrete cosine transform, of
        images by increasing sum of both frequencies; or the principal components of the patches,
        about 0, with the largest ones first.
    rank : int, optional
        Number of atoms, 1 to the number of samples in a patch; for a basis only.
    bias : bool
        Append a one to each patch: the last weight of each filter is its bias, and adds 1 to the
        rank.

    Returns
    -------
    Patches

    Raises
    ------
    TypeError, ValueError
        If the samples are not finite, or another argument is not of these kinds.
    """
    samples = real_array(samples, "samples", ndim=(2, 3))
    length, bias = whole_number(length, "length", 1), flag(bias, "bias")
    if len(samples) == 0 or length > min(samples.shape[1:]):
        raise ValueError(
            f"length must be at most {min(samples.shape[1:])} for samples of shape "
            f"{samples.shape}, of which there must be one, got {length}"
        )
    axes = tuple(range(1, samples.ndim))
    size = length ** len(axes)
    cut = np.lib.stride_tricks.sliding_window_view(samples, (length,) * len(axes), axis=axes)
    cut = cut.reshape(len(samples), -1, size)
    if (basis is None) != (rank is None):
        raise ValueError(f"rank goes with a basis, got basis={basis!r} and rank={rank!r}")
    if basis is None:
        X, atoms = cut, np.eye(size)
    else:
        rank = whole_number(rank, "rank", 1)
        if rank > size:
            raise ValueError(f"rank must be at most {size}, the samples in a patch, got {rank}")
        atoms = _atoms(basis, cut, length, len(axes))[:, :rank]
        X = cut @ atoms
    if bias:
        X = np.concatenate([X, np.ones((*X.shape[:2], 1))], axis=2)
    return Patches(np.array(X), atoms.reshape(*(length,) * len(axes), -1))


def _atoms(basis, cut, length, dimensions):
    """Orthonormal columns that span all patches, the first ones first to be kept."""
    if basis == "pca":
        rows = cut.reshape(-1, cut.shape[-1])
        return np.linalg.eigh(rows.T @ rows)[1][:, ::-1]
    if basis != "dct":
        raise ValueError(f'basis must be None, "dct" or "pca", got {basis!r}')
    waves = idct(np.eye(length), axis=0, norm="ortho")
    if dimensions == 1:
        return waves
    first, second = np.divmod(np.arange(length**2), length)
    order = np.argsort(first + second, kind="stable")
    return np.kron(waves, waves)[:, order]
