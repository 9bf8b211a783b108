"""Execute notebooks headlessly and install what they draw: the program behind the Makefile.

    python notebooks/execute.py run NAME...                  execute into build/NAME/
    python notebooks/execute.py install [--refresh] NAME...  build/NAME/ to figures/ and notebooks/
    python notebooks/execute.py verify NAME...               build/NAME/ against figures/

`run` touches nothing outside build/. Its last act is to write build/NAME/notebook.ipynb, whose
presence means that the notebook ran from top to bottom. `install` copies from there file by file,
each complete or not at all; it costs little, so it can be repeated after an interruption.
"""

import argparse
import fcntl
import json
import os
import shutil
import sys
import time
from pathlib import Path

import nbformat

from hidden_convexity import manifest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"

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
    running = target / "running.ipynb"
    started = time.time()
    try:
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
    executed = cleaned(source, running)
    running.unlink()
    manifest.write_atomically(target / "notebook.ipynb", as_bytes(executed))
    # For make it is as old as what it was made from: what was edited meanwhile is newer.
    os.utime(target / "notebook.ipynb", (started, started))
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
    for cell, run_cell in zip(
        notebook.cells, nbformat.read(executed, as_version=4).cells, strict=True
    ):
        if cell.cell_type == "code":
            cell.outputs = run_cell.outputs
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET_VIEW, None)
            cell.execution_count = run_cell.execution_count
    notebook.metadata.update(KERNEL)
    return nbstripout.strip_output(
        notebook, keep_output=True, keep_count=True, keep_id=True, extra_keys=VOLATILE
    )


def as_bytes(notebook):
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def install(names, build, refresh):
    """Copy what the notebooks drew to figures/, print the table; return whether all is well."""
    done = [name for name in names if (build / name / "notebook.ipynb").exists()]
    rows, drawn = [], {}
    recorded = manifest.read_manifest(FIGURES)
    for name in done:
        staged = build / name / "figures"
        for figure, entry in manifest.read_manifest(staged).items():
            # The last digits depend on the processor: they are no reason to change committed files.
            if figure in recorded and manifest.same_to_rounding(FIGURES, staged, figure):
                drawn[figure], status = recorded[figure], "unchanged"
            else:
                drawn[figure], status = entry, install_figure(figure, staged)
            install_certificate(figure, staged, status)
            rows.append((figure, name, status))
    existing = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    gone = [
        figure
        for figure, entry in recorded.items()
        if figure not in drawn and (entry["notebook"] in done or entry["notebook"] not in existing)
    ]
    kept = {figure: entry for figure, entry in recorded.items() if figure not in gone}
    if kept | drawn != recorded:
        manifest.write_manifest(FIGURES, kept | drawn)
    for figure in gone:
        for kind in ("svg", "json"):
            (FIGURES / f"{figure}.{kind}").unlink(missing_ok=True)
        manifest.certificate_of(FIGURES, figure).unlink(missing_ok=True)
        rows.append((figure, recorded[figure]["notebook"], "removed"))
    for name in sorted(set(names) - set(done)):
        rows.append(("-", name, f"FAILED  {read_failure(build / name)}"))
    if refresh:
        rows += [("outputs", name, refresh_outputs(name, build)) for name in done]
    print_table(("figure", "notebook", ""), rows)
    return not any(row[2].startswith("FAILED") for row in rows)


def install_figure(figure, staged):
    """Copy one figure's files where they differ; return 'unchanged', 'changed' or 'new'."""
    status = "unchanged"
    FIGURES.mkdir(exist_ok=True)
    for kind in ("svg", "json"):
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
    """Copy the certificate of a figure that changed, or that has none yet; remove what is stale."""
    source, target = (manifest.certificate_of(folder, figure) for folder in (staged, FIGURES))
    if not source.exists():
        target.unlink(missing_ok=True)
    elif status != "unchanged" or not target.exists():
        target.parent.mkdir(exist_ok=True)
        manifest.write_atomically(target, source.read_bytes())


def refresh_outputs(name, build):
    """Store the outputs of a run in the committed notebook."""
    source, executed = NOTEBOOKS / f"{name}.ipynb", build / name / "notebook.ipynb"
    old, new = source.read_bytes(), executed.read_bytes()
    if old == new:
        return "unchanged"
    cells = [["".join(cell["source"]) for cell in json.loads(text)["cells"]] for text in (old, new)]
    if cells[0] != cells[1]:
        return "FAILED  edited while it ran; repeat the command"
    manifest.write_atomically(source, new)
    # Else the notebook would be newer than its own execution, and make would repeat that.
    age = executed.stat()
    os.utime(source, ns=(age.st_atime_ns, age.st_mtime_ns))
    return "refreshed"


def read_failure(target):
    path = target / "failure.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else "interrupted"


def verify(names, build):
    """Compare figures/ with what the notebooks drew just now; return whether they agree."""
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
    parser.add_argument("command", choices=["run", "install", "verify"])
    parser.add_argument("names", nargs="+", metavar="NAME", help="a notebook, without .ipynb")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--refresh", action="store_true", help="store outputs in the notebooks too")
    given = parser.parse_args()
    build = given.build.resolve()
    if given.command == "run":
        # A list, not a generator: a notebook that fails does not stop the others.
        good = all([run(name, build) for name in given.names])
    elif given.command == "install":
        good = install(given.names, build, given.refresh)
    else:
        good = verify(given.names, build)
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
