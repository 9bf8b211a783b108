"""What holds for every test: one thread, no window, figures/ out of reach; and shared data."""

import os
import tempfile

# Before NumPy is imported, after which these are no longer read.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ["MPLBACKEND"] = "agg"

_figures = tempfile.TemporaryDirectory(prefix="hidden-convexity-figures-")
os.environ["HIDDEN_CONVEXITY_FIGURES"] = _figures.name

import numpy as np  # noqa: E402


def gaussian(*shape, seed=0, rank=None):
    """An array of standard normal entries; of a rank, the product of two such matrices."""
    rng = np.random.default_rng(seed)
    entries = rng.normal(size=shape)
    if rank is None:
        return entries
    return rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))


def regression(n, d, seed=0):
    """Data X (n, d) and targets y (n,), standard normal and independent of each other."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=n)
