"""What names the address of the repository, written from one line of pyproject.toml.

    python book/launch.py [OWNER/NAME]      a repository on GitHub, recorded in pyproject.toml

The address is `Repository` in `[project.urls]`. From it come the clone command, the badges and
whole links of README.md and, below the title of each notebook, two cells tagged `launch`: links to
Colab and Binder, and code that installs the library where it runs in Colab and does nothing
elsewhere. The book's buttons come from it too, when the book is built. Without an address all of
these are left out: nothing shall install code from a place that is not ours.
"""

import re
import sys
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
TAG, BRANCH = "launch", "main"
COLAB, BINDER = "https://colab.research.google.com", "https://mybinder.org"
BADGES = {
    "Colab": f"{COLAB}/assets/colab-badge.svg",
    "Binder": f"{BINDER}/badge_logo.svg",
}
BADGE_LINE = re.compile(r"^\[!\[Open in .*\n\n", re.MULTILINE)
PLACEHOLDER = "URL-OF-THIS-REPOSITORY"
# Links of README.md into the repository: PyPI, which shows it too, needs them whole.
WHOLE = re.compile(rf"\]\(https://github\.com/[\w-]+/[\w.-]+/(?:blob|raw)/{BRANCH}/")
LOCAL = re.compile(r"(!?\[[^\]]*\])\((?![a-z]+:|#)([^)\s]+)\)")

INSTALL = """import sys

if "google.colab" in sys.modules:
    repository = "URL"
    !git clone --quiet --depth 1 {repository} /content/hidden-convexity
    %pip install --quiet "/content/hidden-convexity[notebooks]"
    %cd -q /content/hidden-convexity/notebooks"""


def address():
    """The repository's address, None as long as there is none."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    return on_github(urls["Repository"]) if "Repository" in urls else None


def on_github(url):
    if not re.fullmatch(r"https://github\.com/[\w-]+/[\w.-]+", url):
        raise ValueError(f"Repository: {url!r} given; https://github.com/OWNER/NAME is accepted")
    return url


def record(url):
    """Write the address to pyproject.toml, in place of an older one."""
    path = ROOT / "pyproject.toml"
    text = re.sub(r"^Repository = .*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    line = f'[project.urls]\nRepository = "{on_github(url)}"\n'
    write(path, text.replace("[project.urls]\n", line))


def services(url, page):
    """Where a page of the repository opens, by service."""
    repository = url.removeprefix("https://github.com/")
    return {
        "Colab": f"{COLAB}/github/{repository}/blob/{BRANCH}/{page}",
        "Binder": f"{BINDER}/v2/gh/{repository}/{BRANCH}?urlpath=lab/tree/{page}",
    }


def within(text):
    """README.md as one reads it in the repository: without badges, its links relative."""
    return WHOLE.sub("](", BADGE_LINE.sub("", text))


def readme(text, url):
    """README.md with the clone command, the badges and whole links of an address."""
    text = within(text)
    text = re.sub(r"git clone \S+", f"git clone {url or PLACEHOLDER}", text)
    if url is None:
        return text

    def whole(link):
        kind = "raw" if link[1].startswith("!") else "blob"
        return f"{link[1]}({url}/{kind}/{BRANCH}/{link[2]})"

    text = LOCAL.sub(whole, text)
    opened = services(url, "notebooks/00-start-here.ipynb")
    badges = [f"[![Open in {name}]({BADGES[name]})]({link})" for name, link in opened.items()]
    return text.replace("\n\n", f"\n\n{' '.join(badges)}\n\n", 1)


def relaunched(notebook, name, url):
    """The notebook with the two cells of an address, or without them."""
    cells = [cell for cell in notebook.cells if TAG not in cell.metadata.get("tags", [])]
    if url is not None:
        opened = services(url, f"notebooks/{name}.ipynb").items()
        links = " · ".join(f"[Open in {service}]({link})" for service, link in opened)
        # The book has buttons instead, and leaves these cells out.
        metadata = {"tags": [TAG, "remove-cell"]}
        cells[1:1] = [
            nbformat.v4.new_markdown_cell(links, id="launch-links", metadata=metadata),
            nbformat.v4.new_code_cell(
                INSTALL.replace("URL", url), id="launch-colab", metadata=metadata
            ),
        ]
    code = [cell for cell in cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number
    notebook.cells = cells
    return notebook


def write(path, text):
    if text != path.read_text(encoding="utf-8"):
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"written  {path.relative_to(ROOT)}")


def main(repository=None):
    if repository is not None:
        record(f"https://github.com/{repository.removeprefix('https://github.com/')}")
    url = address()
    path = ROOT / "README.md"
    write(path, readme(path.read_text(encoding="utf-8"), url))
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb")):
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        after = nbformat.writes(relaunched(notebook, path.stem, url))
        write(path, after.rstrip("\n") + "\n")
    print(f"The address is {url or 'not known yet: make launch REPOSITORY=owner/name'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
