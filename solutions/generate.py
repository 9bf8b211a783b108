"""Write the exercises of solutions/NN-title.ipynb into notebooks/NN-title.ipynb.

    python solutions/generate.py [NAME...]

The solutions are the source. An exercise begins with a heading "### Exercise NN.k"; what precedes
the first one is not copied. Its cells go to the reader's notebook: just below the cell that carries
the tag "exercise:NN.k", if one does, else into a section of their own just above "## Takeaway":

- in a code cell, what is between "# BEGIN SOLUTION" and "# END SOLUTION" becomes a stub;
- a markdown cell between "<!-- BEGIN SOLUTION -->" and "<!-- END SOLUTION -->" is left out;
- both are put, in their order, into one cell that unfolds below the exercise, without the calls of
  `hc.check` and `fig.savefig`;
- every other cell is copied.

The cells so written carry the tag "exercise" and are replaced each time; outputs of code that has
not changed are kept, all other cells are left as they are.
"""

import re
import sys
from itertools import chain
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SOLUTIONS, NOTEBOOKS = ROOT / "solutions", ROOT / "notebooks"
TAG, HERE = "exercise", "exercise:"

INTRODUCTION = """## Exercises

{above}Replace the dots by your code and run the cell. `hc.check` tries your function on data of \
its own and says what is right or, if not, which property is violated. Hints and solutions unfold. \
If you start here, run the cell with the imports before."""
ABOVE = "Exercise {} stands above, in the section *{}*; the others follow. "

HEADING = re.compile(r"### Exercise (\d\d\.\d)\b")
BLOCK = re.compile(r"^( *)# BEGIN SOLUTION\n.*?^ *# END SOLUTION$", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"^ *# (?:BEGIN|END) SOLUTION\n", re.MULTILINE)
# Said once above the solution; saved only where the solutions are.
LEFT_OUT = re.compile(r"^(?:hc\.check|fig\.savefig)\(.*\)\n?", re.MULTILINE)
TEXT = re.compile(r"<!-- BEGIN SOLUTION -->\n(.*)\n<!-- END SOLUTION -->", re.DOTALL)


def stub(source):
    """The code with `return ...` for each solution within a function, and a comment elsewhere."""
    return BLOCK.sub(
        lambda found: found[1] + ("return ...  " if found[1] else "") + "# YOUR CODE", source
    )


def folded(cell):
    """What a cell of the solutions contributes to the part that unfolds; empty if nothing."""
    if cell.cell_type == "markdown":
        text = TEXT.fullmatch(cell.source)
        return text[1] if text else ""
    if not BLOCK.search(cell.source):
        return ""
    return f"```python\n{LEFT_OUT.sub('', MARKER.sub('', cell.source + chr(10))).strip()}\n```"


def exercises(solutions):
    """Exercise number -> its cells in the solutions, heading first."""
    found = {}
    for cell in solutions.cells:
        heading = HEADING.match(cell.source)
        if heading:
            cells = found[heading[1]] = []
        if found:
            cells.append(cell)
    return found


def readers_cells(solutions):
    """Exercise number -> its cells in the reader's notebook, without outputs."""
    return {number: cells_of(number, own) for number, own in exercises(solutions).items()}


def cells_of(number, own):
    """One exercise's cells: its text and code without what solves it, then the solution, folded."""
    name, cells = f"exercise-{number.replace('.', '-')}", []
    for k, cell in enumerate(own):
        if cell.cell_type == "code":
            cells.append(new_cell("code", f"{name}-{k}", stub(cell.source)))
        elif not folded(cell):
            cells.append(new_cell("markdown", f"{name}-{k}", cell.source))
    solution = "\n\n".join(filter(None, map(folded, own)))
    solution = solution.replace("\n```\n\n```python\n", "\n\n\n")  # one box, not two that touch
    text = f"<details><summary>Solution</summary>\n\n{solution}\n\n</details>"
    return [*cells, new_cell("markdown", f"{name}-solution", text)]


def new_cell(kind, name, source):
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return make(source, id=name, metadata={"tags": [TAG]})


def regenerated(notebook, solutions):
    """The reader's notebook with its exercises as the solutions have them."""
    old = {cell.id: cell for cell in notebook.cells if is_generated(cell)}
    left = readers_cells(solutions)
    cells, heading, above = [], "", ""
    for cell in notebook.cells:
        if is_generated(cell):
            continue
        if cell.source.startswith("## Takeaway"):
            introduction = INTRODUCTION.format(above=above)
            cells += [new_cell("markdown", "exercises", introduction), *chain(*left.values())]
        cells.append(cell)
        if cell.cell_type == "markdown":
            heading = [heading, *re.findall(r"^##+ (.+)$", cell.source, re.MULTILINE)][-1]
        for number in numbers_below(cell):
            cells += left.pop(number)
            above += ABOVE.format(number, heading)
    for cell in cells:
        if cell.cell_type == "code" and cell.source == old.get(cell.id, {}).get("source"):
            cell.outputs, cell.execution_count = old[cell.id].outputs, old[cell.id].execution_count
    notebook.cells = cells
    return notebook


def numbers_below(cell):
    """Numbers of the exercises that stand in the text, just below this cell."""
    tags = cell.metadata.get("tags", [])
    return [tag.removeprefix(HERE) for tag in tags if tag.startswith(HERE)]


def is_generated(cell):
    return TAG in cell.metadata.get("tags", [])


def main(names):
    for path in sorted(SOLUTIONS.glob("[0-9][0-9]-*.ipynb")):
        if names and path.stem not in names:
            continue
        target = NOTEBOOKS / path.name
        before = target.read_text(encoding="utf-8")
        solutions = nbformat.read(path, as_version=4)
        notebook = nbformat.reads(before, as_version=nbformat.NO_CONVERT)
        after = nbformat.writes(regenerated(notebook, solutions)).rstrip("\n") + "\n"
        if after != before:
            target.write_text(after, encoding="utf-8", newline="\n")
        print(f"{path.stem}  {'unchanged' if after == before else 'written'}")


if __name__ == "__main__":
    main(sys.argv[1:])
