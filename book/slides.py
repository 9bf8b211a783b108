"""Slides from the executed notebooks: pictures, statements and numbers; what is said goes in notes.

    python book/slides.py NAME...      notebooks by name, without .ipynb, to build/slides/

Each section opens with its heading and first paragraph; each figure has a slide to itself, and the
paragraph that reads it aloud becomes the speaker's note (press s). Code is left out. Everything the
slides need lies beside them, so that they work without a network.
"""

import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "book" / "slides-template"
OUT = ROOT / "build" / "slides"
LEFT_OUT = ("Exercises", "References")  # with every cell that has one of these tags:
TAGS_LEFT_OUT = {"exercise", "launch"}
ON_A_SLIDE = 1_000  # characters


def slides(notebook):
    """The cells of a notebook that are shown or said, each marked as nbconvert expects it."""
    cells, shown, room = [], False, 0
    for cell in sections(notebook):
        heading = re.match(r"#+ (.+)", cell.source) if cell.cell_type == "markdown" else None
        if heading:
            shown = heading[1] not in LEFT_OUT
        if not shown:
            continue
        if heading:
            first, rest = opening(cell.source)
            cells += [marked("slide", first), *([marked("notes", rest)] if rest else [])]
            room = ON_A_SLIDE - len(first)
        elif cell.cell_type == "markdown":
            cells.append(marked("notes", cell.source))
        else:
            pictures = any("image/png" in output.get("data", {}) for output in cell.outputs)
            printed = sum(len(o.text) for o in cell.outputs if o.output_type == "stream")
            if pictures or printed:
                room -= 2 * printed
                apart = pictures or room < 0
                cell.metadata = {"slideshow": {"slide_type": "subslide" if apart else "-"}}
                room = ON_A_SLIDE // 3 if pictures else ON_A_SLIDE if apart else room
                cells.append(cell)
    notebook.cells = cells
    return notebook


def sections(notebook):
    """The notebook's cells, with a new cell at every heading."""
    for cell in notebook.cells:
        if TAGS_LEFT_OUT & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            for part in re.split(r"^(?=#+ )", cell.source, flags=re.MULTILINE):
                if part.strip():
                    yield nbformat.v4.new_markdown_cell(part.strip())
        else:
            yield cell


def opening(source):
    """A section's heading with as many blocks as fit on a slide, and the rest of the cell."""
    blocks = re.split(r"\n\n+", source)
    size = 2
    while size < len(blocks) and sum(map(len, blocks[: size + 1])) < ON_A_SLIDE:
        size += 1
    return "\n\n".join(blocks[:size]), "\n\n".join(blocks[size:])


def marked(kind, source):
    cell = nbformat.v4.new_markdown_cell(source)
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def copy_libraries():
    """Put reveal.js and MathJax beside the slides."""
    for package, folder, name in (
        ("sphinx_revealjs", "_static/revealjs", "reveal"),
        ("sphinx-mathjax-offline", "static/mathjax", "mathjax"),
    ):
        source = Path(find_spec(package).origin).parent / folder
        shutil.copytree(source, OUT / name, dirs_exist_ok=True)


def main(names):
    OUT.mkdir(parents=True, exist_ok=True)
    copy_libraries()
    exporter = SlidesExporter(
        extra_template_basedirs=[str(TEMPLATE.parent)],
        template_name=TEMPLATE.name,
        reveal_url_prefix="reveal",
        reveal_theme="white",
        exclude_input=True,
    )
    exporter.mathjax_url = "mathjax/tex-chtml.js"
    for name in names:
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        text, _ = exporter.from_notebook_node(slides(notebook))
        (OUT / f"{name}.html").write_text(text, encoding="utf-8")
        print(f"build/slides/{name}.html")


if __name__ == "__main__":
    main(sys.argv[1:])
