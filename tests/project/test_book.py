"""The book builds without a warning, from what is committed, and needs no network."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from book import advice, statements  # noqa: E402


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Text of every page of the book, by path."""
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-c", "book", "-b", "html", "-q", "-W"]
    command += ["--keep-going", "-d", str(out / "doctrees"), ".", str(out / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {
        str(path.relative_to(out / "html")): path.read_text(encoding="utf-8")
        for path in (out / "html").rglob("*.html")
    }


class Tags(HTMLParser):
    """Attributes of every tag of a page, by the tag's name."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_front_page_shows_a_picture_and_a_line_of_each_chapter(pages):
    front = pages["book/index.html"]
    pictures = [one for tag, one in Tags(front).found if tag == "img" and "fig" in one["src"]]
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
    assert len(pictures) == 1 + len(names)
    assert all(len(one["alt"]) > 20 for one in pictures)
    assert all(f'href="../notebooks/{name}.html"' in front for name in names)
    assert 'url=book/index.html"' in pages["index.html"]


def test_every_notebook_is_a_chapter(pages):
    names = {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert {f"notebooks/{name}.html" for name in names} <= pages.keys()


def test_every_figure_has_a_text_for_those_who_do_not_see_it(pages):
    for name, text in pages.items():
        for tag, attributes in Tags(text).found:
            if tag == "img" and "_static/" not in attributes["src"]:  # the theme's own signs
                alt = attributes.get("alt", "")
                # Sphinx puts the file's name where there is no text.
                assert len(alt) > 20 and "_images/" not in alt, (name, attributes["src"][:80])


def test_nothing_is_loaded_from_the_network(pages):
    for name, text in pages.items():
        for tag, attributes in Tags(text).found:
            loaded = attributes.get("href" if tag == "link" else "src") or ""
            if tag in ("link", "script", "img", "iframe"):
                assert not re.match(r"(https?:)?//", loaded), (name, tag, loaded)


def test_no_line_begins_with_the_full_stop_of_a_formula(pages):
    """A browser may break the line between the two, which it must not do within .glued."""
    formula = '<span class="math notranslate nohighlight">[^<]*</span>'
    loose = re.compile(rf'(?<!class="glued">)(?<!class="glued">\(){formula}[.,;:?!)]')
    assert any('class="glued"' in text for text in pages.values())
    for name, text in pages.items():
        assert not loose.search(text), (name, loose.search(text)[0])


def test_what_the_notebooks_cite_is_in_the_bibliography():
    known = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for identifier in re.findall(r"arxiv\.org/abs/([\d.]+\d)", path.read_text("utf-8")):
            assert f"arXiv:{identifier}" in known, (path.stem, identifier)


@pytest.mark.parametrize("page", advice.PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_the_tables_that_the_stored_results_make(page):
    assert advice.filled(page) == page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["digits", "mnist", "leads", "sunspots", "denoising"])
def test_tables_of_sweeps_that_have_not_been_recorded_have_no_lines(name, monkeypatch, tmp_path):
    monkeypatch.setattr(advice, "BENCHMARKS", tmp_path)
    assert len(getattr(advice, name)().splitlines()) == 2


@pytest.mark.parametrize("kind", ["cells", "functions", "tests"])
def test_every_statement_is_computed_and_checked(kind):
    found = {label for label, where in getattr(statements, kind)().items() if where}
    # The oracles' business only.
    inside = {"chamber-projection"} if kind == "cells" else set()
    assert statements.statements().keys() == found | inside


def test_a_cell_that_computes_a_statement_says_which(pages):
    theory = pages["book/theory.html"]
    for label, where in statements.cells().items():
        shown = re.search(rf'id="{label}">\s*<p[^>]*><span[^>]*>(\w+ \d+) </span>', theory)[1]
        for notebook in {notebook for notebook, _ in where}:
            notes = re.findall(
                r'<div class="computes.*?</div>', pages[f"notebooks/{notebook}.html"], re.DOTALL
            )
            link = f'href="../book/theory.html#{label}">{shown}</a>'
            times = sum(name == notebook for name, _ in where)
            assert sum(link in note for note in notes) == times, (label, notebook)


def test_the_crib_sheet_is_one_page(tmp_path):
    typst = pytest.importorskip("typst")
    typst.compile(str(ROOT / "book" / "crib-sheet.typ"), output=str(tmp_path / "page{n}.svg"))
    assert len(list(tmp_path.iterdir())) == 1


def test_slides_show_every_figure_and_its_alt_text_and_load_nothing_from_the_net(
    tmp_path, monkeypatch
):
    from book import slides

    monkeypatch.setattr(slides, "OUT", tmp_path)
    names = [path.stem for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))]
    slides.main(names)
    for name in names:
        tags = Tags((tmp_path / f"{name}.html").read_text(encoding="utf-8")).found
        cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))[
            "cells"
        ]
        shown = [output for cell in cells for output in cell.get("outputs", ())]
        told = [
            output["metadata"]["image/png"]["alt"]
            for output in shown
            if "image/png" in output.get("data", {})
        ]
        assert [attributes.get("alt") for tag, attributes in tags if tag == "img"] == told
        for tag, attributes in tags:
            loaded = attributes.get("href" if tag == "link" else "src") or ""
            if tag in ("link", "script"):
                assert not re.match(r"(https?:)?//", loaded), (name, loaded)
                assert (tmp_path / loaded).exists()
