"""Activation patterns as bits, a pattern a row: an eighth of the memory, and quick to compare."""

import numpy as np

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.geometry.hyperplanes import CHUNK, ROUNDING

# A gate is inside if no rounding of its products with unit rows, a few 1e-16, can say otherwise.
INSIDE = 8 * EPS


def packed_sides(normals, directions):
    """Bits (G, ceil(m / 8)) of `hyperplanes.active`, for unit normals and directions."""
    step = max(CHUNK // max(len(normals), 1), 1)
    chunks = [
        np.packbits(directions[:, k : k + step].T @ normals.T > ROUNDING, axis=1)
        for k in range(0, directions.shape[1], step)
    ]
    return np.concatenate(chunks)


def strictly_inside(normals, gates, bits):
    """Whether each gate (r, G) is on the side of each normal that its bits say, and clearly so."""
    step = max(CHUNK // len(normals), 1)
    inside = np.empty(len(bits), dtype=bool)
    for k in range(0, len(bits), step):
        products, own = gates[:, k : k + step].T @ normals.T, bits[k : k + step]
        active, not_inactive = products > INSIDE, products > -INSIDE
        same = (np.packbits(active, axis=1) == own) & (np.packbits(not_inactive, axis=1) == own)
        inside[k : k + step] = same.all(axis=1)
    return inside


def distinct_patterns(bits):
    """Index of the first of each distinct row of bits, and the distinct row each row equals.

    Rows are compared through a 64-bit hash, which sorts tens of times faster than the rows; the
    comparison that follows makes the answer exact whatever the hash does.
    """
    pad = -bits.shape[1] % 8
    words = np.ascontiguousarray(np.pad(bits, ((0, 0), (0, pad)))).view(np.uint64)
    rng = np.random.default_rng(0)
    odd = rng.integers(0, 2**63, size=words.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    key = np.zeros(len(words), dtype=np.uint64)
    for column, factor in zip(words.T, odd, strict=True):
        mixed = (key ^ column) * factor
        key = mixed ^ (mixed >> np.uint64(29))
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    if not np.array_equal(words[first[inverse]], words):
        _, first, inverse = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)
