"""Wedge products of data: cross products, signed volumes, and the Lasso dictionary they make.

The wedge product of d - 1 vectors of R^d is the oriented piece of hyperplane that they span; its
Hodge dual is one vector orthogonal to it, the generalised cross product. A ReLU neuron with such
a weight outputs the signed volume that a sample spans with these d - 1 vectors, clipped at zero.

Everything here goes through one QR factorisation, which is backward stable for each row; cofactor
expansions cancel, and cost d! operations.
"""

from itertools import combinations, islice
from math import comb

import numpy as np

from hidden_convexity.foundations.double_precision import TINY
from hidden_convexity.foundations.validation import data_matrix, real_array, whole_number
from hidden_convexity.geometry.hyperplanes import SAME_LINE, distinct_lines, unit_rows

# Entries of the largest temporary array: 32 MB of float64.
CHUNK = 4_000_000


def cross_product(vectors):
    """The generalised cross product of d - 1 vectors: the w with w.x = det of [x; vectors].

    Parameters
    ----------
    vectors : (..., d - 1, d) array_like
        Vectors as rows, d >= 1; leading dimensions are a batch.

    Returns
    -------
    (..., d) ndarray
        Orthogonal to every row; its length is the (d - 1)-volume of the parallelotope that they
        span, in the unit of the rows to the power d - 1. Zero, exactly, where a row is within
        `hyperplanes.SAME_LINE` of its length of the span of the rows above it; nowhere else.

    Raises
    ------
    TypeError, ValueError
        If the rows are not finite and real, their number is not d - 1, or the length is beyond
        the range of floating-point numbers: see `unit_normal`.

    Notes
    -----
    With the rows as columns A = Q R, det [x, A] = (-1)^(d-1) det(Q) (r_11 ... r_{d-1,d-1}) q_d.x,
    so w is a multiple of q_d, the last column of the full Q. In geometric algebra it is the vector
    whose Hodge dual is the wedge product of the rows.

    References
    ----------
    Pilanci (2023), arXiv:2309.16512, on the weights of ReLU networks as such products.

    Theory: cross-product.
    """
    vectors = _rows(vectors, fewer=1)
    basis, mantissa, exponent = _wedge(vectors)
    sign = (-1) ** (vectors.shape[-1] - 1)
    volume = _in_range(mantissa, exponent, "unit_normal gives its direction and its logarithm")
    return sign * volume[..., None] * basis[..., -1] + 0.0  # no -0.0


def unit_normal(vectors):
    """The cross product of d - 1 vectors as a direction and the logarithm of its length.

    Parameters
    ----------
    vectors : (..., d - 1, d) array_like
        Vectors as rows, d >= 1; leading dimensions are a batch.

    Returns
    -------
    normal : (..., d) ndarray
        Of length 1, with the orientation of `cross_product`; zero where the rows are dependent.
    log_length : float, or (...) ndarray for a batch
        Natural logarithm of the length; -inf where the rows are dependent.

    Raises
    ------
    TypeError, ValueError
        If the rows are not finite and real, or their number is not d - 1.

    Notes
    -----
    The volume of 350 Gaussian rows overflows, that of 2,000 random unit rows underflows.
    """
    vectors = _rows(vectors, fewer=1)
    basis, mantissa, exponent = _wedge(vectors)
    sign = (-1) ** (vectors.shape[-1] - 1) * np.sign(mantissa)
    with np.errstate(divide="ignore"):
        logarithm = np.log(np.abs(mantissa)) + exponent * np.log(2.0)
    normal = sign[..., None] * basis[..., -1] + 0.0
    return normal, logarithm if logarithm.ndim else float(logarithm)


def signed_volume(vectors):
    """The determinant of d vectors of R^d, as the oriented volume of their parallelotope.

    Parameters
    ----------
    vectors : (..., d, d) array_like
        Vectors as rows, d >= 1; leading dimensions are a batch.

    Returns
    -------
    float, or (...) ndarray for a batch
        In the unit of the rows to the power d; its sign is the orientation. The simplex with the
        corners 0 and the d vectors has 1 / d! of this volume. The simplex of d + 1 points has too,
        if each point is extended by a 1: its rows then are d + 1 vectors of R^(d+1).

    Raises
    ------
    TypeError, ValueError
        If the rows are not finite and real, their number is not d, or the volume is beyond the
        range of floating-point numbers.
    """
    _, mantissa, exponent = _wedge(_rows(vectors, fewer=0))
    volume = _in_range(mantissa, exponent, "multiply or divide them by a constant") + 0.0
    return volume if volume.ndim else float(volume)


