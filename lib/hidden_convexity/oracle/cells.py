"""Compiled choice of the edge at which a simplicial cone is split.

The cone has d unit vertices, and rows come as blocks (d, m) of their products with these.
"""

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.oracle.geodesic import REORDER

# Only edges longer than this part of the longest one, in 1 - cosine, may be split, and after d such
# splits the longest one is. New edges are then shorter than the longest by a fixed factor, so all
# edges shrink to nothing; without the second rule cells may become flat.
LONG_ENOUGH = 0.2
# Work of a cell besides its rows, in products.
CELL_WORK = 500


@njit(cache=True, nogil=True, fastmath=REORDER)
def bend(block, i, j):
    """How much the crossing rows bend between vertices i and j: sum of (s)_+ + (t)_+ - (s+t)_+."""
    total = 0.0
    for row in range(block.shape[1]):
        s, t = block[i, row], block[j, row]
        total += max(s, 0.0) + max(t, 0.0) - max(s + t, 0.0)
    return total


@njit(cache=True, nogil=True)
def edge_to_split(positive, negative, gram, longest_only):
    """The edge on which the rows bend most, among the long ones: there the relaxation is worst."""
    d = len(gram)
    longest = 0.0
    for i in range(d):
        for j in range(i):
            longest = max(longest, 1.0 - gram[i, j])
    shortest = longest if longest_only else LONG_ENOUGH * longest
    most, first, second = -1.0, 1, 0
    for i in range(d):
        for j in range(i):
            if 1.0 - gram[i, j] >= shortest:
                size = bend(positive, i, j) + bend(negative, i, j)
                if size > most:
                    most, first, second = size, i, j
    return first, second
