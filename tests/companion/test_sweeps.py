"""Sweeps: every point once, whatever fails, on local cores and on a real Dask cluster."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("joblib")
from hidden_convexity.companion.sweeps import read_sweep, sweep


def square(x, shift=0.0):
    return {"square": x * x + shift, "even": x % 2 == 0}


def fails_at_two(x):
    if x == 2:
        raise ValueError("two is\nnot welcome")
    return {"square": x * x}


def counted(x, folder):
    """Leaves a file behind for each call, so that calls can be counted across processes."""
    path = Path(folder) / f"{x}-{len(list(Path(folder).glob(f'{x}-*')))}"
    path.write_text("called", encoding="utf-8")
    return {"double": 2 * x}


def dies_at_two(x, folder, times):
    """Kills its own process at x = 2, the first so many times."""
    died = len(list(Path(folder).glob("died-*")))
    if x == 2 and died < times:
        (Path(folder) / f"died-{died}").write_text("", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return {"double": 2 * x}


def test_every_combination_is_a_row(tmp_path):
    rows = sweep(square, {"x": [1, 2, 3], "shift": [0.0, 0.5]}, tmp_path / "a.csv", jobs=1)
    assert [(row["x"], row["shift"]) for row in rows] == [
        (x, s) for x in (1, 2, 3) for s in (0, 0.5)
    ]
    assert [row["square"] for row in rows] == [1, 1.5, 4, 4.5, 9, 9.5]
    assert all(row["error"] is None and row["seconds"] >= 0 for row in rows)
    assert [row["even"] for row in rows] == [False, False, True, True, False, False]
    assert read_sweep(tmp_path / "a.csv") == rows


def test_points_can_be_given_one_by_one(tmp_path):
    points = [{"x": 1, "shift": 0.1}, {"x": 5, "shift": 0.3}, {"x": 1, "shift": 0.1}]
    rows = sweep(square, points, tmp_path / "a.csv", jobs=1)
    assert [row["x"] for row in rows] == [1, 5]


def test_what_is_done_is_not_done_again_and_what_is_there_stays(tmp_path):
    path = tmp_path / "a.csv"
    first = sweep(counted, {"x": [1, 2], "folder": [str(tmp_path)]}, path, jobs=1)
    second = sweep(counted, {"x": [2, 3], "folder": [str(tmp_path)]}, path, jobs=1)
    assert first[1] == second[0]
    assert sorted(file.name for file in tmp_path.glob("*-*")) == ["1-0", "2-0", "3-0"]
    assert [row["x"] for row in read_sweep(path)] == [1, 2, 3]


def test_a_run_that_fails_is_recorded_and_tried_again(tmp_path):
    path = tmp_path / "a.csv"
    rows = sweep(fails_at_two, {"x": [1, 2, 3]}, path, jobs=1)
    assert [row["error"] for row in rows] == [None, "ValueError: two is not welcome", None]
    assert [row.get("square") for row in rows] == [1, None, 9]
    assert [row["error"] for row in sweep(square, {"x": [1, 2, 3]}, path, jobs=1)] == [None] * 3


def test_an_interrupted_sweep_keeps_what_it_had(tmp_path):
    path, calls = tmp_path / "a.csv", []

    def interrupted(x):
        calls.append(x)
        if x == 4:
            raise KeyboardInterrupt
        return {"square": x * x}

    with pytest.raises(KeyboardInterrupt):
        sweep(interrupted, {"x": [1, 2, 3, 4, 5]}, path, jobs=1)
    assert [row["x"] for row in read_sweep(path)] == [1, 2, 3]
    assert not list(tmp_path.glob("*.tmp"))
    sweep(square, {"x": [1, 2, 3, 4, 5]}, path, jobs=1)
    assert calls == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "value", [1, -2.5e-300, 0.1 + 0.2, "text", "1.0", "", "nan", "true", '"', None, True, "a,b\n"]
)
def test_values_come_back_as_they_were(tmp_path, value):
    sweep(lambda x: {"same": x}, {"x": [value]}, tmp_path / "a.csv", jobs=1)
    (row,) = read_sweep(tmp_path / "a.csv")
    assert row["x"] == value and row["same"] == value and type(row["x"]) is type(value)


def test_a_number_that_is_none_comes_back_too(tmp_path):
    rows = sweep(lambda x: {"y": np.float64(np.nan)}, {"x": [np.int64(1)]}, tmp_path / "a", jobs=1)
    assert np.isnan(rows[0]["y"]) and rows[0]["x"] == 1


@pytest.mark.slow
def test_a_local_worker_that_dies_costs_only_its_own_run(tmp_path):
    grid = {"x": [1, 2, 3, 4], "folder": [str(tmp_path)], "times": [100]}
    rows = sweep(dies_at_two, grid, tmp_path / "a.csv", jobs=2)
    assert [row.get("double") for row in rows] == [2, None, 6, 8]
    assert "Terminated" in rows[1]["error"]


# A cluster


@pytest.fixture
def cluster(monkeypatch):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options, processes=True) as running:
        monkeypatch.setenv("DASK_SCHEDULER", running.scheduler_address)
        # The workers import this file's functions as this process does.
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        yield running


@pytest.mark.slow
def test_a_cluster_gives_the_same_rows_though_a_worker_dies(tmp_path, cluster):
    grid = {"x": [1, 2, 3, 4, 5], "folder": [str(tmp_path)], "times": [1]}
    rows = sweep(dies_at_two, grid, tmp_path / "a.csv")
    assert [row["double"] for row in rows] == [2, 4, 6, 8, 10]
    assert all(row["error"] is None for row in rows)
    assert len(list(tmp_path.glob("died-*"))) == 1


@pytest.mark.slow
def test_a_run_that_kills_every_worker_is_recorded(tmp_path, cluster):
    grid = {"x": [1, 2, 3], "folder": [str(tmp_path)], "times": [1_000]}
    rows = sweep(dies_at_two, grid, tmp_path / "a.csv")
    assert [row.get("double") for row in rows] == [2, None, 6]
    assert "Killed" in rows[1]["error"]


# What is refused


@pytest.mark.parametrize(
    ("grid", "error"),
    [
        ({}, ValueError),
        ([], ValueError),
        ([{}], ValueError),
        ({"x": []}, ValueError),
        ({"x": "text"}, TypeError),
        ({"x": 3}, TypeError),
        ({"x": [[1, 2]]}, TypeError),
        ({"x": [1j]}, TypeError),
        ({1: [1]}, TypeError),
        ({"seconds": [1]}, ValueError),
        ([{"x": 1}, {"y": 1}], ValueError),
        ("grid", TypeError),
        (None, TypeError),
    ],
)
def test_bad_grids(tmp_path, grid, error):
    with pytest.raises(error, match="grid"):
        sweep(square, grid, tmp_path / "a.csv")


@pytest.mark.parametrize("jobs", [0, -2, 1.5, "2", None, True])
def test_bad_jobs(tmp_path, jobs):
    with pytest.raises((TypeError, ValueError), match="jobs"):
        sweep(square, {"x": [1]}, tmp_path / "a.csv", jobs=jobs)


def test_other_bad_input(tmp_path):
    with pytest.raises(TypeError, match="function"):
        sweep("square", {"x": [1]}, tmp_path / "a.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="path"):
        sweep(square, {"x": [1]}, tmp_path / "other.csv")
    sweep(square, {"x": [1]}, tmp_path / "a.csv", jobs=1)
    with pytest.raises(ValueError, match="path"):
        sweep(lambda y: {}, {"y": [1]}, tmp_path / "a.csv")
    for function in (lambda x: 3, lambda x: {"z": [1]}, lambda x: {"x": 1}):
        (row,) = sweep(function, {"x": [1]}, tmp_path / "b.csv", jobs=1)
        assert row["error"].split(":")[0] in ("TypeError", "ValueError")


@pytest.mark.slow
def test_without_joblib_the_message_says_what_to_install():
    program = (
        "import sys; sys.modules['joblib'] = None\n"
        "from hidden_convexity.companion.sweeps import sweep\n"
        "try: sweep(print, {'x': [1]}, 'never-written.csv')\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "joblib" in done.stdout and "pip install" in done.stdout
