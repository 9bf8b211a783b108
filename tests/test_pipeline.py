"""`make figures` and its relatives, on a throw-away project of small notebooks."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from hidden_convexity.manifest import read_manifest, write_manifest

ROOT = Path(__file__).resolve().parent.parent

pytest.importorskip("papermill")
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="GNU make is not installed")

DRAW = """\
import matplotlib.pyplot as plt
from hidden_convexity.manifest import save_figure

fig, ax = plt.subplots(figsize=(2, 1))
ax.plot([0, slope])
save_figure(fig, "{name}", data={{"y": [0, slope]}}, alt="A line.", numbers={{"slope": slope}})
plt.show()"""

FIGURES = ("00-line", "00-other", "01-line")
# A kernel that ends without a word, as one that ran out of memory does.
DIE = "import os; os._exit(1)"


class Project:
    """A folder with our Makefile and executor, and notebooks of its own."""

    def __init__(self, root):
        self.root = root
        for folder in ("notebooks", "lib", "figures"):
            (root / folder).mkdir(parents=True)
        (root / "lib" / "library.py").touch()
        shutil.copy(ROOT / "Makefile", root)
        shutil.copy(ROOT / "notebooks" / "execute.py", root / "notebooks")

    def write(self, notebook, slope, *more):
        """Write a notebook that draws a line of that slope, and then runs more cells."""
        figure = f"fig{notebook[:2]}-line"
        sources = [f"slope = {slope}", DRAW.format(name=figure), "print('slope', slope)", *more]
        cells = [
            nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)
        ]
        self.write_cells(notebook, cells)

    def write_cells(self, notebook, cells):
        nbformat.write(nbformat.v4.new_notebook(cells=cells), self.path(notebook))
        # A file system may keep whole seconds: an edit is told from the run just before it.
        later = time.time() + 2
        os.utime(self.path(notebook), (later, later))

    def pretend(self, notebook):
        """Leave what an earlier run of this notebook might have: a figure, and its entry."""
        figure, figures = f"fig{notebook[:2]}-line", self.root / "figures"
        for kind in ("svg", "json"):
            (figures / f"{figure}.{kind}").write_text("{}")
        entry = {"notebook": notebook, "sha256": {"svg": "another", "json": "another"}}
        write_manifest(figures, read_manifest(figures) | {figure: entry})

    def path(self, notebook):
        return self.root / "notebooks" / f"{notebook}.ipynb"

    def make(self, *arguments):
        """Run make; return its exit status, the rows of its table, and all it printed."""
        run = subprocess.run(
            self.command(*arguments), cwd=self.root, capture_output=True, text=True, check=False
        )
        rows = [" ".join(line.split()) for line in run.stdout.splitlines()]
        header = rows.index("figure notebook") if "figure notebook" in rows else len(rows)
        return run.returncode, rows[header + 1 :], run.stdout + run.stderr

    def command(self, *arguments):
        return ["make", "VENV=", f"PYTHON={shlex.quote(sys.executable)}", *arguments]

    def committed(self):
        """Every file of figures/ and notebooks/, with its content."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for folder in ("figures", "notebooks")
            for path in sorted((self.root / folder).rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }


