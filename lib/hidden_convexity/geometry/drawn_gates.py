"""Random gates of several kinds, each strictly inside a chamber of the data.

A cross product of samples, or a gate that sees few features, can lie exactly on the hyperplane of
samples. By the one rule of `hyperplanes.active` such samples are off, whatever roundoff says; so
the gate is moved into the chamber in which they are, by less than it takes to reach any other
sample's hyperplane. Of opposite samples, which are never off together, it is the first. Where there
is no such chamber, since samples depend on each other otherwise, the gate is left out.
"""

from math import isqrt, prod

import numpy as np

from hidden_convexity.foundations.double_precision import TINY
from hidden_convexity.foundations.validation import whole_number
from hidden_convexity.geometry.hyperplanes import (
    CHUNK,
    ROUNDING,
    distinct_lines,
    row_space,
    unit_rows,
)
from hidden_convexity.geometry.wedge import unit_normal

KINDS = ("gaussian", "wedge", "sparse", "patch")
# A unit sample is on a gate if their product is below this: what rounding leaves of cross products.
ON_GATE = 1e-10
# A gate that was moved inside is this much clearer of hyperplanes than what counts as on them.
CLEAR = 4
# Dimensions of a sketch, and side of a patch, unless they are given.
SKETCHED, SIDE = 10, 3


def draw(X, count, rng, kind, size, shape):
    """Unit gates (d, G), G <= count, of a kind; arguments as in `Arrangement.sample`."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
    if size is not None:
        size = whole_number(size, "size", 1)
        if kind == "gaussian":
            raise ValueError(f"size goes with kinds other than 'gaussian', got {size}")
    if shape is not None and kind != "patch":
        raise ValueError(f"shape goes with kind='patch' only, got kind={kind!r}")
    d = X.shape[1]
    if kind == "gaussian":
        gates = rng.standard_normal((d, count))
        return gates / np.linalg.norm(gates, axis=0)
    if kind == "wedge":
        gates = _wedge(X, count, rng, size or SKETCHED)
    else:
        gates = rng.standard_normal((d, count)) * _seen(d, count, rng, kind, size, shape)
    gates = _inside(unit_rows(X), gates / np.linalg.norm(gates, axis=0))
    if gates.shape[1] == 0:
        raise ValueError(
            f"X has no chamber in which the samples on a gate are off, for any of {count} gates of "
            f"kind {kind!r}, since they depend on each other; draw more, or use kind='gaussian'"
        )
    return gates


def _wedge(X, count, rng, size):
    """Cross products of random samples, in the row space or in a random sketch of it."""
    basis = row_space(X)
    rank = basis.shape[1]
    if rank == 0:
        raise ValueError("X must have a nonzero row for gates of kind 'wedge', got zeros only")
    rows = unit_rows(X) @ basis
    rows = rows[rows.any(axis=1)]
    n, dimensions = len(rows), min(rank, size)
    chunks, step = [], max(CHUNK // (rank * dimensions), 1)
    for start in range(0, count, step):
        here = min(step, count - start)
        # As many different samples each, in a random order.
        chosen = np.argsort(rng.random((here, n)), axis=1)[:, : dimensions - 1]
        sketch = np.broadcast_to(np.eye(rank), (here, rank, rank))
        if dimensions < rank:
            sketch = rng.standard_normal((here, rank, dimensions))
        normals, _ = unit_normal(rows[chosen] @ sketch)
        normals *= rng.choice([-1.0, 1.0], size=(here, 1))
        chunks.append(basis @ np.einsum("grk,gk->rg", sketch, normals))
    gates = np.concatenate(chunks, axis=1)
    return gates[:, gates.any(axis=0)]  # dependent samples have none


def _seen(d, count, rng, kind, size, shape):
    """Which features each gate sees, (d, count)."""
    if kind == "sparse":
        size = isqrt(d - 1) + 1 if size is None else size
        if size > d:
            raise ValueError(f"size must be at most {d}, the columns of X, got {size}")
        return np.argsort(rng.random((d, count)), axis=0) < size
    shape = (d,) if shape is None else shape
    if not isinstance(shape, tuple) or not shape:
        raise TypeError(f"shape must be a tuple of lengths, such as (28, 28), got {shape!r}")
    shape = tuple(whole_number(length, "shape", 1) for length in shape)
    if prod(shape) > d:
        raise ValueError(f"shape {shape} has {prod(shape)} entries, X has {d} columns")
    if size is not None and size > min(shape):
        raise ValueError(f"size must be at most {min(shape)}, the least length, got {size}")
    seen = np.ones((*shape, count), dtype=bool)
    for axis, length in enumerate(shape):
        side = min(SIDE if size is None else size, length)
        first = rng.integers(length - side + 1, size=count)
        offset = np.arange(length)[:, None] - first
        along = [1] * len(shape)
        along[axis] = length
        seen &= ((offset >= 0) & (offset < side)).reshape(*along, count)
    # Columns beyond the shape, such as the ones of a bias, are seen by every gate.
    rest = np.ones((d - prod(shape), count), dtype=bool)
    return np.concatenate([seen.reshape(-1, count), rest])


def _inside(unit, gates):
    """The gates (d, G) moved into the chambers where samples on them are off, if there are any."""
    unit = unit[unit.any(axis=1)]
    moved = []
    for gate in gates.T:
        heights = unit @ gate
        on = np.abs(heights) <= ON_GATE
        if on.any():
            gate = _step(unit, gate, heights, on)
        if gate is not None and (np.abs(unit @ gate) > CLEAR * ROUNDING).all():
            moved.append(gate)
    return np.reshape(moved, (-1, len(gates))).T


def _step(unit, gate, heights, on):
    """The gate, moved to where the samples that are on it are off; None if none was found."""
    tied = unit[on]
    tied = tied[distinct_lines(tied)[0]]
    for away in (np.linalg.lstsq(tied, -np.ones(len(tied)), rcond=None)[0], -tied.mean(axis=0)):
        away = away / max(np.linalg.norm(away), TINY)
        if (tied @ away < -np.sqrt(ON_GATE)).all():
            reach = np.abs(heights[~on]) / np.maximum(np.abs(unit[~on] @ away), ON_GATE)
            gate = gate + min(0.5 * reach.min(initial=1.0), 0.5) * away
            return gate / np.linalg.norm(gate)
    return None
