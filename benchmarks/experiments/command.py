"""The command that the sweeps have in common."""

import argparse
from pathlib import Path

from hidden_convexity.companion.sweeps import sweep


def options(module_docstring, path):
    """A parser of the options of every sweep, whose results are kept at a path."""
    parser = argparse.ArgumentParser(description=module_docstring.splitlines()[0])
    parser.add_argument("--store", type=Path, default=path)
    parser.add_argument("--jobs", type=int, default=1, help="1 times runs undisturbed")
    return parser


def complete(run, points, given):
    """Do the runs that are not stored yet, print those that failed, and return whether any has."""
    failed = [row for row in sweep(run, points, given.store, jobs=given.jobs) if row["error"]]
    for row in failed:
        print(*(f"{name}={value}" for name, value in row.items() if value is not None))
    return bool(failed)
