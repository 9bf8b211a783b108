"""Compiled code is kept, never out of date, as little as a training needs, and said to be made."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks import startup

import hidden_convexity as hc
from hidden_convexity.foundations import compilation
from hidden_convexity.oracle.branch_and_bound import BranchAndBound
from hidden_convexity.oracle.search import Search

CALLED = "from hidden_convexity.foundations.compilation import njit\n{}\n@njit(cache=True)\n" + (
    "def called(x):\n    return x + {}\n"
)
CALLING = (
    "from called import ADDED, called\n"
    "from hidden_convexity.foundations.compilation import njit\n\n"
    "@njit(cache=True)\ndef calling(x):\n    return called(x) + ADDED\n"
)
ASK = (
    "from calling import calling\n"
    "print(calling(1), sum(calling.stats.cache_hits.values()), "
    "sum(calling.stats.cache_misses.values()))"
)


def run(program, folder, **environment):
    """What a program prints in a process of its own, its compiled code kept in a folder."""
    environment = {"NUMBA_CACHE_DIR": str(folder), **environment}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("added", "constant", "expected"), [(20, 300, 321), (10, 400, 411)], ids=["callee", "constant"]
)
def test_a_cached_function_is_compiled_again_if_what_it_is_made_of_has_changed(
    tmp_path, added, constant, expected
):
    """numba looked at the caller's own file only, and went on calling what had been edited."""
    (tmp_path / "calling.py").write_text(CALLING)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    asked = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def answer(added, constant):
        (tmp_path / "called.py").write_text(CALLED.format(f"ADDED = {constant}", added))
        return [int(word) for word in run(ASK, tmp_path / "cache", **asked).split()]

    assert answer(10, 300) == [311, 0, 1]
    assert answer(10, 300) == [311, 1, 0]
    assert answer(added, constant) == [expected, 0, 1]


# What compiled functions two and three calls away were made from, and a sum by one of them.
CHAIN = """
import numpy as np
from hidden_convexity.oracle.boxes import explore
from hidden_convexity.oracle.maximum import height
for one in (explore, height):
    print(one._cache._cache_file._source_stamp)
print(height(np.ones((2, 1)), np.ones(2), np.ones(1))[0], len(height.stats.cache_misses))
"""


