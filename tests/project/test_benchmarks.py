"""The benchmark runs, judges by proven bounds, and its stored results are those of its cases."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks import directions, mnist, results, run, startup, stochastic
from benchmarks.cases import BY_NAME, Case
from benchmarks.objective import Run, judge, summarise
from benchmarks.outputs import Outputs
from benchmarks.rows import Row
from benchmarks.suites import BY_NAME as ALL
from benchmarks.suites import SUITES
from book import advice

import hidden_convexity as hc

ROOT = Path(__file__).resolve().parents[2]

CASE = Case("made up", 2, 10, ("ours", "other"), tol=1e-3)


def check_schema(stored):
    """Names and types of everything in a results file, against the classes that write it."""
    assert stored["schema"] == results.SCHEMA
    assert stored["environment"].keys() >= {"processor", "cores", "threads", "versions", "sources"}
    assert stored["cases"].keys() <= ALL.keys()
    for name, entry in stored["cases"].items():
        case = json.loads(json.dumps(asdict(ALL[name])))
        assert {key: entry[key] for key in case if key not in ("name", "programs")} == {
            key: case[key] for key in case if key not in ("name", "programs")
        }
        assert set(entry["programs"]) <= set(case["programs"])
        for program in entry["programs"].values():
            for one in program["runs"]:
                assert one.keys() == {field.name for field in fields(Run)} | {"gap"}
                assert (one["seconds"] is None) == (one["status"] != "finished")


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.name)
def test_stored_results_are_those_of_the_cases(file):
    stored = results.read(file)
    if stored is None:
        pytest.skip(f"benchmarks/{file.name} is not there: `make bench` writes it")
    check_schema(stored)
    recorded = {name: list(entry["programs"]) for name, entry in stored["cases"].items()}
    asked = {case.name: list(case.programs) for case in SUITES[file]}
    assert recorded == asked
    assert list(recorded) == [case.name for case in SUITES[file]]
    text = file.read_text(encoding="utf-8")
    assert "/home/" not in text and "/root/" not in text


def test_the_smallest_case_runs_from_end_to_end(tmp_path):
    store = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks.run", "agreement", "--threads", "1"]
    command += ["--without", "pyscnn", "--without", "adam", "--store", str(store)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    stored = results.read(store)
    check_schema(stored)
    programs = stored["cases"]["agreement"]["programs"]
    assert set(programs) == {"ours", "cvxpy"}
    assert all(-1e-7 < one["gap"] <= 1e-6 and one["peak_mib"] > 0 for one in programs.values())
    assert "agreement" in done.stdout and "cvxpy" in done.stdout


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no process is kept to cores here")
def test_cases_side_by_side_have_cores_of_their_own(monkeypatch):
    busy, cases = set(), list(ALL.values())[:6]

    def run_case(case, given, cores):
        assert cores and busy.isdisjoint(cores)
        busy.update(cores)
        time.sleep(0.01)
        busy.difference_update(cores)
        return cores

    monkeypatch.setattr(run, "run_case", run_case)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 8})
    found = dict(run.run_cases(cases, SimpleNamespace(jobs=2)))
    assert found.keys() == set(cases)
    assert {tuple(cores) for cores in found.values()} == {(3, 8), (5,)}


@pytest.mark.parametrize("case", ["gates-agreement", "cones-agreement"])
def test_every_program_over_given_gates_ends_at_one_optimum(case):
    pytest.importorskip("skglm")
    programs = [one for one in ALL[case].programs if not one.startswith(run.WITH_OWN_PACKAGES)]
    runs = {name: [run.run_once(case, name, 2, limit=60, threads=1)] for name in programs}
    entry = summarise(ALL[case], runs)
    assert not list(run.complaints(ALL[case], entry))
    assert all(-1e-7 < one["gap"] < 1e-6 for one in entry["programs"].values())


@pytest.mark.parametrize("outputs", [None, 2], ids=["one output", "two outputs"])
def test_adam_on_batches_minimises_p_and_stays_above_the_bound(outputs):
    """Fault: a batch's loss not scaled to all samples is another weight decay, ends far above."""
    pytest.importorskip("torch")
    kind = Case if outputs is None else partial(Outputs, outputs=outputs)
    problem = kind("small", 2, 400, share=0.2).problem()
    bound = hc.train(problem, tol=1e-6).lower_bound
    seeds = [stochastic.train(problem, 20, seed, 2_000, 4) for seed in range(2)]
    found = stochastic.outcome(problem, seeds, {})
    assert np.shape(found.curve) == (4, 3) and found.numbers["seeds"] == 2
    last = found.curve[-1][1:]
    assert problem.objective(found.network) == min(last)
    assert all(-1e-9 < one / bound - 1 < 0.05 for one in last)


