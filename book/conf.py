"""The book: the executed notebooks, the theory, the course and the library's reference, offline.

Nothing is executed here. The notebooks are read as they are committed, and five things are put in
on the way: the chapters' numbers; their figures as SVG, with the alt text that
figures/manifest.json holds; exercises as numbered environments; above a cell that computes a
statement of the theory, which one; and the front page's pictures.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from book import house, launch, statements  # noqa: E402

project = "hidden-convexity"
author = "The hidden-convexity authors"
release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinxcontrib.bibtex",
    "sphinx_proof",
]
root_doc = "book/index"
include_patterns = [
    "book/*.md",
    "notebooks/*.ipynb",
    "COURSE.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "solutions/exam.md",
    "benchmarks/README.md",
]
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"
autodoc_default_options = {
    "members": True,
    "exclude-members": "set_fit_request, set_score_request",  # scikit-learn's own
}
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

# A figure that a notebook draws, in its text as JSON.
FIGURE_NAME = re.compile(r'\\"(fig\d\d-[\w-]+)\\"')

html_theme = "sphinx_book_theme"
html_title = "hidden-convexity"
html_theme_options = {
    "show_toc_level": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
    "navbar_persistent": [],
}
repository = launch.address()
if repository:
    html_theme_options |= {
        "repository_url": repository,
        "repository_branch": launch.BRANCH,
        "use_repository_button": True,
        "launch_buttons": {
            "colab_url": launch.COLAB,
            "binderhub_url": launch.BINDER,
            "notebook_interface": "jupyterlab",
        },
    }
html_context = {"default_mode": "auto"}  # light or dark: as the reader's system
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = False

EXERCISE = re.compile(r"\A### (Exercise [^\n]+)\n(.*)\Z", re.DOTALL)
# A formula within text that has a bracket or punctuation next to it.
FORMULA = '<span class="math notranslate nohighlight">[^<]*</span>'
PUNCTUATED = re.compile(rf"\({FORMULA}[.,;:?!)]*|{FORMULA}[.,;:?!)]+")


def as_environment(heading):
    """An exercise's cell as a titled block."""
    return f"::::{{admonition}} {heading[1]}\n:class: exercise\n{heading[2]}\n::::"


def number_title(cell, number):
    """Put the chapter's number, by which text and exercises refer to it, before its title."""
    cell["source"] = re.sub(r"\A# ", f"# {number} ", "".join(cell["source"]))


def computed_statements(cell):
    """A cell that says which statements of the theory the next one computes; None if none."""
    labels = statements.computed_in(cell)
    if not labels:
        return None
    titles = statements.statements()
    names = [f"{{prf:ref}}`{label}` ({titles[label]})" for label in labels]
    text = f":::{{container}} computes\nComputes {' and '.join(names)}\n:::"
    return {
        "cell_type": "markdown",
        "id": f"{cell['id']}-computes",
        "metadata": {},
        "source": text,
    }


def sharpen(cell, figure):
    """Show a figure's SVG in place of the pixels that its cell shows."""
    picture = (ROOT / "figures" / f"{figure}.svg").read_text(encoding="utf-8")
    for output in cell["outputs"]:
        if output.get("data", {}).pop("image/png", None):
            output["data"]["image/svg+xml"] = picture


def prepare_notebook(app, docname, source):
    """Put in the text of a notebook what only the book needs."""
    if not docname.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    number_title(notebook["cells"][0], docname.removeprefix("notebooks/")[:2])
    announced = [(computed_statements(cell), cell) for cell in notebook["cells"]]
    notebook["cells"] = [cell for pair in announced for cell in pair if cell]
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            cell["source"] = EXERCISE.sub(as_environment, "".join(cell["source"]))
            continue
        for output in cell["outputs"]:
            if alt := output.get("metadata", {}).get("image/png", {}).get("alt"):
                cell["metadata"]["mystnb"] = {"image": {"alt": alt}}
        drawn = re.search(r"save_figure\(\s*\w+,\s*\"(fig[\w-]+)\"", "".join(cell["source"]))
        if drawn:
            sharpen(cell, drawn[1])
    source[0] = json.dumps(notebook)


