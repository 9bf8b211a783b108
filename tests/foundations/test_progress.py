"""Progress bars: silent by default, on stderr when asked for, and gone when the work is done."""

import os
import subprocess
import sys

import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity.foundations import compilation, progress
from hidden_convexity.oracle import BranchAndBound

SCRIPT = """
import numpy as np
import hidden_convexity as hc
from hidden_convexity.foundations import progress

progress.DELAY = 0.0
hc.train(hc.TrainingProblem([[1.0, 2.0], [-1.0, 1.0]], [1.0, -1.0], 0.1), progress=True)
"""


def space(n=30):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 3)), rng.normal(size=n)
    return hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))


LONG = {
    "training": lambda problem, **show: hc.train(problem, **show),
    "path": lambda problem, **show: hc.train_path(problem, [problem.beta], **show),
    "certificate": lambda problem, **show: hc.certify(
        hc.ReLUNetwork(np.eye(3), np.ones(3)), problem, **show
    ),
    "proof": lambda problem, **show: BranchAndBound(problem.X, **show)(problem.y, 1e-3),
}


@pytest.fixture
def at_once(monkeypatch):
    """Bars show from the start, as no test runs for a second; whatever `make test` says."""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(compilation.waiting, "told", True)  # see test_compilation


@pytest.mark.parametrize("name", LONG)
def test_a_bar_is_shown_when_asked_for_and_leaves_nothing_behind(name, at_once, capsys):
    LONG[name](space(), progress=True)
    shown = capsys.readouterr()
    assert name in shown.err and shown.out == ""
    last_line = shown.err.split("\n")[-1]
    assert last_line.endswith("\r") and last_line.split("\r")[-2].strip() == ""


@pytest.mark.parametrize("name", ["training", "path", "certificate"])
def test_the_proof_within_has_a_bar_too(name, at_once, capsys):
    LONG[name](space(), progress=True)
    assert "proof" in capsys.readouterr().err


@pytest.mark.parametrize("name", LONG)
def test_nothing_is_shown_by_default(name, at_once, capsys):
    LONG[name](space())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", LONG)
def test_what_ends_within_a_second_shows_nothing(name, monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(progress, "DELAY", 1e6)
    LONG[name](space(), progress=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("disabled", [True, False])
def test_a_headless_run_shows_none_whatever_the_notebook_asks_for(disabled):
    """tqdm reads its variables when it is imported, hence a process of its own."""
    environment = {k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"}
    environment |= {"TQDM_DISABLE": "1"} if disabled else {"TQDM_MININTERVAL": "0"}
    command = [sys.executable, "-c", SCRIPT]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == ""
    for said in ("training: ", "gap "):
        assert (said in run.stderr) == (not disabled)


def test_progress_changes_no_result():
    plain, shown = (hc.train(space(), progress=progress) for progress in (False, True))
    np.testing.assert_array_equal(plain.network.hidden_weights, shown.network.hidden_weights)
    assert plain.lower_bound == shown.lower_bound
