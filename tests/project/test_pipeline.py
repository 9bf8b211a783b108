"""`make figures` and its relatives, on a throw-away project of small notebooks."""

import importlib.util
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

from hidden_convexity.companion.manifest import read_manifest, write_manifest

ROOT = Path(__file__).resolve().parents[2]

pytest.importorskip("papermill")
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="GNU make is not installed")

DRAW = """\
import matplotlib.pyplot as plt
from hidden_convexity.companion.manifest import save_figure

fig, ax = plt.subplots(figsize=(4, 3))
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

    def stale(self, *notebooks):
        """Names of the notebooks that make would execute."""
        run = subprocess.run(
            [sys.executable, "notebooks/execute.py", "stale", *notebooks],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return run.stdout.split()

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
        rows = rows[header + 1 :]
        rows = rows[: rows.index("")] if "" in rows else rows  # what to open comes after a blank
        return run.returncode, rows, run.stdout + run.stderr

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


def test_an_edit_of_a_file_executes_the_notebooks_that_import_it_and_no_others(project):
    """Whole or in part, directly or through another file; touching a file is no edit."""
    library = project.root / "lib" / "library"
    library.mkdir()
    for name, text in (
        ("__init__", ""),
        ("base", "one = 1\n"),
        ("upon", "def f():\n    from library.base import one\n    return one\n"),
        ("alone", ""),
    ):
        (library / f"{name}.py").write_text(text)
    names = {
        "00-nothing": "1",
        "01-base": "%matplotlib inline\nimport library.base",
        "02-upon": "from library import upon",
        "03-alone": "import library.alone as alone",
    }
    for name, source in names.items():
        project.write_cells(name, [nbformat.v4.new_code_cell(source, id="only")])
    (project.root / "lib" / "library.py").unlink()
    path = [str(project.root / "lib"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    command = [sys.executable, "notebooks/execute.py", "run", *names]
    subprocess.run(command, cwd=project.root, env=environment, check=True)
    assert project.stale(*names) == []
    os.utime(library / "base.py", (time.time() + 2, time.time() + 2))
    assert project.stale(*names) == []
    (library / "base.py").write_text("one = 2\n")
    assert project.stale(*names) == ["01-base", "02-upon"]
    (library / "alone.py").write_text("# an edit\n")
    assert project.stale(*names) == ["01-base", "02-upon", "03-alone"]
    (library / "__init__.py").write_text("# an edit\n")
    assert "00-nothing" not in project.stale(*names)


def test_a_notebook_is_executed_again_for_recorded_results_that_it_reads_and_no_others(project):
    """Each that named benchmarks/ was, for every file in it."""
    recorded = project.root / "benchmarks" / "experiments"
    recorded.mkdir(parents=True)
    for name in ("read.csv", "other.csv"):
        (recorded / name).write_text("one,1\n")
    source = 'folder = "../benchmarks/experiments"\nopen(f"{folder}/read.csv").close()'
    project.write_cells("00-reads", [nbformat.v4.new_code_cell(source, id="only")])
    command = [sys.executable, "notebooks/execute.py", "run", "00-reads"]
    subprocess.run(command, cwd=project.root, check=True)
    (recorded / "other.csv").write_text("one,2\n")
    assert project.stale("00-reads") == []
    (recorded / "read.csv").write_text("one,2\n")
    assert project.stale("00-reads") == ["00-reads"]


def test_what_is_staged_and_then_lost_is_drawn_again_and_not_taken_for_removed(drawn):
    """`make figures` twice at once cleared one's staging, and the other deleted the figures."""
    before = drawn.committed()
    shutil.rmtree(drawn.root / "build" / "00-first" / "figures")
    (drawn.root / "build" / "01-second" / "figures" / "fig01-line.svg").unlink()
    status, rows, _ = drawn.make("figures")
    assert status == 0
    assert all(row.endswith("unchanged") for row in rows) and len(rows) == 3
    assert drawn.committed() == before


