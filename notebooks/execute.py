"""Execute notebooks headlessly and install what they draw: the program behind the Makefile.

    python notebooks/execute.py run NAME...                 execute into build/NAME/
    python notebooks/execute.py update [--refresh] NAME...  the same, of those that changed; then
                                                            build/NAME/ to figures/ and notebooks/
    python notebooks/execute.py verify NAME...              execute afresh; compare with figures/
    python notebooks/execute.py stale NAME...               print the names of those that changed

`run` touches nothing outside build/. Its last act is to write build/NAME/notebook.ipynb, whose
presence means that the notebook ran from top to bottom. `update` copies from there file by file,
each complete or not at all; it costs little, so it can be repeated after an interruption. One
`update` or `verify` is at work at a time; a second one waits, and uses what the first has made.
"""

import argparse
import ast
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import nbformat
import numpy as np

from hidden_convexity.companion import manifest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"
LIBRARY = ROOT / "lib"

# What the kernel or an editor writes into a notebook and the author did not.
VOLATILE = [
    "metadata.papermill",
    "metadata.signature",
    "metadata.widgets",
    "metadata.toc",
    "cell.metadata.papermill",
    "cell.metadata.execution",
    "cell.metadata.ExecuteTime",
    "cell.metadata.collapsed",
    "cell.metadata.scrolled",
]
# A widget's address in a kernel that has ended; the picture stored beside it stays.
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# The files of a figure.
KINDS = ("svg", "json")
KERNEL = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def run(name, build):
    """Execute one notebook into build/NAME; return whether it ran to the end."""
    import papermill

    source, target = NOTEBOOKS / f"{name}.ipynb", build / name
    build.mkdir(parents=True, exist_ok=True)
    # Held until this process ends: a run whose make was killed may still be at work in there.
    lock = os.open(build / f"{name}.lock", os.O_CREAT | os.O_WRONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    shutil.rmtree(target, ignore_errors=True)
    (target / "figures").mkdir(parents=True)
    os.environ[manifest.FIGURES_VARIABLE] = str(target / "figures")
    os.environ[manifest.NOTEBOOK_VARIABLE] = name
    manifest.write_manifest(target / "figures", {})
    running = target / "running.ipynb"
    started = time.time()
    try:
        made_from = digest(name)
        papermill.execute_notebook(
            source,
            running,
            cwd=NOTEBOOKS,
            kernel_name=KERNEL["kernelspec"]["name"],
            coalesce_streams=True,
            # Else each kernel warns that its local sockets are not encrypted.
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            progress_bar=sys.stderr.isatty()
            and {
                "desc": name,
                "bar_format": "{desc}  {n_fmt}/{total_fmt} cells  {elapsed}",
                "disable": False,
                "leave": False,
            },
        )
    except Exception as error:  # a cell's, a dead kernel, a file that is no notebook: one report
        failure = describe_failure(error, running)
        (target / "failure.json").write_text(json.dumps(failure), encoding="utf-8")
        print(f"{name}  FAILED  {failure}", f"(traceback in {running})", sep="\n  ", flush=True)
        return False
    executed = described(cleaned(source, running), manifest.read_manifest(target / "figures"))
    running.unlink()
    # What was edited meanwhile has another digest.
    manifest.write_atomically(target / "made-from", made_from.encode())
    manifest.write_atomically(target / "notebook.ipynb", as_bytes(executed))
    print(f"{name}  {len(executed.cells)} cells  {time.time() - started:.0f} s", flush=True)
    return True


def describe_failure(error, running):
    """Say which cell failed, numbered as JupyterLab shows it, and how."""
    message = f"{getattr(error, 'ename', type(error).__name__)}: {getattr(error, 'evalue', error)}"
    message = message.strip().splitlines()[0]
    if not running.exists():
        return message
    cells = [
        cell
        for cell in nbformat.read(running, as_version=4).cells
        if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])
    ]
    started = [i for i, cell in enumerate(cells) if cell.metadata.papermill.get("start_time")]
    number = sum(cell.cell_type == "code" for cell in cells[: started[-1] + 1])
    return f"cell [{number}]: {message}"


