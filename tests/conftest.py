"""What holds for every test: one thread, no window, and figures/ out of reach."""

import os
import tempfile

# Before NumPy is imported, after which these are no longer read.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ["MPLBACKEND"] = "agg"

_figures = tempfile.TemporaryDirectory(prefix="hidden-convexity-figures-")
os.environ["HIDDEN_CONVEXITY_FIGURES"] = _figures.name
