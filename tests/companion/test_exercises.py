"""The exercises: right where they are solved, wrong where they are not, and the same text twice."""

import ast
import importlib
import re
import runpy
from itertools import chain
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity.companion import exercises

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = sorted((ROOT / "solutions").glob("[0-9][0-9]-*.ipynb"))
GENERATOR = runpy.run_path(str(ROOT / "solutions" / "generate.py"))
CHAPTERS = sorted(path.stem for path in Path(exercises.__file__).parent.glob("chapter*.py"))
WRONG = {
    number: cases
    for chapter in CHAPTERS
    for number, cases in importlib.import_module(
        f"tests.companion.wrong_answers.{chapter}"
    ).WRONG.items()
}


@pytest.fixture(autouse=True)
def style_of_pictures_is_left_as_it_was():
    """Solutions draw pictures, in the notebooks' style."""
    with plt.rc_context():
        yield
    plt.close("all")


each_chapter = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code(cells):
    return [cell.source for cell in cells if cell.cell_type == "code"]


def checked(sources):
    """The exercises that some code checks, in its order."""
    return re.findall(r'^hc\.check\("(\d\d\.\d)"', "\n".join(sources), re.MULTILINE)


def setup(path):
    """What the code above the first exercise of the solutions defines."""
    cells = read(path).cells
    first = next(k for k, cell in enumerate(cells) if cell.source.startswith("### Exercise"))
    return names_defined_by(*code(cells[:first]))


def chapters_imports(path):
    """What a reader has who runs the imports of the chapter, and nothing else of it."""
    cells = read(ROOT / "notebooks" / path.name).cells
    here = [cell for cell in cells if "launch" not in cell.metadata.get("tags", [])]
    return names_defined_by(code(here)[0])


def names_defined_by(*sources):
    namespace = {}
    for source in sources:
        exec(compile(source, "cell", "exec"), namespace)
    del namespace["__builtins__"]
    return namespace


def printed_by(sources, namespace, capsys):
    for source in sources:
        exec(compile(source, "cell", "exec"), namespace)
    return capsys.readouterr().out.splitlines()


@pytest.mark.slow
@each_chapter
def test_every_solution_is_right(path, capsys, tmp_path, monkeypatch):
    (tmp_path / "targets").mkdir()
    monkeypatch.chdir(tmp_path)
    sources = code(read(path).cells)
    lines = printed_by(sources, {}, capsys)
    assert lines == [f"{number}: right" for number in checked(sources)]
    drawn = {picture.name for picture in (tmp_path / "targets").iterdir()}
    text = "\n".join(cell.source for cell in read(path).cells)
    assert drawn == set(re.findall(r"\]\(\.\./solutions/targets/([^)]+)\)", text))


@pytest.mark.slow
@each_chapter
def test_every_stub_is_not_attempted(path, capsys):
    sources = code(chain(*GENERATOR["readers_cells"](read(path)).values()))
    lines = printed_by(sources, chapters_imports(path), capsys)
    assert lines == [f"{number}: not attempted" for number in checked(sources)]


@each_chapter
def test_the_chapters_imports_is_enough_for_its_exercises(path):
    there, needed = chapters_imports(path), setup(path)
    assert {name: there.get(name) for name in needed} == needed


@each_chapter
def test_an_exercise_in_the_text_takes_no_name_of_the_chapters(path):
    """Its attempt would stand for the chapter's own: one named `branches` did in notebook 06."""
    cells = read(ROOT / "notebooks" / path.name).cells
    asked, told = set(), set()
    for cell in cells[: [cell.id for cell in cells].index("exercises")]:
        if cell.cell_type == "code":
            (asked if GENERATOR["is_generated"](cell) else told).update(names_bound_by(cell.source))
    assert not asked & told


