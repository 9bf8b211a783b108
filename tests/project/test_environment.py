"""One environment, written twice: constraints.txt for pip, environment.yml for conda."""

import re
import tomllib
from pathlib import Path

import pytest

import hidden_convexity

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parents[2]

# Where conda-forge's name is not PyPI's.
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "torch": "pytorch-cpu",
    "playwright": "playwright-python",
}
# What a conda environment needs besides, and PyPI does not have.
CONDA_ONLY = {"python", "make", "pip"}
# What we do not count on conda-forge to have: pip installs it into the conda environment.
PIP_ONLY = {"heartpy", "kingdon", "pyts", "sphinx-mathjax-offline", "sphinx-revealjs", "typst"}


def direct_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return {re.match(r"[\w-]+", line)[0].lower() for group in groups for line in group}


def pip_pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(
        re.fullmatch(r"([\w.-]+)==([\w.]+)", line).groups() for line in lines if line[0] != "#"
    )


def test_there_is_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert hidden_convexity.__version__ == project["version"] == citation["version"]


def test_every_direct_dependency_is_pinned():
    assert direct_dependencies() <= {name.lower() for name in pip_pins()}


def test_conda_pins_are_the_pip_pins():
    lines = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = dict(re.split("=", line + "=")[:2] for line in lines if isinstance(line, str))
    pins = {name.lower(): version for name, version in pip_pins().items()}
    expected = {
        CONDA_NAMES.get(name, name): pins[name] for name in direct_dependencies() - PIP_ONLY
    }
    assert {name: conda[name] for name in conda.keys() - CONDA_ONLY} == expected
    by_pip = [f"{name}=={pins[name]}" for name in sorted(PIP_ONLY)]
    assert lines[-1] == {"pip": [*by_pip, "--editable ."]}
