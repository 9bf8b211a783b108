"""Sweeps behind notebook 10, too long for a notebook: `make experiments` runs them, resumably.

`training.csv` holds descent beside convex training; `digits.csv` gated and ReLU networks, each
validated; `dimensions.csv` ways to choose neurons as the dimension grows; `leads.csv` the
reconstruction of ECG leads.
"""
