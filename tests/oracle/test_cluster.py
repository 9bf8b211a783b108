"""Proofs on a real Dask cluster of two processes: the bounds of threads, whatever happens to it."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import regression

import hidden_convexity as hc
from hidden_convexity.oracle import Ascent, BoundedOrListed, BranchAndBound, cluster, search
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.oracle.several_outputs import VectorBranchAndBound
from hidden_convexity.oracle.several_outputs.search import VectorSearch

slow = pytest.mark.slow
DATA, NU = regression(200, 4)


@pytest.fixture(scope="module")
def processes():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options, processes=True) as running:
        yield running


@pytest.fixture
def client(processes, monkeypatch):
    """Every stack is sent, for little work each time, and `client.sent` counts them."""
    monkeypatch.setattr(cluster, "WORTH_SENDING", 0)
    monkeypatch.setattr(search, "FIRST_WORK", 4_000)
    monkeypatch.setattr(search, "MOST_WORK", 20_000)
    client = processes.get_client()
    client.wait_for_workers(2, timeout=60)
    submit, client.sent = client.submit, 0

    def counted(*given, **named):
        client.sent += 1
        return submit(*given, **named)

    monkeypatch.setattr(client, "submit", counted)
    yield client
    client.close()


@pytest.fixture
def ctrl_c_raises():
    """Python's own handler: a process started in the background inherits that SIGINT is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def exploring(folder, die_at=None, seconds=0.0):
    """`explore_stack` that counts its calls in a file, and may sleep or take its worker with it.

    A function within a function, which travels to the workers as it is; what it imports does not.
    """
    log, here = Path(folder) / "calls", os.getpid()

    def explore_stack(stack, *limits):
        from hidden_convexity.oracle.boxes import explore

        with open(log, "a") as file:
            file.write("1")
        if os.getpid() != here and die_at and log.stat().st_size >= die_at:
            try:  # once: two workers may write at the same time, and pass the number by
                log.with_name("died").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(seconds)
        return explore(*stack, *limits)

    return explore_stack, log


def prove(client=None, make=BranchAndBound, X=DATA, nu=NU, tolerance=1e-3):
    """A proof that a busy machine, or one that compiles meanwhile, has the time for."""
    return make(X, client=client, max_seconds=600.0)(nu, tolerance)


def assert_same(found, other):
    assert found.bound == other.bound and found.cells == other.cells
    np.testing.assert_array_equal(found.directions, other.directions)


# The same bounds


@slow
def test_a_cluster_proves_what_threads_prove_to_the_last_bit(client):
    threads = prove()  # first: what it compiles, workers find
    assert_same(prove(client), threads)
    assert client.sent > 8  # more than one meeting


@slow
def test_so_it_does_for_several_outputs_and_before_chambers_are_listed(client):
    N = np.random.default_rng(1).normal(size=(60, 3))
    given = VectorBranchAndBound, DATA[:60, :3], N, 1e-2
    threads = prove(None, *given)
    assert_same(prove(client, *given), threads)
    sent = client.sent
    assert sent > 0
    threads = BoundedOrListed(DATA[:90])(NU[:90], 1e-2)
    assert_same(BoundedOrListed(DATA[:90], client=client)(NU[:90], 1e-2), threads)
    assert client.sent > sent


@slow
def test_training_paths_and_certificates_are_those_of_threads(client):
    X, y = regression(150, 3)
    problem = hc.TrainingProblem(X, y, 0.1 * np.abs(Ascent(X)(y).values).max())
    threads, sent = hc.train(problem), 0
    for train in (
        lambda: hc.train(problem, client=client),
        lambda: hc.train_path(problem, [problem.beta], client=client)[0],
    ):
        trained = train()
        assert (trained.objective, trained.lower_bound) == (threads.objective, threads.lower_bound)
        assert trained.scope == "global" and client.sent > sent
        sent = client.sent
    one = hc.certify(threads.network, problem, client=client)
    assert one.lower_bound == hc.certify(threads.network, problem).lower_bound
    assert client.sent > sent


def test_more_cores_get_more_stacks_and_a_bound_proven_as_well():
    """None of this takes a cluster: where stacks are explored changes nothing."""
    workers = SimpleNamespace(ncores=lambda: {"one": 48, "two": 16})
    assert cluster.stacks_at_once(None) == 8
    assert cluster.stacks_at_once(SimpleNamespace(ncores=lambda: {"one": 2, "two": 2})) == 8
    assert cluster.stacks_at_once(workers) == 128
    many = BranchAndBound(DATA)
    many.client = workers  # asked for its cores; the work is too little to be sent
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "WORTH_SENDING", np.inf)
        found = many(NU, 1e-3)
    few = BranchAndBound(DATA)(NU, 1e-3)
    assert few.value == found.value <= found.bound <= (1 + 1e-3) * few.value


