"""The index of statements: which cell computes each, with which function, which test checks it.

The theory names its statements by labels. A notebook's cell carries the tag `statement:LABEL`, a
public function's docstring ends a line with `Theory: LABEL, LABEL.`, and a test is marked
`@pytest.mark.proves("LABEL", ...)`. Nothing else is written by hand.
"""

import ast
import json
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
THEORY = re.compile(r"Theory: ([\w\s,-]+)\.")  # the last line of a docstring
_STATEMENT = re.compile(r"```\{prf:\w+\} (.+)\n:label: ([\w-]+)")


def statements():
    """Titles of the theory's statements by label, in order."""
    text = (ROOT / "book" / "theory.md").read_text(encoding="utf-8")
    return {label: title for title, label in _STATEMENT.findall(text)}


def cells():
    """By label, (notebook, heading above the cell) of the tagged cells."""
    found = defaultdict(list)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        heading = ""
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            headings = re.findall(r"^#+ (.+)$", "".join(cell["source"]), re.MULTILINE)
            in_the_text = "exercise" not in cell["metadata"].get("tags", [])
            if cell["cell_type"] == "markdown" and headings and in_the_text:
                heading = headings[-1]
            for label in computed_in(cell):
                found[label].append((path.stem, heading))
    return found


def computed_in(cell):
    """Labels of the statements that a cell is tagged to compute."""
    tags = cell["metadata"].get("tags", [])
    return [tag.removeprefix("statement:") for tag in tags if tag.startswith("statement:")]


def functions():
    """By label, dotted names of the library's functions, methods and classes that compute it."""
    found = defaultdict(list)
    library = ROOT / "lib"
    for path in sorted(library.rglob("*.py")):
        module = ".".join(path.relative_to(library).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, node in _definitions(tree, module.removesuffix(".__init__")):
            for labels in THEORY.findall(ast.get_docstring(node) or ""):
                for label in re.split(r",\s*", labels):
                    found[label].append(name)
    return found


def tests():
    """By label, (file, test) of the tests marked to check it."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, node in _definitions(ast.parse(path.read_text(encoding="utf-8")), ""):
            for decorator in node.decorator_list:
                if ast.unparse(decorator).startswith("pytest.mark.proves("):
                    for label in decorator.args:
                        found[label.value].append((path.name, name.lstrip(".")))
    return found


def _definitions(tree, prefix):
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            name = f"{prefix}.{node.name}"
            yield name, node
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node, name)


def index():
    """The index as a table in MyST Markdown."""
    titles, cell, function, test = statements(), cells(), functions(), tests()
    lines = ["| statement | computed in | by | checked by |", "| --- | --- | --- | --- |"]
    for label, title in titles.items():
        where = [
            f"[{notebook[:2]}, {heading}](../notebooks/{notebook}.ipynb)"
            for notebook, heading in dict.fromkeys(cell[label])
        ]
        by = [f"`{name.removeprefix('hidden_convexity.')}`" for name in function[label]]
        checks = [f"`{file}`: `{name}`" for file, name in test[label]]
        row = ["<br>".join(part) for part in (where, by, checks)]
        lines.append(f"| {{prf:ref}}`{label}`, {title} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"
