"""Sweeps behind notebook 10, too long for a notebook: `make experiments` runs them, resumably.

`training.csv` holds descent beside convex training; `leads.csv` the reconstruction of ECG leads.
"""