# What goes wrong


@slow
def test_a_worker_killed_in_mid_proof_loses_nothing(client, monkeypatch, tmp_path):
    threads = prove()
    explore, log = exploring(tmp_path, die_at=12)
    monkeypatch.setattr(search, "explore_stack", explore)
    before = set(client.scheduler_info(n_workers=-1)["workers"])
    assert_same(prove(client), threads)
    assert log.stat().st_size > client.sent  # what was lost was sent again, by Dask
    client.wait_for_workers(2, timeout=60)
    assert set(client.scheduler_info(n_workers=-1)["workers"]) != before


@slow
def test_what_the_cluster_gives_up_is_explored_here(client, processes, monkeypatch, tmp_path):
    threads = prove()
    explore, log = exploring(tmp_path, die_at=12)
    monkeypatch.setattr(search, "explore_stack", explore)
    monkeypatch.setattr(processes.scheduler, "allowed_failures", 0)
    assert_same(prove(client), threads)
    assert log.stat().st_size > 12


@slow
def test_a_client_that_is_closed_in_mid_proof_is_done_without(client, monkeypatch):
    threads = prove()
    counted = client.submit

    def closing(*given, **named):
        if client.sent == 12:
            client.close()
        return counted(*given, **named)

    monkeypatch.setattr(client, "submit", closing)
    assert_same(prove(client), threads)


@slow
def test_a_budget_ends_though_no_worker_has_answered(client, monkeypatch, tmp_path):
    sharp = prove()
    explore, _ = exploring(tmp_path, seconds=3.0)
    monkeypatch.setattr(search, "explore_stack", explore)
    began = time.monotonic()
    found = BranchAndBound(DATA, client=client, max_seconds=1.0)(NU, 1e-3)
    assert time.monotonic() - began < 20 and found.cells == 2 * 4
    assert found.bound >= sharp.value


@slow
def test_ctrl_c_cancels_what_is_queued_and_the_bound_is_valid(
    client, processes, monkeypatch, tmp_path, ctrl_c_raises
):
    sharp = prove()
    explore, log = exploring(tmp_path, seconds=2.0)
    monkeypatch.setattr(search, "explore_stack", explore)
    # To this thread: it waits in a lock, which another's signal does not end.
    press = signal.pthread_kill, (threading.get_ident(), signal.SIGINT)
    threading.Timer(1.0, *press).start()
    with pytest.raises(KeyboardInterrupt) as stopped:
        prove(client)
    assert stopped.value.found.bound >= sharp.value
    deadline = time.monotonic() + 60
    while processes.scheduler.tasks and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes.scheduler.tasks
    assert not log.exists() or log.stat().st_size < client.sent


# Whole trainings side by side, by joblib


@slow
def test_parts_of_a_path_run_side_by_side_though_a_worker_dies(client, tmp_path):
    joblib, died = pytest.importorskip("joblib"), tmp_path / "died"

    def part(problem, betas):
        if betas[0] < 1.0 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return hc.train_path(problem, betas)

    problem, parts = hc.TrainingProblem(*regression(40, 2), 1.0), ([8.0, 4.0], [0.5, 0.1])
    with joblib.parallel_config("dask"):
        paths = joblib.Parallel()(joblib.delayed(part)(problem, betas) for betas in parts)
    assert died.exists()
    for path, betas in zip(paths, parts, strict=True):
        alone = hc.train_path(problem, betas)
        assert [(one.objective, one.lower_bound) for one in path] == [
            (one.objective, one.lower_bound) for one in alone
        ]


@slow
def test_cross_validated_estimators_score_on_a_cluster_as_they_do_here(client):
    joblib = pytest.importorskip("joblib")
    selection = pytest.importorskip("sklearn.model_selection")
    from hidden_convexity.estimators import ConvexReLURegressorCV

    estimator = ConvexReLURegressorCV(betas=[0.1, 1.0], cv=2)
    here = selection.cross_val_score(estimator, *regression(40, 2), cv=3)
    with joblib.parallel_config("dask"):
        there = selection.cross_val_score(estimator, *regression(40, 2), cv=3, n_jobs=-1)
    np.testing.assert_array_equal(there, here)


