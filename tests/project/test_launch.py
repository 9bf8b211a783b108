"""The repository's address: one line of pyproject.toml, and everything that names it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from book import launch  # noqa: E402

EXAMPLE = "https://github.com/example/hidden-convexity"
PAGES = ["README.md", *sorted(f"notebooks/{path.name}" for path in ROOT.glob("notebooks/*.ipynb"))]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """What names the address, in a folder of its own, where there is no address."""
    for folder in ("notebooks", "book"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "figures").mkdir()
    for picture in (ROOT / "figures").glob("fig00-*.svg"):
        shutil.copy(picture, tmp_path / "figures")
    for name in ("README.md", "pyproject.toml", "figures/manifest.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    project = tmp_path / "pyproject.toml"
    project.write_text(re.sub(r"(?m)^Repository = .*\n", "", project.read_text("utf-8")), "utf-8")
    monkeypatch.setattr(launch, "ROOT", tmp_path)
    launch.main()
    return tmp_path


def contents(folder):
    return {name: (folder / name).read_bytes() for name in ["pyproject.toml", *PAGES]}


def cells_of_launch(folder, name):
    cells = nbformat.read(folder / name, as_version=4).cells
    return [cell for cell in cells if launch.TAG in cell.metadata.get("tags", [])]


def test_everything_says_what_pyproject_says(monkeypatch):
    written = []
    monkeypatch.setattr(launch, "write", lambda path, text: written.append((path, text)))
    launch.main()
    assert len(written) == len(PAGES)
    for path, text in written:
        assert path.read_text(encoding="utf-8") == text, path


def test_without_an_address_nothing_leads_outside(copy):
    assert launch.address() is None
    for name in PAGES:
        text = (copy / name).read_text(encoding="utf-8")
        assert not re.search(r"mybinder|google\.colab|colab\.research", text), name
    assert launch.PLACEHOLDER in (copy / "README.md").read_text(encoding="utf-8")


def test_an_address_is_written_once_and_can_be_taken_away(copy):
    without = contents(copy)
    launch.main("example/hidden-convexity")
    written = contents(copy)
    assert launch.address() == EXAMPLE
    assert all(EXAMPLE.encode() in text for text in written.values())
    launch.main()
    launch.main(EXAMPLE)
    assert contents(copy) == written
    launch.main("example/renamed")
    assert not any(b"example/hidden" in text for text in contents(copy).values())
    (copy / "pyproject.toml").write_bytes(without["pyproject.toml"])
    launch.main()
    assert contents(copy) == without


def test_every_link_opens_its_own_page(copy):
    launch.main("example/hidden-convexity")
    for name in PAGES[1:]:
        links, install = cells_of_launch(copy, name)
        opened = re.findall(r"\]\((https://[^)]+)\)", links.source)
        assert opened == [
            f"https://colab.research.google.com/github/example/hidden-convexity/blob/main/{name}",
            f"https://mybinder.org/v2/gh/example/hidden-convexity/main?urlpath=lab/tree/{name}",
        ]
        assert re.findall(r"https?://[^\s\"]+", install.source) == [EXAMPLE]
        notebook = nbformat.read(copy / name, as_version=4)
        nbformat.validate(notebook)
        counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
        assert counts == list(range(1, len(counts) + 1))


def test_readme_has_whole_links_where_there_is_an_address(copy):
    local = re.compile(r"\]\((?!https?:)([^)]+)\)")
    before = (copy / "README.md").read_text(encoding="utf-8")
    named = {link for link in local.findall(before) if not link.startswith("#")}
    assert named and all((ROOT / link).exists() for link in named)
    launch.main("example/hidden-convexity")
    after = (copy / "README.md").read_text(encoding="utf-8")
    assert not [link for link in local.findall(after) if not link.startswith("#")]
    for link in named:
        kind = "raw" if link.endswith(".svg") else "blob"
        assert f"]({EXAMPLE}/{kind}/main/{link})" in after
    assert launch.within(after).replace(EXAMPLE, launch.PLACEHOLDER) == before


class Shell:
    """What IPython calls for lines that begin with ! or %; it only takes notes."""

    def __init__(self):
        self.lines = []

    def system(self, line):
        self.lines.append(line)

    def run_line_magic(self, name, line):
        self.lines.append(f"{name} {line}")


@pytest.mark.parametrize("in_colab", [False, True], ids=["elsewhere", "in Colab"])
def test_the_cell_installs_in_colab_and_does_nothing_elsewhere(copy, monkeypatch, capfd, in_colab):
    launch.main("example/hidden-convexity")
    capfd.readouterr()
    if in_colab:
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    for name in PAGES[1:]:
        shell = Shell()
        names = {"get_ipython": lambda shell=shell: shell}
        exec(TransformerManager().transform_cell(cells_of_launch(copy, name)[1].source), names)
        if in_colab:
            assert names["repository"] == EXAMPLE
            assert shell.lines == [
                "git clone --quiet --depth 1 {repository} /content/hidden-convexity",
                'pip install --quiet "/content/hidden-convexity[notebooks]"',
                "cd -q /content/hidden-convexity/notebooks",
            ]
        else:
            assert shell.lines == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "url", ["example", "http://github.com/a/b", "https://gitlab.com/a/b", "a/b/c", "a/b; rm", ""]
)
def test_an_address_elsewhere_is_refused(copy, url):
    before = contents(copy)
    with pytest.raises(ValueError, match="OWNER/NAME"):
        launch.main(url)
    assert contents(copy) == before


def test_what_is_written_keeps_the_style(copy):
    launch.main("example/hidden-convexity")
    shutil.copytree(ROOT / "lib", copy / "lib")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "notebooks"],
            cwd=copy,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_the_book_has_buttons_where_there_is_an_address(copy):
    launch.main("example/hidden-convexity")
    command = [sys.executable, "-m", "sphinx", "-c", "book", "-q", "-D"]
    command += ["include_patterns=README.md,book/index.md,notebooks/00-start-here.ipynb"]
    subprocess.run([*command, ".", "html"], cwd=copy, capture_output=True, check=True)
    chapter = (copy / "html/notebooks/00-start-here.html").read_text(encoding="utf-8")
    links, _ = cells_of_launch(copy, "notebooks/00-start-here.ipynb")
    for service in re.findall(r"\]\((https://[^)]+)\)", links.source):
        assert chapter.count(f'href="{service}"') == 1
    assert "google.colab" not in chapter
    readme = (copy / "html/README.html").read_text(encoding="utf-8")
    assert EXAMPLE in readme and "badge" not in readme
    assert not re.search(r'src="(https?:)?//', chapter + readme)