def read_within(app, docname, source):
    """README.md without pictures from the web, and with links to the pages of the book."""
    if docname == "README":
        source[0] = launch.within(source[0])


def fill_front_page(app, docname, source):
    """A picture at the top of the front page, and one beside the line of README.md on a chapter."""
    if docname != root_doc:
        return
    manifest = json.loads((ROOT / "figures" / "manifest.json").read_text(encoding="utf-8"))

    def picture(name):
        alt = re.sub(r"[\[\]|]", "", manifest[name]["alt"])
        return f"![{alt}](../figures/{name}.svg)"

    rows = ["| | |", "| --- | --- |"]
    readme = launch.within((ROOT / "README.md").read_text(encoding="utf-8"))
    for name, line in re.findall(
        r"^\| \[[\w-]+\]\(notebooks/([\w-]+)\.ipynb\) \| (.*) \|$", readme, re.M
    ):
        code = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        drawn = next(figure for figure in FIGURE_NAME.findall(code) if figure in manifest)
        title = f"{int(name[:2])}. {name[3:].replace('-', ' ').capitalize()}"
        rows.append(f"| {picture(drawn)} | **[{title}](../notebooks/{name}.ipynb)**: {line} |")
    chapters = ":::{container} chapters\n" + "\n".join(rows) + "\n:::"
    source[0] = source[0].replace("HERO", picture("fig00-certified-ecg"))
    source[0] = source[0].replace("CHAPTERS", chapters)


def open_at_the_front_page(app, error):
    """index.html where one looks for it: the book's first page lies in a folder of its own."""
    if error is None and app.builder.format == "html":
        page = f"{root_doc}.html"
        (Path(app.outdir) / "index.html").write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{project}</title>'
            f'<meta http-equiv="refresh" content="0; url={page}"><a href="{page}">{project}</a>\n',
            encoding="utf-8",
        )


def generate_index(app, docname, source):
    if docname == "book/statements":
        source[0] += "\n" + statements.index()


def show_house(app, docname, source):
    """The wings in their own words; in the reference the first sentence of each under its title."""
    if docname == "book/house":
        source[0] += "\n" + house.tour()
    elif docname == "book/api":
        source[0] = re.sub(r"^% wing (\w+)$", lambda m: house.sentence(m[1]), source[0], flags=re.M)


def draw_house(app):
    house.write_picture()


def glue_formulas(app, pagename, templatename, context, doctree):
    """A browser breaks lines beside a formula: not between it and its full stop or bracket."""
    if "body" in context:
        context["body"] = PUNCTUATED.sub(r'<span class="glued">\g<0></span>', context["body"])


def link_statements(app, what, name, obj, options, lines):
    """The labels in a docstring's "Theory: LABEL, LABEL." become links to the statements."""
    text = statements.THEORY.sub(
        lambda found: re.sub(r"[\w-]+", r":prf:ref:`\g<0>`", found[1]).join(("Theory: ", ".")),
        "\n".join(lines),
    )
    lines[:] = text.split("\n")


def escape_mathematics(app, what, name, obj, options, lines):
    """Docstrings write |nu.x| and nu_+ as plain text: no substitutions, no links."""
    lines[:] = [re.sub(r"\||(?<=\w)_(?=\W|$)", r"\\\g<0>", line) for line in lines]


def setup(app):
    app.connect("source-read", prepare_notebook)
    app.connect("source-read", read_within)
    app.connect("html-page-context", glue_formulas)
    app.connect("source-read", fill_front_page)
    app.connect("source-read", generate_index)
    app.connect("source-read", show_house)
    app.connect("builder-inited", draw_house)
    # After numpydoc, which needs the text as it was written.
    app.connect("autodoc-process-docstring", escape_mathematics, priority=900)
    app.connect("autodoc-process-docstring", link_statements, priority=901)
    app.connect("build-finished", open_at_the_front_page)