# Ctrl-C in a proof, wherever it runs


@pytest.mark.parametrize("owner", [search.Search, VectorSearch])
def test_an_interrupted_proof_hands_over_what_it_had_reached(owner, monkeypatch):
    """It was lost: training for an hour, and no bound."""
    X, y = regression(150, 3)
    y = y if owner is search.Search else np.stack([y, np.roll(y, 1)], axis=1)
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    optimum, explore = hc.train(problem, tol=1e-3), owner._round

    def pressed(self, *given):
        if self.cells > 2**5:
            raise KeyboardInterrupt
        return explore(self, *given)

    monkeypatch.setattr(search, "FIRST_WORK", 20_000)
    monkeypatch.setattr(owner, "_round", pressed)
    solution = hc.train(problem, tol=1e-3)
    assert solution.interrupted and not solution.out_of_time
    assert 0 < solution.lower_bound <= optimum.objective
    assert hc.certify(optimum.network, problem).lower_bound <= optimum.objective


@pytest.mark.parametrize("press_at", [1, 2])
def test_an_interrupted_certificate_keeps_the_best_bound(press_at, monkeypatch):
    X, y = regression(150, 3)
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    network, runs = hc.ReLUNetwork(np.eye(3), np.ones(3)), []
    whole, run = hc.certify(network, problem, rounds=3), search.Search.run

    def pressed(self):
        runs.append(self)
        if len(runs) > press_at:
            raise KeyboardInterrupt
        return run(self)

    monkeypatch.setattr(search.Search, "run", pressed)
    one = hc.certify(network, problem, rounds=3)
    assert len(runs) == press_at + 1
    assert 0 < one.lower_bound <= whole.lower_bound and one.gap >= whole.gap


def test_with_patches_the_rounding_of_their_weights_is_charged_all_the_same(monkeypatch):
    """The interrupt went by the oracle that adds it."""
    X, y = regression(60, 9)
    problem = hc.TrainingProblem(X.reshape(60, 3, 3), y, 1.0)  # 180 rows: too many chambers
    proof, reached = HiddenLayer.of(problem, proof=True).last, []

    def pressed(self, stacks, *limits):
        reached.append(self._maximum(stacks).bound)
        raise KeyboardInterrupt

    monkeypatch.setattr(search.Search, "_round", pressed)
    with pytest.raises(KeyboardInterrupt) as stopped:
        proof(y, tolerance=1e-3)
    assert stopped.value.found.bound == reached[0] + proof._pooled_rounding(y) > reached[0]


# What is refused


def test_another_version_of_the_library_is_refused():
    with pytest.raises(RuntimeError, match="install the same version"):
        cluster._on_worker("0.0.0", search.explore_stack, [], ())


REFUSING = {
    "BranchAndBound": lambda client: BranchAndBound(DATA, client=client),
    "VectorBranchAndBound": lambda client: VectorBranchAndBound(DATA, client=client),
    "train": lambda client: hc.train(hc.TrainingProblem(DATA, NU, 1.0), client=client),
    "train_path": lambda client: hc.train_path(
        hc.TrainingProblem(DATA, NU, 1.0), [1.0], client=client
    ),
    "certify": lambda client: hc.certify(
        hc.ReLUNetwork(np.eye(4), np.ones(4)), hc.TrainingProblem(DATA, NU, 1.0), client=client
    ),
}


@pytest.mark.parametrize("name", REFUSING)
def test_what_is_no_client_is_refused(name):
    pytest.importorskip("distributed")
    for wrong in ("tcp://127.0.0.1:8786", 2, True):
        with pytest.raises(TypeError, match=r"client must be a distributed\.Client"):
            REFUSING[name](wrong)


@pytest.mark.parametrize("name", REFUSING)
def test_without_distributed_the_message_names_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"hidden-convexity\[cluster\]"):
        REFUSING[name]("tcp://127.0.0.1:8786")


@slow
def test_a_client_without_a_proof_is_refused(client):
    problem = hc.TrainingProblem(DATA, NU, 1.0)
    network = hc.ReLUNetwork(np.eye(4), np.ones(4))
    for call in (
        lambda: hc.train(problem, proof=False, client=client),
        lambda: hc.train(problem, patterns=20, client=client),
        lambda: hc.train_path(problem, [1.0], proof=False, client=client),
        lambda: hc.certify(network, problem, proof=False, client=client),
    ):
        with pytest.raises(ValueError, match="client"):
            call()
