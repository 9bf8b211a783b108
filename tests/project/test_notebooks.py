"""What every committed notebook has in common. That its outputs are right is nbval's to say."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# JupyterLab's copies are their owner's.
PATHS = sorted(path for path in NOTEBOOKS.glob("*.ipynb") if "-Copy" not in path.name)
MAX_BYTES = 1_500_000
MAX_UNCOMPARED_CELLS = 3

each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells(path, kind="code"):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def tags(cell):
    return cell.metadata.get("tags", [])


def outputs(path):
    return [output for cell in cells(path) for output in cell.outputs]


def markdown(path):
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


@each_notebook
def test_its_name_is_a_number_and_a_title(path):
    assert re.fullmatch(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*", path.stem)


@each_notebook
def test_it_has_exactly_one_parameters_cell(path):
    assert sum("parameters" in tags(cell) for cell in cells(path)) == 1


@each_notebook
def test_no_cell_is_allowed_to_fail(path):
    assert not any("raises-exception" in tags(cell) for cell in cells(path))
    assert not any(output.output_type == "error" for output in outputs(path))


def test_few_cells_escape_comparison():
    uncompared = [
        (path.stem, cell.source)
        for path in PATHS
        for cell in cells(path)
        if {"nbval-ignore-output", "nbval-skip"} & set(tags(cell))
        or re.search(r"^\s*#\s*NBVAL_(IGNORE_OUTPUT|SKIP)", cell.source, re.MULTILINE)
    ]
    assert len(uncompared) <= MAX_UNCOMPARED_CELLS, uncompared


@each_notebook
def test_it_was_executed_once_from_top_to_bottom(path):
    counts = [cell.execution_count for cell in cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_it_is_small(path):
    assert path.stat().st_size < MAX_BYTES


@each_notebook
def test_its_outputs_are_stable(path):
    """No SVG, no warnings or progress bars, no addresses of objects, no widgets without kernel."""
    for output in outputs(path):
        assert output.get("name") != "stderr", output.text
        assert "image/svg+xml" not in output.get("data", {})
        assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
        text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
        assert not re.search(r"\bat 0x[0-9a-f]+", text), text


@each_notebook
def test_every_picture_has_its_alt_text(path):
    for output in outputs(path):
        if "image/png" in output.get("data", {}):
            assert len(output.metadata.get("image/png", {}).get("alt", "")) > 20


@each_notebook
def test_what_a_slider_moves_a_film_moves_where_no_kernel_runs(path):
    shown = [output.get("data", {}) for output in outputs(path)]
    sliders = [re.match(r"Interactive\((.*?)\)", one.get("text/plain", "")) for one in shown]
    films = {
        name
        for one in shown
        for name in re.findall(r'id="film\d\d-(\w+)"', one.get("text/html", ""))
    }
    assert films >= {name for found in sliders if found for name in found[1].split(", ")}


@each_notebook
def test_it_holds_no_volatile_metadata(path):
    notebook = nbformat.read(path, as_version=4)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}, cell.metadata


@each_notebook
def test_each_of_its_cells_is_short(path):
    for cell in cells(path):
        assert len(cell.source.splitlines()) <= 15, cell.source


@each_notebook
def test_every_picture_is_read_aloud(path):
    """Nothing but an exercise's solution follows a figure; a paragraph about it does."""
    notebook = nbformat.read(path, as_version=4)
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        if cell.cell_type == "code" and "save_figure(" in cell.source:
            assert following is not None and following.cell_type == "markdown", cell.source


@each_notebook
def test_it_names_exactly_one_next_step(path):
    """A line that begins with **Next** and links one page."""
    steps = re.findall(r"^\W*\*{0,2}next\b.*", markdown(path), re.IGNORECASE | re.MULTILINE)
    linked = [step for step in steps if re.search(r"\]\([^)]+\)", step)]
    assert len(linked) == 1, linked
    assert len(re.findall(r"\]\([^)]+\)", linked[0])) == 1, linked


@each_notebook
def test_its_local_links_resolve(path):
    text = re.sub(r"^```.*?^```", "", markdown(path), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"src=[\"']([^\"']+)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        assert not file or (path.parent / file).exists(), target
        if anchor:
            page = (path.parent / file) if file else path
            headings = re.findall(r"^#+\s+(.*)", markdown(page), re.MULTILINE)
            assert anchor in {re.sub(r"\s+", "-", heading.strip()) for heading in headings}, target
