"""Sweeps behind notebooks 09 and 10, too long for a notebook: `make experiments` runs them.

`training.csv` holds descent beside convex training; `digits.csv` gated and ReLU networks, each
validated; `dimensions.csv` ways to choose neurons as the dimension grows; `leads.csv` the
reconstruction of ECG leads; `teacher.csv` SGD beside convex programs over sampled patterns;
`recovery.csv` the recovery of linear teachers. All resume.
"""