def names_bound_by(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@pytest.mark.slow
@each_chapter
def test_regenerating_a_notebook_changes_nothing(path):
    target = ROOT / "notebooks" / path.name
    notebook = nbformat.read(target, as_version=nbformat.NO_CONVERT)
    again = nbformat.writes(GENERATOR["regenerated"](notebook, read(path)))
    assert again.rstrip("\n") + "\n" == target.read_text(encoding="utf-8")


@each_chapter
def test_a_chapter_has_four_to_six_graded_exercises(path):
    found = GENERATOR["exercises"](read(path))
    chapter = path.stem[:2]
    assert list(found) == [f"{chapter}.{k}" for k in range(1, len(found) + 1)]
    assert 4 <= len(found) <= 6
    grades = [
        re.match(r"### Exercise \S+ \(([a-z-]+)\): ", own[0].source)[1] for own in found.values()
    ]
    assert grades[0] == "warm-up" and grades[-1] == "open"
    assert {"warm-up", "derivation", "coding", "open"} == set(grades)
    for number, own in found.items():
        text = own[0].source
        assert "*Predict first:*" in text and "<summary>Hint</summary>" in text, number
        assert any(map(GENERATOR["folded"], own)), f"{number} has no solution"
        assert checked(code(own)) in ([number], [])


def test_every_check_belongs_to_an_exercise_and_has_wrong_answers():
    asked = {number for path in SOLUTIONS for number in checked(code(read(path).cells))}
    for chapter in CHAPTERS:
        importlib.import_module(f"hidden_convexity.companion.exercises.{chapter}")
    assert asked == set(exercises.verdict._EXERCISES) == set(WRONG)
    assert all(WRONG.values())


@pytest.mark.parametrize("page", ["COURSE.md", "solutions/exam.md"])
def test_the_course_names_exercises_and_pages_that_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    there = {number for path in SOLUTIONS for number in GENERATOR["exercises"](read(path))}
    named = set(re.findall(r"\b[01]\d\.[1-9]\b", text))
    assert named and named <= there
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_every_exam_question_has_an_answer():
    questions, answers = (
        re.findall(r"^(\d+)\. ", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        for page in ("COURSE.md", "solutions/exam.md")
    )
    assert questions == answers == [str(k) for k in range(1, len(questions) + 1)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [(number, *case) for number, cases in WRONG.items() for case in cases],
    ids=[f"{number}-{k}" for number, cases in WRONG.items() for k in range(len(cases))],
)
def test_a_wrong_answer_is_told_what_it_violates(number, answer, words, capsys):
    hc.check(number, answer)
    hc.check(number, answer)
    line, again = capsys.readouterr().out.splitlines()
    assert line == again
    assert line.startswith(f"{number}: wrong: ")
    assert words in line


def test_the_stub_of_a_solution():
    source = (
        "def f(x):\n    # BEGIN SOLUTION\n    y = x\n    return y\n    # END SOLUTION\n\n\n"
        'hc.check("02.1", f)'
    )
    assert GENERATOR["stub"](source) == (
        'def f(x):\n    return ...  # YOUR CODE\n\n\nhc.check("02.1", f)'
    )
    assert GENERATOR["stub"]("# BEGIN SOLUTION\nprint(1)\n# END SOLUTION") == "# YOUR CODE"
    cell = nbformat.v4.new_code_cell(source)
    assert GENERATOR["folded"](cell) == "```python\ndef f(x):\n    y = x\n    return y\n```"


def test_generating_keeps_the_outputs_of_unchanged_cells_and_replaces_the_others():
    solutions = read(ROOT / "solutions" / "02-hyperplane-arrangements.ipynb")
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("x = 1", id="mine"),
            nbformat.v4.new_markdown_cell("## Takeaway\n\nYes.", id="end"),
        ]
    )
    section = {cell.id for cell in GENERATOR["regenerated"](notebook, solutions).cells}
    stubs = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.id != "mine"]
    stubs[0].execution_count, stubs[1].execution_count = 2, 3
    stubs[1].source += "\n# a reader's change"
    GENERATOR["regenerated"](notebook, solutions)
    assert {cell.id for cell in notebook.cells} == section
    assert notebook.cells[0].id == "mine" and notebook.cells[-1].id == "end"
    again = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.id != "mine"]
    assert [again[0].execution_count, again[1].execution_count] == [2, None]
    assert "a reader's change" not in again[1].source


@each_chapter
def test_an_exercise_has_its_text_an_attempt_and_a_solution_wherever_it_stands(path):
    """One may stand in the text; the section at the end says which, and holds the others."""
    cells = read(ROOT / "notebooks" / path.name).cells
    ids = [cell.id for cell in cells]
    opening = ids.index("exercises")
    in_the_text = []
    for number in GENERATOR["exercises"](read(path)):
        name = f"exercise-{number.replace('.', '-')}"
        own = [k for k, found in enumerate(ids) if found.startswith(f"{name}-")]
        assert own == list(range(own[0], own[-1] + 1)), f"{number} is torn apart"
        assert ids[own[0]] == f"{name}-0" and ids[own[-1]] == f"{name}-solution"
        if own[0] < opening:
            assert checked(code(cells[k] for k in own)) == [number]
            in_the_text.append(number)
    assert len(in_the_text) <= 1
    assert re.findall(r"Exercise (\S+) stands above", cells[opening].source) == in_the_text