def test_a_second_make_waits_for_the_first_and_uses_what_it_has_made(project):
    wait = (
        "import time; from pathlib import Path\n"
        "Path('../started').touch()\n"
        "while not Path('../released').exists(): time.sleep(0.05)"
    )
    project.write("00-first", 2, wait)
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(project.command("figures"), cwd=project.root, **pipe) as first:
        while not (project.root / "started").exists():
            assert first.poll() is None, "make ended before the cell began to wait"
            time.sleep(0.05)
        with subprocess.Popen(project.command("figures"), cwd=project.root, **pipe) as second:
            assert "waiting for it" in second.stdout.readline()
            (project.root / "released").touch()
            outputs = [run.communicate()[0] for run in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert "00-first  4 cells" in outputs[0] and "00-first  4 cells" not in outputs[1]
    assert "unchanged" in outputs[1]
    assert (project.root / "figures" / "fig00-line.svg").exists()


def test_a_copy_that_jupyterlab_made_is_no_notebook_of_ours(project):
    project.write("00-first", 1)
    shutil.copy(project.path("00-first"), project.path("00-first-Copy1"))
    _, _, output = project.make("--dry-run", "figures")
    assert output.strip().endswith("execute.py update 00-first")


def test_two_notebooks_that_draw_one_figure_are_told_so(drawn):
    shutil.copy(drawn.path("01-second"), drawn.path("01-twin"))
    status, rows, _ = drawn.make("figures")
    assert status != 0
    assert "fig01-line 01-second unchanged" in rows
    assert "fig01-line 01-twin FAILED 01-second draws a figure of this name too" in rows


def test_a_figure_that_cannot_be_written_is_a_row_of_the_table_not_a_traceback(drawn):
    picture = drawn.root / "figures" / "fig00-line.svg"
    picture.unlink()
    picture.mkdir()
    status, rows, output = drawn.make("figures")
    assert status != 0
    assert "Traceback" not in output
    assert "fig00-line 00-first FAILED Is a directory: figures/fig00-line" in rows
    assert "fig01-line 01-second unchanged" in rows
    assert "fig00-line" in read_manifest(drawn.root / "figures")


def test_what_a_killed_write_left_behind_is_swept(drawn):
    strays = [drawn.root / folder / ".fig00.svg.1.tmp" for folder in ("figures", "notebooks")]
    for stray in strays:
        stray.touch()
    assert drawn.make("figures", "NB=01")[0] == 0
    assert not any(stray.exists() for stray in strays)


def test_a_dry_run_changes_nothing(drawn):
    drawn.write("01-second", 3)
    before = {path: path.stat().st_mtime_ns for path in drawn.root.rglob("*")}
    for command in ("figures", "notebooks", "verify-figures"):
        assert drawn.make("--dry-run", command)[0] == 0
    assert before == {path: path.stat().st_mtime_ns for path in drawn.root.rglob("*")}


def test_edited_parameters_are_told_where_their_outputs_are(drawn):
    drawn.write("01-second", 3)
    _, _, output = drawn.make("figures", "NB=01")
    assert "build/01-second/notebook.ipynb; `make notebooks` stores them" in output


def test_a_figure_no_longer_drawn_is_removed(project):
    project.pretend("00-no-longer-there")
    project.pretend("01-second")
    project.write_cells("01-second", [nbformat.v4.new_code_cell("1", id="one")])
    status, rows, _ = project.make("figures")
    assert status == 0
    assert rows == ["fig00-line 00-no-longer-there removed", "fig01-line 01-second removed"]
    assert [path.name for path in (project.root / "figures").iterdir()] == ["manifest.json"]
    assert read_manifest(project.root / "figures") == {}


@pytest.mark.parametrize(
    "name", ["01-second", "01-second.ipynb", "notebooks/01-second.ipynb", "01"]
)
def test_one_notebook_can_be_selected(project, name):
    project.write("00-first", 1)
    project.write("01-second", 2)
    _, _, output = project.make("--dry-run", "figures", f"NB={name}")
    assert "execute.py update 01-second" in output
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
    assert project.stale("01-exits", "04-works") == ["01-exits"]


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


@pytest.mark.parametrize(
    ("flags", "jobs"),
    [
        ("", 1),
        (" -j3 --jobserver-auth=3,4", 3),
        ("k -j7 --jobserver-auth=fifo:/tmp/x -- NB=00", 7),
        ("k -- NB=00", 1),
    ],
)
def test_notebooks_run_as_many_at_a_time_as_make_was_told(monkeypatch, flags, jobs):
    location = ROOT / "notebooks" / "execute.py"
    spec = importlib.util.spec_from_file_location("execute", location)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("MAKEFLAGS", flags)
    assert module.jobs_of_make() == jobs


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


def test_prose_that_is_edited_after_a_run_stays_and_is_no_reason_to_repeat_it(project):
    """The edit was once taken for one during the run, each time that the command was repeated."""
    cells = [
        nbformat.v4.new_markdown_cell("Before", id="prose"),
        nbformat.v4.new_code_cell("print('drawn')", id="code"),
    ]
    project.write_cells("00-first", cells)
    assert project.make("notebooks")[0] == 0
    notebook = nbformat.read(project.path("00-first"), as_version=4)
    notebook.cells[0].source = "After"
    notebook.cells.append(nbformat.v4.new_markdown_cell("More", id="more"))
    nbformat.write(notebook, project.path("00-first"))

    for target in ("notebooks", "figures"):
        status, _, output = project.make(target)
        assert status == 0, output
        assert "cells" not in output and "differ" not in output
    stored = nbformat.read(project.path("00-first"), as_version=4).cells
    assert [cell.source for cell in stored] == ["After", "print('drawn')", "More"]
    assert stored[1].outputs[0].text == "drawn\n"