@pytest.mark.slow
def test_an_edit_in_the_library_reaches_whoever_calls_it_across_files(tmp_path):
    """`explore` calls `bound_cell`, that `upper_bound` in a file of its own, and that `dot`."""
    library = Path(hc.__file__).parent
    copy = tmp_path / "lib" / "hidden_convexity"
    shutil.copytree(library, copy, ignore=shutil.ignore_patterns("__pycache__"))
    asked = {"PYTHONPATH": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1"}

    def edit(name, old, new):
        text = (copy / name).read_text(encoding="utf-8")
        assert old in text
        (copy / name).write_text(text.replace(old, new), encoding="utf-8")
        return run(CHAIN, tmp_path / "cache", **asked).splitlines()

    first = edit("oracle/least_distance.py", "def dot(", "def dot(")
    assert first[2] == "2.0 1"
    assert run(CHAIN, tmp_path / "cache", **asked).splitlines() == [*first[:2], "2.0 0"]
    explore, height, _ = edit("oracle/least_distance.py", "    total = 0.0", "    total = 0.25")
    assert explore != first[0] and height == first[1]
    *_, total = edit("foundations/compensated.py", "return new, lost +", "return new + 1, lost +")
    assert total == "4.0 1"


# Told

TELLING = (
    "import sys; sys.stderr = sys.stdout\n"
    "from hidden_convexity.foundations import compilation; compilation.PATIENCE = 0.1\n"
    "import numpy as np, hidden_convexity as hc\n"
    "{}for _ in range(2): hc.Arrangement.enumerate(np.eye(3))"
)
NOWHERE = "from numba.core import caching; caching.CacheImpl._locator_classes = []\n"


@pytest.mark.slow
def test_who_waits_for_compilation_is_told_once_and_not_when_it_is_done(tmp_path):
    """A first training was silent for a minute."""
    first = run(TELLING.format(""), tmp_path, TQDM_DISABLE="")
    assert first.count("compiling") == 1 and "once for all runs" in first
    assert run(TELLING.format(""), tmp_path, TQDM_DISABLE="") == ""
    assert run(TELLING.format(""), tmp_path / "other", TQDM_DISABLE="1") == ""


@pytest.mark.slow
def test_where_nothing_can_be_kept_it_is_said_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_LOCATOR_CLASSES", raising=False)
    told = run(NOWHERE + TELLING.format(""), tmp_path, TQDM_DISABLE="")
    assert told.count("compiling") == 1 and "set NUMBA_CACHE_DIR to a folder" in told


@pytest.mark.parametrize(
    ("module", "times"),
    # Methods of a numba jitclass, which other libraries use, have no module.
    [("hidden_convexity.oracle", 1), ("elsewhere", 0), (None, 0)],
)
def test_only_what_is_ours_and_takes_long_is_told(module, times, monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    function = type("Dispatcher", (), {"py_func": SimpleNamespace(__module__=module)})()
    start = SimpleNamespace(data={"dispatcher": function})

    def compiling(patience):
        """One compilation within another."""
        monkeypatch.setattr(compilation, "PATIENCE", patience)
        waiting.on_start(start)
        waiting.on_start(start)
        if patience < 1 and times:
            waiting._timer.join()
        waiting.on_end(start)
        waiting.on_end(start)

    waiting = compilation.Waiting()
    compiling(1e6)
    assert capsys.readouterr() == ("", "")
    compiling(0.0)
    compiling(0.0)
    assert capsys.readouterr().err.count("compiling") == times


# The README's example with the dispatchers that have compiled something by its end.
COMPILED = """
import gc, json
import numpy as np
from numba.core.dispatcher import Dispatcher
import hidden_convexity as hc
X = np.random.default_rng(0).normal(size=(30, 3))
y = np.sin(X[:, 0]) + np.abs(X[:, 1])
problem = hc.TrainingProblem(X, y, 0.01 * hc.beta_max(X, y))
solution = hc.train(problem)
assert solution.scope == "global" and solution.gap < 1e-6
ours = [one for one in gc.get_objects() if isinstance(one, Dispatcher)]
ours = [one for one in ours if one.py_func.__module__.startswith("hidden_convexity.")]
print(json.dumps({one.py_func.__name__: len(one.signatures) for one in ours if one.signatures}))
"""


@pytest.mark.slow
def test_a_small_training_compiles_the_listing_and_the_projections_only(tmp_path):
    """Ascents were compiled for it as well: 29 functions and signatures, 25 s of silence."""
    compiled = json.loads(run(COMPILED, tmp_path))
    walked = {"_fill", "_equal", "_flip", "_walk"}
    projected = {"project_each", "_project", "_leave", "_multipliers"}
    copies = compiled.pop("assign")  # of bytes, rows and numbers: each is compiled once
    assert compiled.keys() == walked | projected | {"fill", "height", "carry"}
    assert set(compiled.values()) == {1} and copies <= 4


AFTER = (
    startup.DATA
    + """
import gc, json
from numba.core.dispatcher import Dispatcher
{}
ours = [one for one in gc.get_objects() if isinstance(one, Dispatcher)]
ours = [one for one in ours if one.py_func.__module__.startswith("hidden_convexity.")]
print({{one.py_func.__name__ for one in ours if one.stats.cache_misses}})
"""
)


@pytest.mark.slow
def test_after_compile_first_calls_find_all_that_they_need(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    hc.compile()
    told = capsys.readouterr()
    assert told.out == "" and "compiling" not in told.err
    assert "training in the plane: " in told.err and told.err.count("\n") == told.err.count(
        "compiled"
    )
    pytest.importorskip("sklearn")
    program = AFTER.format("\n".join(startup.CASES.values()))
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n", ran.stderr


def test_no_budget_of_a_proof_pays_for_compiling(monkeypatch):
    """A first proof on a busy machine ended by its minute, in which all had been compiled."""
    seed, seconds = Search._seed, 0.3

    def compiled_first(self, *cell):
        if not slept:
            slept.append(time.sleep(seconds))
            compilation.waiting.spent += seconds
        return seed(self, *cell)

    rng = np.random.default_rng(0)
    oracle = BranchAndBound(rng.normal(size=(40, 3)))
    nu, slept = rng.normal(size=40), []
    value = oracle(nu, tolerance=1e-2).value
    oracle.max_seconds = seconds / 2
    monkeypatch.setattr(compilation.waiting, "spent", compilation.waiting.spent)
    monkeypatch.setattr(Search, "_seed", compiled_first)
    assert oracle(nu, tolerance=1e-2).bound <= value * (1 + 1e-2)
    assert slept
