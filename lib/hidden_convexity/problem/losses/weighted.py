"""What all losses share: they are sums over samples, each times a weight."""


class Weighted:
    """A loss of samples of given weights.

    Parameters
    ----------
    weights : float or (n,) or (n, 1) array
        w_i > 0, of a shape that multiplies targets, and of their library: (n, 1) for targets
        (n, c). 1.0 for samples that all count once.
    """

    def __init__(self, weights=1.0):
        self.weights = weights

    @property
    def even(self):
        """Whether all samples count once: divided by their weights, nothing is rounded."""
        return isinstance(self.weights, float)
