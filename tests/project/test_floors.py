"""Each module imports only from the floors below it, and heavy packages only where needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_imports_follow_the_floors():
    """The contracts themselves are in pyproject.toml, under [tool.importlinter]."""
    linter = pytest.importorskip("importlinter.cli")
    configuration = Path(__file__).resolve().parents[2] / "pyproject.toml"
    assert linter.lint_imports(config_filename=str(configuration), no_cache=True) == 0


def test_importing_the_library_imports_no_optional_package():
    program = (
        "import sys, hidden_convexity; "
        "print(*{'torch', 'matplotlib', 'wfdb', 'pywt', 'pandas', 'sklearn', 'joblib', 'dask'} "
        "& set(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


def test_the_library_is_imported_and_compiles_where_nothing_can_be_cached():
    """numba found no cache, in a container without a home, and the import ended in its error."""
    program = (
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "import numpy as np, hidden_convexity as hc\n"
        "print(len(hc.Arrangement.enumerate(np.eye(3))))"
    )
    # The variable, where it is set, would name the locators once more.
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_LOCATOR_CLASSES"}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert ran.stdout.split() == ["8"]
