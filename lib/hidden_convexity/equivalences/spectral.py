"""Largest singular values of a stack of matrices: found by an iteration, bounded by a proof.

What a Lanczos iteration finds is a lower bound of the spectral norm, however well it has converged.
An upper bound needs a proof, and this one costs a third of a matrix product: if the Cholesky
factorisation of m^2 I - G G' runs to its end in floating point, no singular value of G is above m
but for rounding, and for that there are constants (Rump 2006, BIT 46, "Verification of positive
definiteness").
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from hidden_convexity.foundations.double_precision import UNIT_ROUNDOFF

# Up to this order all eigenvalues of a Gram matrix are faster than a few by Lanczos iterations.
DENSE_ORDER = 400
# Share by which the first attempt at a proof exceeds what was found, and what a failed one adds:
# far below any duality gap that is asked for.
FIRST_MARGIN, MARGIN_GROWTH = 1e-12, 10.0


class Leading(NamedTuple):
    """Singular triples of a stack of matrices, the largest values first.

    Attributes
    ----------
    bound : float
        Proven upper bound on the spectral norm of every matrix of the stack.
    values : (k,) ndarray
    left, right : (k, p) and (k, q) ndarray
        Unit vectors.
    block : (k,) ndarray of int
        Which matrix.
    """

    bound: float
    values: np.ndarray
    left: np.ndarray
    right: np.ndarray
    block: np.ndarray


def leading(stack, count):
    """The `count` largest singular triples, or fewer, of all matrices (G, p, q) together.

    Returns
    -------
    Leading
        Its bound accounts for all rounding errors but those of the entries of `stack` themselves.
        Where a Lanczos iteration does not converge it has fewer triples; the bound holds as well.
    """
    unit = _unit(stack)
    if not 0 < unit < np.inf:
        none, lines = np.zeros(0), np.zeros((0, 1))
        return Leading(unit, none, lines, lines, none.astype(int))
    wide = stack.shape[1] <= stack.shape[2]
    short = (stack if wide else stack.swapaxes(1, 2)) / unit  # (G, m, l) with m <= l
    gram = short @ short.swapaxes(1, 2)
    eigenvalues, vectors, block = _largest_eigenvalues(gram, count)
    values = np.sqrt(np.maximum(eigenvalues, 0.0))
    bound = _proven(gram, short, values.max(initial=0.0))
    block, vectors, values = (array[values > 0] for array in (block, vectors, values))
    others = np.einsum("km,kml->kl", vectors, short[block]) / values[:, None]
    left, right = (vectors, others) if wide else (others, vectors)
    return Leading(unit * bound, unit * values, left, right, block)


def _unit(stack):
    """A power of two that divides entries to at most 2, whose squares then are in range: exactly.

    0 or infinity where the largest entry is, and infinity where one is not a number.
    """
    largest = float(np.abs(stack).max(initial=0.0))
    if not 0 < largest < np.inf:
        return 0.0 if largest == 0 else np.inf
    return float(np.ldexp(1.0, np.frexp(largest)[1] - 1))


def _largest_eigenvalues(gram, count):
    """Eigenvalues (k,), largest first, their vectors (k, m) and matrices (k,), of (G, m, m)."""
    blocks, order, _ = gram.shape
    if order <= DENSE_ORDER:
        values, vectors = np.linalg.eigh(gram)
        vectors = vectors.swapaxes(1, 2).reshape(-1, order)
        kept = order
    else:
        kept = min(count, order // 2)
        pairs = [_lanczos(one, kept) for one in gram]
        kept = min(len(values) for values, _ in pairs)
        values = np.array([values[len(values) - kept :] for values, _ in pairs])
        vectors = np.concatenate([vectors[:, vectors.shape[1] - kept :].T for _, vectors in pairs])
    block = np.repeat(np.arange(blocks), kept)
    first = np.argsort(-values.ravel(), kind="stable")[:count]
    return values.ravel()[first], vectors[first], block[first]


def _lanczos(gram, count):
    if not gram.trace() > 0:
        return np.zeros(count), np.eye(len(gram), count)
    start = gram.sum(axis=1) + gram.trace() / len(gram)  # deterministic, and not 0
    try:
        return eigsh(gram, k=count, which="LA", v0=start)
    except ArpackNoConvergence as stopped:
        order = np.argsort(stopped.eigenvalues)
        return stopped.eigenvalues[order], stopped.eigenvectors[:, order]


def _proven(gram, short, found):
    """An upper bound on the largest singular value, from one that was found."""
    order, length = short.shape[1:]
    energy = float((short**2).sum(axis=(1, 2)).max(initial=0.0))
    # || fl(G G') - G G' || <= gamma_l ||G||_F^2, and twice that for the rounding of these lines.
    product = 2 * length * UNIT_ROUNDOFF * energy
    margin, diagonal = FIRST_MARGIN, np.arange(order)
    while energy > 0:
        square = max(found**2, energy * UNIT_ROUNDOFF) * (1 + margin)
        shifted = -gram
        shifted[:, diagonal, diagonal] += square
        try:
            np.linalg.cholesky(shifted)
        except np.linalg.LinAlgError:
            margin *= MARGIN_GROWTH
            continue
        # Rump: a factorisation that ends leaves no eigenvalue below -gamma_(m+1) / (1 - ...) trace.
        trace = 2 * (order + 2) * UNIT_ROUNDOFF * order * square
        return float(np.sqrt(square + trace + product))
    return 0.0
