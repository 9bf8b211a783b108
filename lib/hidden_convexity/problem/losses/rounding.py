"""What rounding may take off the sums of the losses."""

from math import log2, prod

from hidden_convexity.foundations.double_precision import EPS


def summation(terms):
    """Relative rounding of the sum of an array's terms, themselves right to a few eps.

    NumPy and PyTorch add pairwise, in blocks of at most 128 terms on 8 lanes: 16 additions of a
    term within its block, 3 of lanes, and one for each doubling beyond.
    """
    return (32.0 + log2(max(prod(terms.shape), 1))) * EPS