def test_an_exercise_stands_below_the_cell_that_asks_for_it():
    solutions = read(ROOT / "solutions" / "02-hyperplane-arrangements.ipynb")
    asking = nbformat.v4.new_markdown_cell(
        "## One\n\nText.\n\n### Two", id="asks", metadata={"tags": ["exercise:02.3"]}
    )
    end = nbformat.v4.new_markdown_cell("## Takeaway", id="end")
    notebook = nbformat.v4.new_notebook(cells=[asking, end])
    for _ in range(2):
        ids = [cell.id for cell in GENERATOR["regenerated"](notebook, solutions).cells]
        assert ids[:2] == ["asks", "exercise-02-3-0"] and ids.count("exercise-02-3-0") == 1
        assert ids.index("exercise-02-3-solution") + 1 == ids.index("exercises")
        assert ids[-1] == "end"
    opening = notebook.cells[ids.index("exercises")].source
    assert "Exercise 02.3 stands above, in the section *Two*" in opening


class Hostile:
    """An answer all of whose operations fail."""

    def __call__(self, *arguments):
        raise self

    def _fail(self, *arguments):
        raise RuntimeError("no")

    __eq__ = __bool__ = __str__ = __repr__ = __len__ = __array__ = __float__ = _fail


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no")


def raises(error):
    def answer(*arguments):
        raise error

    return answer


def noisy(n, d):
    print("debugging")
    np.log(np.zeros(1))
    return hc.count_chambers(n, d + 1)


def recursive(n, d):
    return recursive(n, d)


def writes_into_its_arguments(X):
    gates = hc.Arrangement.enumerate(X).gates
    X[:] = 1.0
    return gates


ODD = {
    "a number": 22,
    "a string": "22",
    "an array": np.arange(3.0),
    "a class": Hostile,
    "hostile": Hostile(),
    "no argument": lambda: 22,
    "returns nothing": lambda n, d: None,
    "returns a string": lambda n, d: "22",
    "returns NaN": lambda n, d: np.nan,
    "returns a complex number": lambda n, d: 22j,
    "returns a bool": lambda n, d: True,
    "returns itself": lambda n, d: noisy,
    "returns a ragged list": lambda n, d: [[1], [1, 2]],
    "returns the hostile": lambda n, d: Hostile(),
    "raises": raises(ValueError("one line\nand another")),
    "raises without words": raises(ValueError()),
    "raises the unprintable": raises(Unprintable()),
    "raises an address": raises(ValueError(object())),
    "exits": raises(SystemExit(1)),
    "recurses": recursive,
}


@pytest.mark.parametrize("number", ["02.1", "02.3", "02.4"])
@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_nothing_an_answer_does_is_raised(answer, number, capsys):
    hc.check(number, answer)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"{number}: wrong: ")
    assert len(lines[0]) <= 170 and "0x" not in lines[0]


@pytest.mark.parametrize("answer", [None, ..., lambda *arguments: ...], ids=["None", "...", "stub"])
def test_a_stub_is_not_attempted(answer, capsys):
    hc.check("02.1", answer)
    assert capsys.readouterr() == ("02.1: not attempted\n", "")


@pytest.mark.parametrize(
    "number", ["2.1", "02.9", "98.1", "02.1\n", "", None, 2.1, 21, ["02.1"], Hostile()]
)
def test_a_number_without_exercise_is_said_to_be_none(number, capsys):
    hc.check(number, noisy)
    (line,) = capsys.readouterr().out.splitlines()
    assert "there is no exercise of this number" in line


def test_only_the_verdict_is_printed(capsys, recwarn):
    hc.check("02.1", noisy)
    assert capsys.readouterr() == ("02.1: right\n", "")
    assert not recwarn.list


def test_an_answer_may_write_into_its_arguments(capsys):
    hc.check("02.3", writes_into_its_arguments)
    assert capsys.readouterr().out == "02.3: right\n"


def test_a_check_leaves_the_random_numbers_of_a_notebook_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    hc.check("02.4", lambda X, patterns, seed: np.ones(patterns.shape[1]))
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