def test_a_race_counts_the_schedule_that_is_first_there():
    seeds = [[1.0, 1.1, 3.0], [2.0, 1.0, 1.1]]  # two seeds, which end at 1 and 1.1
    quick = [[0.5, 1.2, 1.0]]  # the second is there at once
    runs = [finished(1.0, curve=curve) for curve in (seeds, quick)]
    case = summarise(CASE, {"ours": [finished(1.0, lower_bound=1.0)], "other": runs})
    case["programs"]["adam_seeds"] = case["programs"].pop("other")
    assert advice.seconds_of_seeds(case, 1e-2) == [2.0, 0.5]
    assert advice.seconds_of_seeds(case, 0.2) == [0.5, 0.5]


@pytest.mark.slow
@pytest.mark.parametrize("row", ["quadratic", "linear_attention", "circular_convolution"])
def test_every_program_on_a_row_is_judged_by_one_bound(row, monkeypatch):
    """The networks of Adam are the row's own: none is below the bound, and one comes near it."""
    pytest.importorskip("torch")
    from benchmarks.solvers import adam_row, cvxpy_row
    from benchmarks.solvers import row as ours

    case = Row("small", 4, 25, ("row", "cvxpy_row", "adam_row"), 0.05, 1e-6, row)
    problem = case.problem()
    monkeypatch.setattr(adam_row, "SEEDS", range(3))
    monkeypatch.setattr(adam_row, "STEPS", 800)
    runs = {}
    for name, program in (("row", ours), ("cvxpy_row", cvxpy_row), ("adam_row", adam_row)):
        state = program.prepare(problem, case)
        result = program.run(problem, case, state, None)
        outcome = program.outcome(problem, state, result, 1.0)
        runs[name] = [judge(problem, outcome, None, 1.0, 1.0, 1.0)]
    gaps = {name: one["gap"] for name, one in summarise(case, runs)["programs"].items()}
    assert all(run.IMPOSSIBLE_GAP < gap for gap in gaps.values())
    assert gaps["row"] <= 1e-6 and abs(gaps["cvxpy_row"] - gaps["row"]) <= 2e-6
    assert gaps["adam_row"] <= 0.05


def test_the_weight_decay_of_a_row_is_a_share_of_the_largest_of_use():
    row = Row("small", 4, 25, share=0.99, tol=1e-6)
    X, y, beta = (getattr(row.problem(), name) for name in ("X", "y", "beta"))
    for decay, neurons in ((beta, True), (beta * 1.02, False)):
        assert (row.problem().row.train(X, y, decay).network.width > 0) == neurons


def test_pyscnn_solves_the_same_problem():
    if not (run.OWN / "scnn").is_dir():
        pytest.skip("pyscnn is not installed in build/pyscnn: `make bench` installs it")
    pytest.importorskip("torch")
    tightest = 2
    one = run.run_once("agreement", "pyscnn", tightest, limit=60, threads=1)
    optimum = run.run_once("agreement", "ours", 0, limit=60, threads=1).lower_bound
    assert one.status == "finished"
    assert -1e-7 < one.objective / optimum - 1 < run.AGREEMENT["pyscnn"]


@pytest.mark.parametrize(
    ("case", "ours", "program"),
    [("gates-agreement", "gated", "adelie"), ("cones-agreement", "cones", "adelie_cones")],
)
def test_adelie_solves_the_same_problem(case, ours, program):
    if not (run.OWN / "adelie").is_dir():
        pytest.skip("adelie is not installed in build/pyscnn: `make bench` installs it")
    runs = {name: [run.run_once(case, name, 2, limit=60, threads=1)] for name in (ours, program)}
    entry = summarise(ALL[case], runs)
    assert not list(run.complaints(ALL[case], entry))
    assert abs(entry["programs"][program]["gap"]) < run.AGREEMENT[program]


def test_sampled_chambers_are_worth_no_more_than_a_search_over_all():
    """In the plane the search is exact; a tolerance of 1e-3 is left to it."""
    pytest.importorskip("torch")
    lines = {name: objective for name, _, objective, _, _ in directions.compare(30, 2)}
    assert len(lines) == 6
    assert all(lines["searched"] <= (1 + directions.TOLERANCE) * one for one in lines.values())


@pytest.mark.parametrize("d", [2, 3, 6])
def test_wedge_gates_lie_beside_d_minus_1_hyperplanes(d):
    X, _ = directions.data(40, d, seed=0)
    gates = directions.wedge_gates(X, 20, np.random.default_rng(0))
    near = np.abs(X @ gates) < 10 * directions.ASIDE * np.linalg.norm(X, axis=1)[:, None]
    assert (near.sum(axis=0) >= d - 1).all()