def dictionary(X, norm=1, max_columns=100_000):
    """Clipped signed volumes of the data: the features of all neurons that are cross products.

    The neurons are +-w_J for all sets J of d - 1 rows of Z = [X; I_d], where w_J is their cross
    product, scaled to norm 1.

    Parameters
    ----------
    X : (n, d) array_like
        Data, one sample a row.
    norm : 1 or 2
        The norm in which the weights have length 1.
    max_columns : int
        Largest number of neurons to hold.

    Returns
    -------
    features : (n, p) ndarray
        (X w)_+ for every neuron: no zero column, no two equal ones.
    weights : (d, p) ndarray
        The neurons' weights. At most 2 C(n + d, d - 1) of them.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real matrix, norm is neither 1 nor 2, or there may be more neurons
        than `max_columns`; the last before any is computed.

    Notes
    -----
    With norm 1, the Lasso min 1/2 ||A z - y||^2 + beta ||z||_1 over these features A has the same
    optimal value as training with (beta/2) sum_j (||w_j||_1^2 + a_j^2): the dual constraint is
    maximised at an extreme ray of a cone on which both nu.(Xu)_+ and ||u||_1 are linear. With norm
    2, it is an upper bound on training with the usual weight decay, at most sqrt(d) times as large.

    References
    ----------
    Pilanci (2023), arXiv:2309.16512.

    Theory: l1-lasso.
    """
    X = data_matrix(X)
    if isinstance(norm, bool | np.bool_) or norm not in (1, 2):
        raise ValueError(f"norm must be 1 or 2, got {norm!r}")
    max_columns = whole_number(max_columns, "max_columns", 1)
    n, d = X.shape
    samples = unit_rows(X)
    normals = np.concatenate([samples[samples.any(axis=1)], np.eye(d)])
    normals = normals[distinct_lines(normals)[0]]
    predicted = 2 * comb(len(normals), d - 1)
    if predicted > max_columns:
        raise ValueError(
            f"X of shape {X.shape} has up to {predicted:,} cross products, whose features take "
            f"{8e-9 * n * predicted:.2g} GB; max_columns is {max_columns:,}: use fewer rows or "
            "columns, or raise it"
        )
    neurons = np.concatenate(list(_cross_products(normals)))
    neurons = neurons[distinct_lines(neurons)[0]]
    products = samples @ neurons.T
    products[np.abs(products) <= SAME_LINE] = 0.0  # tight rows, up to rounding
    scale = np.linalg.norm(neurons, ord=norm, axis=1)
    lengths = (X * samples).sum(axis=1, keepdims=True)
    products *= lengths / scale
    features = np.maximum(np.concatenate([products, -products], axis=1), 0.0)
    weights = np.concatenate([neurons.T / scale, -neurons.T / scale], axis=1)
    kept = _distinct_columns(features)
    return features[:, kept], weights[:, kept]


def _rows(vectors, fewer):
    """Finite float64 (..., d - fewer, d), or an error."""
    array = real_array(vectors, "vectors", ndim=tuple(range(2, 33)))
    count, d = array.shape[-2:]
    if d < 1 or count != d - fewer:
        wanted = "(..., d - 1, d)" if fewer else "(..., d, d)"
        raise ValueError(
            f"vectors must be rows of shape {wanted} with d >= 1, got shape {array.shape}"
        )
    return array


def _orthogonalise(vectors):
    """QR of unit rows (..., k, d): Q (..., d, d), heights (..., k) signed by det Q, lengths.

    The height of a row is what it adds to the span of the rows above it, relative to its length.
    """
    unit = unit_rows(vectors.reshape(-1, vectors.shape[-1])).reshape(vectors.shape)
    basis, triangle = np.linalg.qr(unit.mT, mode="complete")
    heights = np.diagonal(triangle, axis1=-2, axis2=-1).copy()
    heights[np.abs(heights) <= SAME_LINE] = 0.0
    if heights.shape[-1]:
        heights[..., 0] *= np.sign(np.linalg.det(basis))
    return basis, heights, (vectors * unit).sum(axis=-1)


def _wedge(vectors):
    """Q of the rows, and their signed volume as mantissa and exponent: mantissa 2^exponent."""
    basis, heights, lengths = _orthogonalise(vectors)
    mantissa, exponent = np.ones(heights.shape[:-1]), np.zeros(heights.shape[:-1], dtype=np.int64)
    for factor in (heights, lengths):
        for row in range(factor.shape[-1]):
            mantissa, shift = np.frexp(mantissa * factor[..., row])
            exponent = exponent + shift
    return basis, mantissa, exponent


def _in_range(mantissa, exponent, remedy):
    """mantissa 2^exponent, or an error where only a dependence could be zero or infinite."""
    with np.errstate(over="ignore", under="ignore"):
        volume = np.ldexp(mantissa, exponent)
    lost = (mantissa != 0) & (np.abs(volume) < TINY)
    if lost.any() or not np.isfinite(volume).all():
        kind, way = ("short", "underflows") if lost.any() else ("long", "overflows")
        raise ValueError(f"vectors are too {kind}: their volume {way}; {remedy}")
    return volume


def _cross_products(normals):
    """Chunks of unit vectors (k, d) orthogonal to d - 1 independent ones of the rows (m, d)."""
    d = normals.shape[1]
    subsets = combinations(range(len(normals)), d - 1)
    while batch := list(islice(subsets, max(CHUNK // d**2, 1))):
        rows = normals[np.array(batch, dtype=int).reshape(len(batch), d - 1)]
        basis, heights, _ = _orthogonalise(rows)
        yield basis[heights.all(axis=-1), :, -1]


def _distinct_columns(features):
    """Indices of the columns that are not zero, one of each set of equal ones."""
    nonzero = np.flatnonzero(features.any(axis=0))
    # Two columns are equal when, extended by the same number, they lie on one line.
    size = np.abs(features).max(initial=0.0)
    extended = np.column_stack([features[:, nonzero].T, np.full(len(nonzero), size)])
    return nonzero[distinct_lines(unit_rows(extended))[0]]
