"""Stacks of open cells, and what is done with them between two pieces of the exploration.

A stack is what `cells.explore` takes and returns: vertices, linear parts, bounds, counts and rows.
"""

import numpy as np

from hidden_convexity.oracle.cells import pick_rows

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
    vertices, linear, bounds, counts, rows = stack
    picked = pick_rows(rows, vertices.shape[1] * counts[:, :2].sum(axis=1), order)
    return vertices[order], linear[order], bounds[order], counts[order], picked


def _sorted(stack):
    """Largest bound last, so that it is explored first."""
    return _pick(stack, np.argsort(stack[2].max(axis=1), kind="stable"))


def _halves(stack):
    """Every other cell, in two stacks."""
    order = np.arange(len(stack[2]))
    return [_pick(stack, order[::2]), _pick(stack, order[1::2])]
