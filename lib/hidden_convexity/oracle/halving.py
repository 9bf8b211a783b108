"""Compiled halves of box cones: which side to halve, and which rows cross a half.

The trees of one output and of several share this. A cell is the cone of a box on a face of the
cube, u_axis = 1 or -1, see `majorant`; its rows are known there by their local values (d, m), of
which halving a side changes two.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import fill
from hidden_convexity.oracle.geodesic import REORDER

# Only sides longer than this part of the longest one may be halved, so all sides shrink to nothing.
LONG_ENOUGH = 0.2
# Half-widths that only rounding tells apart from a point: its bound is final.
SMALLEST = 2.0**-53
# Work of a cell besides its rows, in products.
CELL_WORK = 500


@njit(cache=True, nogil=True)
def axis_of(box):
    """The axis of the face that a box (2, d) is on: along it alone the half-width is zero."""
    axis = 0
    for j in range(box.shape[1]):
        if box[1, j] == 0.0:
            axis = j
    return axis


@njit(cache=True, nogil=True, fastmath=REORDER)
def add_bends(block, widths, bends):
    """bends_k += how much the crossing rows bend along the k-th half-width, up to a factor.

    A row of slopes g_k crosses at an offset between -w and w, w = sum_k |g_k|, and bends between
    the centres of two opposite sides if that is below |g_k|, by the difference: g_k^2 / 2w if all
    offsets are alike.
    """
    d, m = block.shape
    fill(widths[:m], 0.0)
    for k in range(1, d):
        for i in range(m):
            widths[i] += abs(block[k, i])
    for k in range(1, d):
        total = 0.0
        for i in range(m):
            total += block[k, i] * block[k, i] / widths[i]
        bends[k] += total


@njit(cache=True, nogil=True)
def side_to_halve(box, axis, bends):
    """The side along which rows bend most, among the long ones: its number k, and its axis j."""
    longest = 0.0
    for j in range(box.shape[1]):
        longest = max(longest, box[1, j])
    most, side, along, k = -1.0, 1, 0, 1
    for j in range(box.shape[1]):
        if j != axis:
            if box[1, j] >= LONG_ENOUGH * longest and bends[k] > most:
                most, side, along = bends[k], k, j
            k += 1
    return side, along


@njit(cache=True, nogil=True, fastmath=REORDER)
def sift(block, side, half, middle, widths, chosen):
    """Choose the rows that cross half a box, and return how many there are.

    It is the half on the side `half` (1 or -1) of side number `side`; of side 0 all of the box.
    `middle` and `widths` become all rows' values at its centre, and how far they vary."""
    d, m = block.shape
    for i in range(m):
        middle[i] = block[0, i]
        widths[i] = 0.0
    for k in range(1, d):
        part = 0.5 if k == side else 1.0
        for i in range(m):
            widths[i] += part * abs(block[k, i])
    if side > 0:
        for i in range(m):
            middle[i] += 0.5 * half * block[side, i]
    count = 0
    for i in range(m):
        chosen[count] = i
        count += abs(middle[i]) < widths[i]
    return count


@njit(cache=True, nogil=True)
def copy_chosen(block, side, middle, chosen, count, out):
    """Copy the local values of the chosen rows on half a box, of which `sift` gave the middle."""
    for j in range(count):
        out[j] = middle[chosen[j]]
    for k in range(1, len(block)):
        offset, part = k * count, 0.5 if k == side else 1.0
        for j in range(count):
            out[offset + j] = part * block[k, chosen[j]]


@njit(cache=True, nogil=True)
def local_values(columns, box, axis):
    """Local values (d, n) on a box of the linear functions with coefficients `columns` (d, n)."""
    d, n = columns.shape
    block, k = np.zeros((d, n)), 1
    for j in range(d):
        for i in range(n):
            block[0, i] += box[0, j] * columns[j, i]
        if j != axis:
            for i in range(n):
                block[k, i] = box[1, j] * columns[j, i]
            k += 1
    return block