@pytest.fixture(scope="module", autouse=True)
def own_make():
    """Make is nobody's child: `make test` must not lend it its flags or its job server."""
    with pytest.MonkeyPatch.context() as environment:
        for variable in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "NB", "VENV", "BUILD", "MPLBACKEND"):
            environment.delenv(variable, raising=False)
        yield


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "a project")


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A project of two notebooks and three figures, after its first `make notebooks`: once."""
    project = Project(tmp_path_factory.mktemp("executed") / "a project")
    streams = "import sys; print('a'); print('b', file=sys.stderr); print('c')"
    project.write("00-first", 1, streams, DRAW.format(name="fig00-other"))
    project.write("01-second", 2)
    status, rows, output = project.make("notebooks")
    assert status == 0, output
    assert rows == [
        "fig00-line 00-first new",
        "fig00-other 00-first new",
        "outputs 00-first refreshed",
        "fig01-line 01-second new",
        "outputs 01-second refreshed",
    ]
    return project.root


@pytest.fixture
def drawn(executed, project):
    """A copy of the executed project, with the times of its files, for make to go on from."""
    shutil.rmtree(project.root)
    shutil.copytree(executed, project.root)
    return project


def settle(project):
    """Make every source older than what was made from it, as it is a moment later."""
    for path in [*project.root.glob("notebooks/*"), *project.root.glob("lib/*")]:
        os.utime(path, (time.time() - 100, time.time() - 100))


def test_figures_are_drawn_once_and_again_only_after_a_change(drawn):
    figures = {f"fig{name}.{kind}" for name in FIGURES for kind in ("json", "svg")}
    assert {path.name for path in (drawn.root / "figures").iterdir()} == figures | {"manifest.json"}
    status, rows, output = drawn.make("figures")
    assert status == 0
    assert "cells" not in output, "nothing changed, and yet a notebook was executed"
    assert rows == [
        "fig00-line 00-first unchanged",
        "fig00-other 00-first unchanged",
        "fig01-line 01-second unchanged",
    ]

    (drawn.root / "figures" / "fig00-line.svg").unlink()
    drawn.write("01-second", 3)
    status, rows, output = drawn.make("figures")
    assert status == 0
    assert "00-first  5 cells" not in output, "a figure that was deleted needs no new execution"
    assert rows == [
        "fig00-line 00-first new",
        "fig00-other 00-first unchanged",
        "fig01-line 01-second changed",
    ]


def test_the_last_digits_of_another_processor_change_no_committed_file(drawn):
    figures = {path: path.read_bytes() for path in (drawn.root / "figures").iterdir()}
    drawn.write("01-second", "2 + 1e-7")
    _, rows, output = drawn.make("figures", "NB=01-second")
    assert rows == ["fig01-line 01-second unchanged"]
    assert "01-second  3 cells" in output
    assert figures == {path: path.read_bytes() for path in (drawn.root / "figures").iterdir()}


def test_a_change_of_the_library_executes_every_notebook(project):
    for notebook in ("00-first", "01-second"):
        project.write(notebook, 1)
        (project.root / "build" / notebook).mkdir(parents=True)
        (project.root / "build" / notebook / "notebook.ipynb").touch()
    settle(project)
    assert "run" not in project.make("--dry-run", "executed")[2]
    later = time.time() + 2
    os.utime(project.root / "lib" / "library.py", (later, later))
    assert project.make("--dry-run", "executed")[2].count("execute.py run") == 2


def test_a_figure_no_longer_drawn_is_removed(project):
    project.pretend("00-no-longer-there")
    project.pretend("01-second")
    project.write_cells("01-second", [nbformat.v4.new_code_cell("1", id="one")])
    status, rows, _ = project.make("figures")
    assert status == 0
    assert rows == ["fig00-line 00-no-longer-there removed", "fig01-line 01-second removed"]
    assert [path.name for path in (project.root / "figures").iterdir()] == ["manifest.json"]
    assert read_manifest(project.root / "figures") == {}


@pytest.mark.parametrize("name", ["01-second", "01-second.ipynb", "notebooks/01-second.ipynb"])
def test_one_notebook_can_be_selected(project, name):
    project.write("00-first", 1)
    project.write("01-second", 2)
    _, _, output = project.make("--dry-run", "executed", f"NB={name}")
    assert "execute.py run --build build 01-second" in output
    assert "00-first" not in output


def test_an_unknown_notebook_is_an_error_that_lists_the_names(project):
    project.write("00-first", 1)
    project.write("01-second", 2)
    status, _, output = project.make("figures", "NB=third")
    assert status != 0
    assert "NB=third is not a notebook. The notebooks are: 00-first 01-second" in output


def test_a_notebook_that_fails_changes_nothing_and_stops_no_other(project):
    raises = "def f():\n    raise ValueError('X has NaN\\nremove it')\nf()"
    project.write("00-raises", 1, raises, "'never reached'")
    for notebook, source in (("01-exits", "raise SystemExit(2)"), ("02-dies", DIE)):
        project.write_cells(notebook, [nbformat.v4.new_code_cell(source, id="only")])
    project.path("03-is-not-one").write_text("{")
    project.write("04-works", 2)
    for path in project.root.glob("notebooks/*.ipynb"):
        project.pretend(path.stem)
    before = project.committed()
    status, rows, _ = project.make("notebooks")
    assert status != 0
    assert rows[:3] == [
        "- 00-raises FAILED cell [4]: ValueError: X has NaN",
        "- 01-exits FAILED cell [1]: SystemExit: 2",
        "- 02-dies FAILED cell [1]: DeadKernelError: Kernel died",
    ]
    assert rows[3].startswith("- 03-is-not-one FAILED")
    assert rows[4:] == ["fig04-line 04-works changed", "outputs 04-works refreshed"]
    after = project.committed()
    assert {name for name in before | after if after.get(name) != before.get(name)} == {
        "figures/fig04-line.json",
        "figures/fig04-line.svg",
        "figures/manifest.json",
        "notebooks/04-works.ipynb",
    }
    assert "execute.py run --build build 01-exits" in project.make("--dry-run", "executed")[2]


def test_killed_midway_nothing_is_half_written_and_the_next_run_goes_on(project):
    wait = (
        "import time; from pathlib import Path\n"
        "Path('../started').touch()\n"
        "while not Path('../released').exists(): time.sleep(0.05)"
    )
    project.write("00-first", 2, wait)
    project.pretend("00-first")
    before = project.committed()
    run = subprocess.Popen(
        project.command("notebooks"),
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not (project.root / "started").exists():
            assert run.poll() is None, "make ended before the cell began to wait"
            time.sleep(0.05)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert project.committed() == before

    (project.root / "released").touch()
    status, rows, output = project.make("notebooks")
    assert status == 0, output
    assert rows == ["fig00-line 00-first changed", "outputs 00-first refreshed"]


def test_refreshing_is_deterministic_and_leaves_nothing_to_do(drawn):
    once = drawn.committed()
    _, rows, output = drawn.make("notebooks")
    assert "cells" not in output, "the refreshed notebook is no reason to execute it again"
    assert all(row.endswith("unchanged") for row in rows)

    shutil.rmtree(drawn.root / "build")
    shutil.rmtree(drawn.root / "figures")
    assert drawn.make("notebooks", "-j2")[0] == 0
    assert drawn.committed() == once
    notebook = nbformat.read(drawn.path("00-first"), as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4, 5]
    assert notebook.cells[1].outputs[0].data.keys() == {"image/png", "text/plain"}
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_verifying_finds_an_edited_figure_and_changes_nothing(drawn):
    table = drawn.root / "figures" / "fig00-line.json"
    table.write_text(table.read_text().replace("1", "2"))
    before = drawn.committed()
    status, rows, _ = drawn.make("verify-figures", "NB=00-first")
    assert status != 0
    assert rows == [
        "fig00-line 00-first DIFFERS fig00-line.json is not the file in the manifest",
        "fig00-other 00-first verified",
    ]
    assert drawn.committed() == before


def test_help_is_the_default_and_names_every_command():
    run = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for command in ("figures", "notebooks", "test", "lab", "verify-figures", "clean", "help"):
        assert f"\n  {command} " in run.stdout
    assert "TORCH_INDEX" in run.stdout


def test_an_old_python_is_refused_in_words(project):
    shutil.copy(ROOT / "pyproject.toml", project.root)
    shutil.copy(ROOT / "constraints.txt", project.root)
    old = project.root / "old-python"
    old.write_text('#!/bin/sh\nif [ "$1" = --version ]; then echo Python 3.9.1; else exit 1; fi\n')
    old.chmod(0o755)
    run = subprocess.run(
        ["make", "figures", "PYTHON=./old-python"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "Python 3.11 or later is needed; PYTHON=./old-python is: Python 3.9.1" in run.stderr
    assert not (project.root / ".venv").exists()
