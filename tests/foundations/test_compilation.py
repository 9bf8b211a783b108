"""Compiled code is kept, never out of date, and as little as a training needs."""

import json
import os
import subprocess
import sys

import pytest

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
