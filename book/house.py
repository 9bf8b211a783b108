"""The house as one picture, from the layers in pyproject.toml and the wings' own first sentences.

`python book/house.py` writes `book/_static/house.svg`, and so does every build of the book.
"""

import ast
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "lib" / "hidden_convexity"
PICTURE = ROOT / "book" / "_static" / "house.svg"

WIDTH, MARGIN, LINE, GAP = 940, 24, 26, 12


def layers():
    """The layers of the contract `floors`, highest first, each a list of wings."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    floors = next(contract for contract in contracts if contract["id"] == "floors")
    named = [[name.strip(" ()") for name in layer.split("|")] for layer in floors["layers"]]
    return [present for layer in named if (present := [name for name in layer if _file(name)])]


def wings():
    """Every wing in reading order: those that others stand on come first."""
    return [wing for layer in reversed(layers()) for wing in layer]


def docstring(wing):
    return ast.get_docstring(ast.parse(_file(wing).read_text(encoding="utf-8")))


def sentence(wing):
    """The first line of a wing's docstring."""
    return docstring(wing).partition("\n")[0]


def _file(wing):
    found = (LIBRARY / wing / "__init__.py", LIBRARY / f"{wing}.py")
    return next((path for path in found if path.exists()), None)


def picture():
    """The layers as boxes one above another: what a box holds stands on those below it."""
    boxes, y = [], MARGIN
    for layer in layers():
        height = LINE * len(layer) + GAP
        boxes.append(
            f'<rect x="{MARGIN}" y="{y}" width="{WIDTH - 2 * MARGIN}" height="{height}" rx="5"'
            ' fill="#f3f6f9" stroke="#56697a"/>'
        )
        for i, wing in enumerate(layer):
            baseline = y + LINE * (i + 1) - 3
            said = escape(sentence(wing).replace("`", ""))
            boxes.append(
                f'<text x="{MARGIN + 14}" y="{baseline}" font-weight="bold">{wing}</text>'
                f'<text x="{MARGIN + 130}" y="{baseline}">{said}</text>'
            )
        y += height + GAP
    named = "; ".join(", ".join(layer) for layer in layers())
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y - GAP + MARGIN}"'
            ' font-family="system-ui, sans-serif" font-size="14" fill="#1b2733" role="img">',
            f"<title>The wings of the library, from the top down: {named}</title>",
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *boxes,
            "</svg>\n",
        ]
    )


def write_picture():
    text = picture()
    if not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != text:
        PICTURE.write_text(text, encoding="utf-8")


def tour():
    """The wings in reading order, each with what its docstring says, in MyST Markdown."""
    said = {wing: docstring(wing).replace("::\n", ":\n") for wing in wings()}
    return "\n".join(f"## {wing}\n\n{text}\n" for wing, text in said.items())


if __name__ == "__main__":
    write_picture()