def cleaned(source, executed):
    """Return the source notebook with the outputs of the executed one, and nothing volatile."""
    import nbstripout

    notebook = nbformat.read(source, as_version=nbformat.NO_CONVERT)
    ran = code_of(nbformat.read(executed, as_version=4))
    for cell, run_cell in zip(code_of(notebook), ran, strict=True):
        cell.outputs = run_cell.outputs
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
        cell.execution_count = run_cell.execution_count
    notebook.metadata.update(KERNEL)
    return nbstripout.strip_output(
        notebook, keep_output=True, keep_count=True, keep_id=True, extra_keys=VOLATILE
    )


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def described(notebook, figures):
    """The notebook with the alt text of each picture in the metadata of its output.

    That of a figure is in the manifest; a cell whose picture is none begins with "# Picture: ...".
    """
    for cell in notebook.cells:
        figure = re.search(r"save_figure\(\s*\w+,\s*\"(fig[\w-]+)\"", cell.source)
        told = re.match(r"# Picture: (.+)", cell.source)
        if cell.cell_type == "code" and (figure or told):
            alt = figures[figure[1]]["alt"] if figure else told[1]
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.metadata["image/png"] = {"alt": alt}
    return notebook


def as_bytes(notebook):
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def digest(name):
    """What an execution depends on: the notebook's code, what it imports of lib/, what it reads."""
    cells = code_of(nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4))
    # The cells' tags tell papermill the parameters, and outputs and prose change nothing.
    code = [(cell.source, cell.metadata.get("tags")) for cell in cells]
    text = "\n".join(source for source, _ in code)
    files = {Path(__file__), *(ROOT / "constraints.txt",)[: (ROOT / "constraints.txt").exists()]}
    files |= imported_by(source for source, _ in code)
    # Recorded results go by their names: the folder may stand in another string.
    files |= {file for file in (ROOT / "benchmarks").rglob("*.*") if file.name in text}
    parts = [sys.version, repr(code), *(hash_of(file) for file in sorted(files))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def hash_of(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def imported_by(cells):
    """Files of lib/ that the cells of a notebook import, and those that these import in turn."""
    found, waiting = set(), set().union(*map(imports_of, cells))
    while waiting:
        module = waiting.pop()
        path = LIBRARY.joinpath(*module.split("."))
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.exists() and file not in found:
                found.add(file)
                waiting |= imports_of_file(file)
    return found


@cache
def imports_of_file(file):
    return imports_of(file.read_text(encoding="utf-8"))


@cache
def homes():
    """Where each public name of the package lives, by its full name, without importing anything."""
    front = LIBRARY / "hidden_convexity" / "__init__.py"
    if not front.exists():
        return {}
    tree = ast.parse(front.read_text(encoding="utf-8"))
    (table,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    )
    return {f"hidden_convexity.{name}": home for name, home in ast.literal_eval(table).items()}


def imports_of(text):
    """Names of all modules that a program may import, the packages that hold them included."""
    # What only IPython understands, a line that begins with % or !, imports nothing.
    lines = ["" if re.match(r"\s*[%!]", line) else line for line in text.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:  # executing it says so, and in which cell
        return set()
    names, aliases = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
            aliases |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    # `hc.train` fetches a module: the package's front door has a table of where its names live.
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.add(f"{aliases.get(node.value.id, node.value.id)}.{node.attr}")
    names |= {f"hidden_convexity.{home}" for name, home in homes().items() if name in names}
    return {
        ".".join(parts[:k])
        for parts in (n.split(".") for n in names)
        for k in range(1, 1 + len(parts))
    }


def is_stale(name, build):
    """Whether a notebook has to be executed: it changed, or some of what it drew is gone."""
    target = build / name
    made_from, staged = target / "made-from", target / "figures"
    if not (target / "notebook.ipynb").exists() or not made_from.exists():
        return True
    if not (staged / "manifest.json").exists():
        return True
    drawn = [f"{figure}.{kind}" for figure in manifest.read_manifest(staged) for kind in KINDS]
    if not all((staged / file).exists() for file in drawn):
        return True
    try:
        return made_from.read_text() != digest(name)
    except Exception:  # a notebook that is none, or Python that is none: executing it says what
        return True


def execute(names, build, jobs):
    """Run notebooks, several at a time, each in a process of its own."""
    command = [sys.executable, __file__, "run", "--build", str(build)]
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda name: subprocess.run([*command, name], check=False), names))


def jobs_of_make():
    """The number that was given to make as -jN: make -j4 figures."""
    flags = os.environ.get("MAKEFLAGS", "")
    parallel = re.search(r"(?:^| )-?[a-zA-Z]*j ?(\d*)(?= |$)", flags)
    return int(parallel[1] or os.cpu_count()) if parallel else 1


@contextlib.contextmanager
def alone():
    """One process at a time updates figures/ and what is staged for it."""
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build" / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another make is executing notebooks here; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        # What a write that was killed left behind; nobody is writing now.
        for folder in (FIGURES, NOTEBOOKS):
            for stray in folder.glob(".*.tmp"):
                stray.unlink()
        yield


def update(names, build, refresh):
    """Execute what changed, and install what it drew; return whether all is well."""
    execute([name for name in names if is_stale(name, build)], build, jobs_of_make())
    good = install(names, build, refresh)
    changed = [
        name
        for name in names
        if (build / name / "notebook.ipynb").exists()
        and refreshed(name, build) != (NOTEBOOKS / f"{name}.ipynb").read_bytes()
    ]
    print()
    if changed:
        print(
            "Outputs that differ from those stored in notebooks/: "
            f"{', '.join(f'build/{name}/notebook.ipynb' for name in changed)}; "
            "`make notebooks` stores them."
        )
    print("Open figures/*.svg for the figures; `make lab` opens the notebooks in JupyterLab.")
    return good


def install(names, build, refresh):
    """Copy what the notebooks drew to figures/, print the table; return whether all is well."""
    done = [name for name in names if (build / name / "notebook.ipynb").exists()]
    rows, drawn, failed = [], {}, set()
    recorded = manifest.read_manifest(FIGURES)
    drawn_by = {}
    for name in done:
        staged = build / name / "figures"
        for figure, entry in manifest.read_manifest(staged).items():
            if (other := drawn_by.setdefault(figure, name)) != name:
                rows.append((figure, name, f"FAILED  {other} draws a figure of this name too"))
                continue
            try:
                drawn[figure], status = installed(figure, staged, entry, recorded)
                install_certificate(figure, staged, status)
            except OSError as error:
                status = f"FAILED  {error.strerror}: figures/{figure}"
                failed.add(figure)
            rows.append((figure, name, status))
    existing = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    gone = [
        figure
        for figure, entry in recorded.items()
        if figure not in drawn.keys() | failed
        and (entry["notebook"] in done or entry["notebook"] not in existing)
    ]
    kept = {figure: entry for figure, entry in recorded.items() if figure not in gone}
    if kept | drawn != recorded:
        try:
            manifest.write_manifest(FIGURES, kept | drawn)
        except OSError as error:
            rows.append(("manifest.json", "", f"FAILED  {error.strerror}: figures/manifest.json"))
            gone = []
    for figure in gone:
        for kind in KINDS:
            (FIGURES / f"{figure}.{kind}").unlink(missing_ok=True)
        manifest.certificate_of(FIGURES, figure).unlink(missing_ok=True)
        rows.append((figure, recorded[figure]["notebook"], "removed"))
    for name in sorted(set(names) - set(done)):
        rows.append(("-", name, f"FAILED  {read_failure(build / name)}"))
    if refresh:
        rows += [("outputs", name, refresh_outputs(name, build)) for name in done]
    print_table(("figure", "notebook", ""), rows)
    return not any(row[2].startswith("FAILED") for row in rows)


def installed(figure, staged, entry, recorded):
    """The entry of a figure in figures/ after installing it there, and what that changed."""
    # The last digits depend on the processor: they are no reason to change committed files.
    if figure in recorded and manifest.same_to_rounding(FIGURES, staged, figure):
        return recorded[figure], "unchanged"
    return entry, install_figure(figure, staged)


def install_figure(figure, staged):
    """Copy one figure's files where they differ; return 'unchanged', 'changed' or 'new'."""
    status = "unchanged"
    FIGURES.mkdir(exist_ok=True)
    for kind in KINDS:
        target = FIGURES / f"{figure}.{kind}"
        content = (staged / target.name).read_bytes()
        if not target.exists():
            status = "new"
        elif target.read_bytes() == content:
            continue
        elif status == "unchanged":
            status = "changed"
        manifest.write_atomically(target, content)
    return status


def install_certificate(figure, staged, status):
    """Copy a figure's certificate if the figure changed or it says something else; or remove it."""
    source, target = (manifest.certificate_of(folder, figure) for folder in (staged, FIGURES))
    if not source.exists():
        target.unlink(missing_ok=True)
    elif status != "unchanged" or not (target.exists() and same_statement(source, target)):
        target.parent.mkdir(exist_ok=True)
        manifest.write_atomically(target, source.read_bytes())


def same_statement(one, other):
    """Whether two certificates are of the same data and objective, to the last digits."""
    with np.load(one) as first, np.load(other) as second:
        same_data = str(first["sha256"]) == str(second["sha256"])
        return same_data and np.isclose(first["objective"], second["objective"], rtol=1e-6)


def refreshed(name, build):
    """The committed notebook with the outputs of its run, or nothing if its code is another's.

    Prose may have been edited since, which is no reason to execute it again.
    """
    paths = NOTEBOOKS / f"{name}.ipynb", build / name / "notebook.ipynb"
    old, new = (code_of(nbformat.read(path, as_version=4)) for path in paths)
    if [cell.source for cell in old] != [cell.source for cell in new]:
        return None
    return as_bytes(cleaned(*paths))


def refresh_outputs(name, build):
    """Store the outputs of a run in the committed notebook."""
    source, content = NOTEBOOKS / f"{name}.ipynb", refreshed(name, build)
    if content is None:
        return "FAILED  edited while it ran; repeat the command"
    if content == source.read_bytes():
        return "unchanged"
    try:
        manifest.write_atomically(source, content)
    except OSError as error:
        return f"FAILED  {error.strerror}: notebooks/{source.name}"
    return "refreshed"


def read_failure(target):
    path = target / "failure.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else "interrupted"


def verify(names, build):
    """Execute notebooks afresh, and compare figures/ with what they draw; return the verdict."""
    shutil.rmtree(build, ignore_errors=True)
    execute(names, build, jobs_of_make())
    rows = []
    recorded = manifest.read_manifest(FIGURES)
    for name in names:
        if not (build / name / "notebook.ipynb").exists():
            rows.append(("-", name, f"FAILED  {read_failure(build / name)}"))
            continue
        staged = build / name / "figures"
        figures = {figure for figure, entry in recorded.items() if entry["notebook"] == name}
        figures |= manifest.read_manifest(staged).keys()
        for figure, difference in manifest.differences(FIGURES, staged, figures).items():
            rows.append((figure, name, f"DIFFERS  {difference}" if difference else "verified"))
    print_table(("figure", "notebook", ""), rows)
    return all(row[2] == "verified" for row in rows)


def print_table(header, rows):
    rows = [header, *sorted(rows, key=lambda row: (row[1], row[0]))]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    print()
    for figure, notebook, status in rows:
        print(f"{figure:<{widths[0]}}  {notebook:<{widths[1]}}  {status}".rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["run", "update", "verify", "stale"])
    parser.add_argument("names", nargs="+", metavar="NAME", help="a notebook, without .ipynb")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--refresh", action="store_true", help="store outputs in the notebooks too")
    given = parser.parse_args()
    build = given.build.resolve()
    if given.command == "run":
        # A list, not a generator: a notebook that fails does not stop the others.
        good = all([run(name, build) for name in given.names])
    elif given.command == "stale":
        print(*[name for name in given.names if is_stale(name, build)])
        good = True
    else:
        with alone():
            if given.command == "update":
                good = update(given.names, build, given.refresh)
            else:
                good = verify(given.names, build)
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        print(f"{error.strerror}: {error.filename}", file=sys.stderr)
        sys.exit(1)