def test_neurons_of_rank_one_are_never_below_the_bound_of_groups_of_any_rank(monkeypatch):
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(100, 4)), np.ones(100)]).astype(np.float32)
    labels, gates = np.digitize(X[:, 0] * X[:, 1], [-0.5, 0.5]), rng.normal(size=(5, 20))
    parts = X[:80], X[80:], labels[:80], labels[80:], gates.astype(np.float32)
    small = {"GATES": 20, "TRAINED": 80, "CLASSES": 3, "BATCH": 16, "EPOCHS": 10}
    shares = {"TOLERANCES": {0.1: 1e-3, 0.03: 1e-3}, "DESCENT_SHARES": (0.1, 0.03, 0.01)}
    for name, value in (small | shares | {"load": lambda: parts}).items():
        monkeypatch.setattr(mnist, name, value)
    top, ours = mnist.gated()
    lines = {kind: mnist.descent(kind, top) for kind in ("gated", "ReLU")}
    assert all(one["gap"] <= 1e-3 and 0 < one["neurons"] <= 20 for one in ours)
    for one, other in zip(ours, lines["gated"], strict=False):
        assert one["share"] == other["share"] and other["objective"] >= one["lower_bound"]
    said = mnist.table([*ours, *lines["gated"], *lines["ReLU"]]).splitlines()
    assert len(said) == 1 + 2 + 3 + 3


def test_stored_results_of_digits_keep_to_their_bounds():
    stored = results.read(mnist.STORE)
    if stored is None:
        pytest.skip(f"benchmarks/{mnist.STORE.name} is not there: `make bench-mnist` writes it")
    lines = stored["cases"]["lines"]
    bounds = {one["share"]: one["lower_bound"] for one in lines if one["program"] == "gated"}
    shared = [one for one in lines if one["program"] == "Adam, gated" and one["share"] in bounds]
    assert list(bounds) == list(mnist.TOLERANCES) and shared
    assert all(one["objective"] >= bounds[one["share"]] for one in shared)
    text = mnist.STORE.read_text(encoding="utf-8")
    assert "/home/" not in text and "/root/" not in text


def test_the_second_start_finds_compiled_what_the_first_one_compiled():
    listed = startup.cold_and_warm("hc.Arrangement.enumerate(np.eye(3))")
    assert listed["cold"]["compiled"] > listed["warm"]["compiled"] > 0  # what is called, is within
    assert listed["warm"]["seconds"] < listed["cold"]["seconds"]
    said = startup.table({"listed": listed}).splitlines()
    assert len(said) == 2 and said[1].startswith("listed")


def test_stored_starts_are_those_of_the_cases():
    stored = results.read(startup.STORE)
    if stored is None:
        pytest.skip(f"benchmarks/{startup.STORE.name} is not there: `make bench` writes it")
    assert list(stored["cases"]) == list(startup.CASES)
    assert stored["cases"]["import hidden_convexity"]["cold"]["compiled"] == 0


def test_training_on_digits_ends_at_its_limit_of_processor_time():
    with pytest.raises(KeyboardInterrupt), mnist.processor_limit(0.05):
        while True:
            pass
    with mnist.processor_limit(0.05):
        pass
    deadline = time.process_time() + 0.1
    while time.process_time() < deadline:  # the alarm is off again
        pass


def test_a_run_that_does_not_finish_is_a_result():
    one = run.run_once("chambers-d3-n40", "chamber_lps", 0, limit=0.05, threads=1)
    assert one.status == "did not finish"
    assert one.seconds is None and one.peak_mib > 0


def finished(objective=2.0, seconds=1.0, **more):
    return Run("finished", objective=objective, seconds=seconds, peak_mib=1.0, **more)


def test_everybody_is_judged_by_the_best_proven_bound():
    runs = {"ours": [finished(lower_bound=1.0)], "other": [finished(4.0, lower_bound=1.5)]}
    programs = summarise(CASE, runs)["programs"]
    assert programs["ours"]["gap"] == 0.25 and programs["other"]["gap"] == 0.625


def test_the_median_and_the_ratio_are_over_repetitions_of_the_setting_that_is_shown():
    ours = [finished(2.0, seconds, lower_bound=2.0) for seconds in (3.0, 1.0, 2.0)]
    other = [
        finished(3.0, 1.0, setting=1e-2),
        finished(2.001, 10.0, setting=1e-4),
        finished(2.0, 90.0, setting=1e-6),
    ]
    programs = summarise(CASE, {"ours": ours, "other": other})["programs"]
    assert programs["ours"]["seconds"] == 2.0
    assert (programs["other"]["setting"], programs["other"]["ratio"]) == (1e-4, 5.0)


def test_an_objective_below_a_proven_bound_is_reported():
    entry = summarise(CASE, {"ours": [finished(2.0, lower_bound=2.0)], "other": [finished(1.9)]})
    assert [line.split(":")[0] for line in run.complaints(CASE, entry)] == ["made up, other"]


def test_different_optimal_values_are_reported():
    case = BY_NAME["agreement"]
    runs = {"ours": [finished(2.0, lower_bound=2.0)], "cvxpy": [finished(2.001)]}
    assert "different optimal values" in "".join(run.complaints(case, summarise(case, runs)))
    assert not list(run.complaints(case, summarise(case, runs | {"cvxpy": [finished(2.0)]})))
