"""Each module imports only from the floors below it, and heavy packages only where needed."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_imports_follow_the_floors():
    """The contracts themselves are in pyproject.toml, under [tool.importlinter]."""
    linter = pytest.importorskip("importlinter.cli")
    configuration = Path(__file__).resolve().parent.parent / "pyproject.toml"
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
