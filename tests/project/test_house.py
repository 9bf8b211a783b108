"""The house as it is shown is the house as it stands: picture, reference, pydoc and tests."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import hidden_convexity as hc

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from book import house  # noqa: E402

LIBRARY = ROOT / "lib" / "hidden_convexity"
DOORS, LINES = 12, 300


def test_the_layers_name_every_door():
    doors = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    doors |= {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"}
    assert doors == set(house.wings())
    assert len(doors) <= DOORS


def test_every_wing_is_in_the_picture_with_its_sentence():
    texts = [node.text for node in ElementTree.fromstring(house.picture()).iter() if node.text]
    for wing in house.wings():
        assert wing in texts
        assert house.sentence(wing).replace("`", "") in texts


def test_the_committed_picture_is_the_one_that_the_book_draws():
    assert house.PICTURE.read_text(encoding="utf-8") == house.picture(), (
        "run `python book/house.py`, or `make book`, and commit book/_static/house.svg"
    )


def test_the_picture_changes_with_the_layers(monkeypatch):
    before = house.picture()
    monkeypatch.setattr(house, "layers", lambda: [["proof"], ["oracle"]])
    assert house.picture() != before
    assert "companion" not in house.picture()


def test_pydoc_shows_the_wings_in_reading_order():
    wings = [wing for wing in house.wings() if (LIBRARY / wing).is_dir()]
    places = [hc.__doc__.index(f"\n{wing}: {house.sentence(wing)}") for wing in wings]
    assert places == sorted(places)
    assert list(hc.WINGS) == wings


def test_the_reference_shows_the_wings_in_reading_order():
    text = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == house.wings()
    for wing in house.wings():
        section = re.search(rf"^## {wing}\n\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]
        itself = f".. automodule:: hidden_convexity.{wing}\n"
        assert section.startswith(f"% wing {wing}\n") or itself in section


@pytest.mark.parametrize("wing", house.wings())
def test_a_wing_says_what_to_read_and_what_it_hands_on(wing):
    if not (LIBRARY / wing).is_dir():
        pytest.skip("one file needs no guide to its rooms")
    assert "ead `" in house.docstring(wing) or "add one file" in house.docstring(wing)
    assert 3 <= len(house.docstring(wing).splitlines()) <= 12


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.stem)
def test_no_file_is_longer_than_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


def test_the_tests_mirror_the_wings():
    folders = {
        path.parent.relative_to(ROOT / "tests").parts[0]
        for path in ROOT.glob("tests/*/**/test_*.py")
    }
    assert folders <= {*house.wings(), "project"}
    assert not list(ROOT.glob("tests/test_*.py"))
