"""Sweeps over hyperparameters and seeds: many runs of one function, one CSV, resumable.

Runs go to the cores of this machine by joblib, or to the Dask cluster that the environment
variable DASK_SCHEDULER names.
"""

import csv
import io
import itertools
import json
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from time import perf_counter

import numpy as np
from tqdm import tqdm

from hidden_convexity.companion.manifest import write_atomically
from hidden_convexity.foundations.validation import whole_number

SCHEDULER_VARIABLE = "DASK_SCHEDULER"
# Columns that a sweep adds to those of the parameters and of the results.
SECONDS, ERROR = "seconds", "error"
_INSTALL = 'pip install "hidden-convexity[notebooks]"'


def sweep(function, grid, path, *, jobs=-1, progress=True):
    """Call a function at every point of a grid, and keep what it returns in a CSV file.

    Parameters
    ----------
    function : callable
        Called with one point's parameters as keywords. It returns a dict of names to numbers,
        strings, booleans or None: a row of the file. It must be importable by the workers, or at
        least picklable by cloudpickle.
    grid : dict of str to sequence, or sequence of dict
        Values of each parameter, all combinations of which are run; or the points themselves, all
        with the same parameters. Values are numbers, strings, booleans or None.
    path : path-like
        The CSV file. Where it exists, points that it has a result for are not run again; points
        whose run failed are. Rows of points outside this grid are kept. The file is the old one or
        the new one in full at every moment.
    jobs : int
        Processes on this machine, -1 for one a core. A cluster decides for itself.
    progress : bool
        Whether to show a progress bar; the variable TQDM_DISABLE turns it off as well.

    Returns
    -------
    list of dict
        One row per point, in the grid's order: parameters, results, `seconds` of the run, and
        `error`, the exception's type and message where a run failed, else None.

    Raises
    ------
    ImportError
        If joblib, or for a cluster Dask's distributed, is not installed.
    TypeError, ValueError
        If the grid is empty or has values of another kind, a name that is used twice, or the
        file's columns are not those of this sweep.

    Notes
    -----
    A run that raises is recorded and does no harm to the others. Neither does one that kills its
    process: on this machine the runs that have not ended are then repeated one at a time, and a
    cluster gives the runs of a lost worker to another one, four times at most. For a cluster, set
    ``DASK_SCHEDULER=tcp://host:port``; its workers need this library and the function.
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {function!r}")
    points = _points(grid)
    jobs = -1 if jobs == -1 else whole_number(jobs, "jobs", 1)
    path = Path(path)
    rows = {_key(row, points[0]): row for row in read_sweep(path)} if path.exists() else {}
    keys = [_key(point, point) for point in points]
    done = {key for key, row in rows.items() if row.get(ERROR) is None}
    missing = {key: point for key, point in zip(keys, points, strict=True) if key not in done}
    path.parent.mkdir(parents=True, exist_ok=True)
    address = os.environ.get(SCHEDULER_VARIABLE)
    ended = (
        _on_cluster(function, missing, address) if address else _locally(function, missing, jobs)
    )
    done = len(points) - len(missing)
    with tqdm(total=len(points), initial=done, disable=not progress or None) as bar:
        for key, outcome in ended if missing else ():
            rows[key] = _row(missing[key], outcome)
            _write(path, rows.values())
            bar.update()
    return [rows[key] for key in keys]


def read_sweep(path):
    """The rows of a sweep's file, as a list of dict with numbers where there were numbers.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not one that `sweep` has written.
    """
    path = Path(path)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if not {SECONDS, ERROR} <= set(reader.fieldnames or ()):
            raise ValueError(
                f"path must be a file written by sweep, with columns {SECONDS} and {ERROR}; "
                f"{path} has {reader.fieldnames}"
            )
        return [{name: _value(text) for name, text in row.items()} for row in reader]


def _locally(function, runs, jobs):
    """Key and outcome of each run as it ends, on processes of this machine."""
    try:
        import joblib
    except ImportError as error:
        raise ImportError(f"sweep() runs on joblib: {_INSTALL}") from error
    call = joblib.delayed(_run)

    def outcomes(some):
        parallel = joblib.Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
        return parallel(call(function, key, point) for key, point in some.items())

    left = dict(runs)
    try:
        for key, outcome in outcomes(runs):
            del left[key]
            yield key, outcome
    except BrokenProcessPool:  # a process died and took the others with it: see whose fault it is
        for key, point in left.items():
            try:
                yield from outcomes({key: point})
            except BrokenProcessPool as error:
                yield key, _failed(error)


def _on_cluster(function, runs, address):
    """The same on a Dask cluster, which gives the runs of a lost worker to another one.

    Not by joblib's Dask backend, which waits forever for a run that has killed its workers.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ImportError(
            f"{SCHEDULER_VARIABLE} is set, and a cluster needs Dask: {_INSTALL}"
        ) from error
    with Client(address) as client:
        futures = {
            client.submit(_run, function, key, point, pure=False): key
            for key, point in runs.items()
        }
        for future in as_completed(futures):
            error = future.exception()
            yield (futures[future], _failed(error)) if error else future.result()


