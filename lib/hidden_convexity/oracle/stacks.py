"""Stacks of open cells, and what is done with them between two pieces of the exploration.

A stack is what `boxes.explore` takes and returns: boxes, linear parts, bounds, counts and rows; of
several outputs, numbers of the rows as well.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign

# Stacks explored between two meetings. Independent of the number of threads, so that results are.
STACKS = 8


def open_stacks(stacks, work, max_memory, count=STACKS):
    """Drop empty stacks, halve long ones while they are fewer than `count`, order by bound.

    Cells are reordered only where that copies little compared with the work that follows, and
    within the memory.
    """
    stacks = [stack for stack in stacks if len(stack[2])]
    while 0 < len(stacks) < count:
        longest = max(range(len(stacks)), key=lambda k: len(stacks[k][2]))
        if len(stacks[longest][2]) < 2:
            break
        stacks[longest : longest + 1] = _halves(stacks[longest])
    if sum(stack[4].nbytes for stack in stacks) < max_memory:
        stacks = [_sorted(stack) if stack[4].size < work / 4 else stack for stack in stacks]
    return sorted(stacks, key=lambda stack: -stack[2].max())


def _pick(stack, order):
    """The cells of a stack in the given order."""
    boxes, linear, bounds, counts, *flat = stack
    crossing = counts.sum(axis=1)
    count = max(crossing.sum(), 1)
    picked = [_pick_rows(values, len(values) // count * crossing, order) for values in flat]
    return boxes[order], linear[order], bounds[order], counts[order], *picked


def _sorted(stack):
    """Largest bound last, so that it is explored first."""
    return _pick(stack, np.argsort(stack[2].max(axis=1), kind="stable"))


def _halves(stack):
    """Every other cell, in two stacks."""
    order = np.arange(len(stack[2]))
    return [_pick(stack, order[::2]), _pick(stack, order[1::2])]


@njit(cache=True, nogil=True)
def _pick_rows(rows, sizes, order):
    """What is kept of the rows of some cells, in the given order; `sizes` (c,) are of all cells."""
    starts = np.zeros(len(sizes), dtype=np.int64)
    for cell in range(len(sizes) - 1):
        starts[cell + 1] = starts[cell] + sizes[cell]
    picked, end = np.empty(sizes[order].sum(), dtype=rows.dtype), 0
    for cell in order:
        assign(picked[end : end + sizes[cell]], rows[starts[cell] :])
        end += sizes[cell]
    return picked
