"""What is published is all of the repository, which can so test itself."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Of use to a clone only.
ONLY_IN_GIT = {".gitattributes", ".gitignore", ".ci/run"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The committed files, and none of what was built beside them."""
    pytest.importorskip("setuptools", minversion="77")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode or not (ROOT / ".git").exists():
        pytest.skip("not a clone: there is no list of what is committed")
    folder = tmp_path_factory.mktemp("clone")
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def build(clone, kind, folder):
    program = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(folder)!r}))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=clone, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return folder / run.stdout.splitlines()[-1]


def test_the_sdist_holds_all_that_its_tests_and_commands_read(clone, tmp_path):
    committed = {str(path.relative_to(clone)) for path in clone.rglob("*") if path.is_file()}
    with tarfile.open(build(clone, "sdist", tmp_path)) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert committed - packed - ONLY_IN_GIT == set()


def test_building_a_wheel_leaves_what_make_built_alone(clone, tmp_path):
    executed = clone / "build" / "lib" / "notebook.ipynb"
    executed.parent.mkdir(parents=True)
    executed.touch()
    build(clone, "wheel", tmp_path)
    assert [path.name for path in (clone / "build" / "lib").iterdir()] == ["notebook.ipynb"]
    assert {path.name for path in (clone / "build").iterdir()} <= {"lib", "setuptools"}