def _run(function, key, point):
    """The run's key, with its results and seconds; an exception is a result."""
    start = perf_counter()
    try:
        result = function(**point)
        if not isinstance(result, Mapping):
            raise TypeError(f"the function must return a dict, got {type(result).__name__}")
        for name, value in result.items():
            _check(value, f"the result {name!r}")
        taken = result.keys() & (point.keys() | {SECONDS, ERROR})
        if taken:
            raise ValueError(f"the function's result uses names that are taken: {sorted(taken)}")
        result = dict(result)
    except Exception as error:
        result = _failed(error)
    return key, result | {SECONDS: perf_counter() - start}


def _failed(error):
    return {ERROR: f"{type(error).__name__}: {' '.join(str(error).split())}"}


def _points(grid):
    """The points of a grid, checked, without repetitions."""
    if isinstance(grid, Mapping):
        for name, values in grid.items():
            if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray | range):
                raise TypeError(
                    f"grid[{name!r}] must be a sequence of values, got {values!r}; "
                    f"write [{values!r}] for a single one"
                )
        points = [
            dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
        ]
    elif isinstance(grid, Sequence) and all(isinstance(point, Mapping) for point in grid):
        points = [dict(point) for point in grid]
    else:
        raise TypeError(f"grid must be a dict of sequences or a sequence of dicts, got {grid!r}")
    if not points or not points[0]:
        raise ValueError("grid must hold at least one point with at least one parameter")
    for point in points:
        if point.keys() != points[0].keys():
            raise ValueError(
                f"grid must have the same parameters at all points, got {sorted(points[0])} and "
                f"{sorted(point)}"
            )
        if point.keys() & {SECONDS, ERROR}:
            raise ValueError(f"grid must not use the names {SECONDS} and {ERROR}: sweep does")
        for name, value in point.items():
            if not isinstance(name, str):
                raise TypeError(f"grid must have strings as names, got {name!r}")
            _check(value, f"grid[{name!r}]")
    return list({_key(point, point): point for point in points}.values())


def _check(value, where):
    if value is not None and not isinstance(value, str | bool | int | float | np.generic):
        raise TypeError(
            f"{where} must be a number, a string, a boolean or None, which a table can hold, got "
            f"{type(value).__name__}"
        )


def _key(row, names):
    """What identifies a point: its parameters as the file has them."""
    try:
        return tuple((name, _text(row[name])) for name in sorted(names))
    except KeyError as error:
        raise ValueError(
            f"path must hold a sweep over the same parameters; its file has no column {error}; "
            "choose another file"
        ) from error


def _row(point, outcome):
    row = point | outcome | {SECONDS: outcome.get(SECONDS), ERROR: outcome.get(ERROR)}
    return {name: _value(_text(value)) for name, value in row.items()}


def _write(path, rows):
    rows = list(rows)
    # Results first seen late are columns all the same; seconds and error come last.
    names = dict.fromkeys(name for row in rows for name in row if name not in (SECONDS, ERROR))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*names, SECONDS, ERROR], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)
    write_atomically(path, text.getvalue().encode())


def _text(value):
    """A value as it stands in the file: numbers in full, text in quotes where it looks like one."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return ""
    if isinstance(value, str):
        return json.dumps(value) if not value or _value(value) != value else value
    return repr(value)


def _value(text):
    """The value that `_text` wrote."""
    if text == "" or text is None:
        return None
    if text in ("True", "False"):
        return text == "True"
    if text in ("nan", "inf", "-inf"):
        return math.nan if text == "nan" else float(text)
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else text
