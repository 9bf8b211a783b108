"""What only notebooks need: data sets, pictures, exercises, and figures as files.

Read `recordings`, `packaged` and `datasets` (signals, and X and y of them), `plotting` (a file a
chapter), `manifest` and `report` (figures and numbers that read the same everywhere), `exercises`
(`check`), `sweeps` and `folds` (experiments and their error bars). No wing imports it.
"""
