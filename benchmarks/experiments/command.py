"""The command that the sweeps have in common."""

import argparse
from functools import partial
from pathlib import Path

from hidden_convexity.companion.sweeps import sweep


def options(module_docstring, path, records=False):
    """A parser of the options of every sweep, whose results are kept at a path.

    With `records` the sweep reads PhysioNet's, or local copies in a folder that is given.
    """
    parser = argparse.ArgumentParser(description=module_docstring.splitlines()[0])
    parser.add_argument("--store", type=Path, default=path)
    parser.add_argument("--jobs", type=int, default=1, help="1 times runs undisturbed")
    if records:
        parser.add_argument("--records", help="folder with local copies; default: PhysioNet")
    return parser


def complete(run, points, given):
    """Do the runs that are not stored yet, print those that failed, and return whether any has."""
    if "records" in given:
        run = partial(run, records=given.records)
    failed = [row for row in sweep(run, points, given.store, jobs=given.jobs) if row["error"]]
    for row in failed:
        print(*(f"{name}={value}" for name, value in row.items() if value is not None))
    return bool(failed)
