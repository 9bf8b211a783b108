"""A figure is stored with its numbers, always in the same bytes, and never by halves."""

import hashlib
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity import verify
from hidden_convexity.companion import manifest

plt = pytest.importorskip("matplotlib.pyplot")

NAME = "fig03-parabola"


@pytest.fixture
def figures(tmp_path, monkeypatch):
    """What make says to a notebook: its name, and an empty folder for figures."""
    monkeypatch.setenv(manifest.NOTEBOOK_VARIABLE, "03-curves")
    monkeypatch.setenv(manifest.FIGURES_VARIABLE, str(tmp_path / "drawn"))
    return tmp_path / "drawn"


def draw(x=(0.0, 1.0, 2.0)):
    fig, ax = plt.subplots()
    ax.plot(x, np.square(x), clip_on=True)
    ax.set_title("$x^2$")
    plt.close(fig)
    return fig


def save(name=NAME, fig=None, **given):
    x = np.arange(3.0)
    given = {"data": {"x": x, "y": x**2}, "alt": "A parabola."} | given
    return manifest.save_figure(fig or draw(), name, **given)


def test_a_figure_is_three_files_and_its_hashes_are_true(figures):
    solution = SimpleNamespace(
        solver="exact", scope="global", gap=3e-9, objective=np.float64(1 / 3), problem=None
    )
    assert save(parameters={"seed": 0}, numbers={"top": np.pi}, solution=solution) is None
    assert sorted(path.name for path in figures.iterdir()) == [
        f"{NAME}.json",
        f"{NAME}.svg",
        "manifest.json",
    ]
    entry = manifest.read_manifest(figures)[NAME]
    assert entry["notebook"] == "03-curves"
    assert entry["parameters"] == {"seed": 0}
    assert entry["numbers"] == {"top": 3.14159}
    assert entry["solution"] == {
        "solver": "exact",
        "scope": "global",
        "gap": "< 1e-6",
        "objective": 0.333333,
    }
    for kind in ("svg", "json"):
        content = (figures / f"{NAME}.{kind}").read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"][kind]


def test_a_figure_whose_edge_cuts_a_label_is_refused(figures):
    # Square axes in a figure too low for them: constrained layout left the titles outside, the
    # file cut them off, and the notebook's picture, cropped to what is drawn, did not show it.
    fig = draw()
    fig.axes[0].text(0.5, 1.4, "above the edge", transform=fig.axes[0].transAxes)
    fig.set_layout_engine("none")
    with pytest.raises(ValueError, match=r"^fig: .* beyond the edge"):
        save(fig=fig)
    assert not figures.exists()


def test_the_picture_says_what_it_shows_to_a_screen_reader(figures):
    save(alt="A parabola,\n  where a < b.")
    assert "<title>A parabola, where a &lt; b.</title>" in (figures / f"{NAME}.svg").read_text()


def test_a_global_optimum_is_stored_with_its_certificate_in_the_same_bytes(figures):
    problem = hc.TrainingProblem([[1.0, 1.0], [2.0, 1.0], [-1.0, 1.0]], [1.0, -1.0, 0.5], 0.1)
    path = manifest.certificate_of(figures, NAME)
    contents = []
    for _ in range(2):
        save(solution=hc.train(problem))
        contents.append(path.read_bytes())
        assert "Proven" in verify.verify(path)
    assert contents[0] == contents[1]
    path.unlink()
    save(solution=hc.train(problem, patterns=1))
    assert not path.exists()


def test_a_global_optimum_on_patches_has_its_certificate_too(figures):
    X = np.random.default_rng(0).normal(size=(4, 3, 2))
    solution = hc.train(hc.TrainingProblem(X, X[:, 0, 0], 0.1))
    save(solution=solution)
    assert manifest.read_manifest(figures)[NAME]["solution"]["scope"] == "global"
    assert "Proven, rounding included" in verify.verify(manifest.certificate_of(figures, NAME))


def test_a_certificate_too_large_for_every_clone_is_refused(figures, monkeypatch):
    monkeypatch.setattr(manifest, "LARGEST_CERTIFICATE", 100)
    problem = hc.TrainingProblem([[1.0, 1.0], [2.0, 1.0]], [1.0, -1.0], 0.1)
    with pytest.raises(ValueError, match="are allowed in figures/certificates"):
        save(solution=hc.train(problem))
    assert not manifest.certificate_of(figures, NAME).exists()
    assert NAME not in manifest.read_manifest(figures)


def test_data_are_stored_one_array_a_line_with_ten_digits(figures):
    save(data={"count": 3, "gaps": np.array([1 / 3, -0.0]), "on": [True], "map": np.eye(2)})
    assert (figures / f"{NAME}.json").read_text().splitlines() == [
        "{",
        '  "count": 3,',
        '  "gaps": [0.3333333333, 0.0],',
        '  "on": [true],',
        '  "map": [[1.0, 0.0], [0.0, 1.0]]',
        "}",
    ]


@pytest.mark.slow
def test_another_process_draws_the_same_bytes(figures):
    save()
    here = {path.name: path.read_bytes() for path in figures.iterdir()}
    program = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); "
    program += "import test_manifest; test_manifest.save()"
    there = figures.with_name("there")
    environment = os.environ | {manifest.FIGURES_VARIABLE: str(there), "PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert here == {path.name: path.read_bytes() for path in there.iterdir()}


def test_who_plays_with_a_notebook_changes_no_figure(figures, monkeypatch):
    """JupyterLab, papermill from the root, a copy of a notebook: none overwrites, none fails."""
    for variable in (manifest.FIGURES_VARIABLE, manifest.NOTEBOOK_VARIABLE):
        monkeypatch.delenv(variable)
    (figures.parent / "figures").mkdir()
    (figures.parent / "notebooks").mkdir()
    for folder in ("notebooks", "."):
        monkeypatch.chdir(figures.parent / folder)
        save()
    assert not [path for path in figures.parent.rglob("*") if path.is_file()]
    with pytest.raises(ValueError, match="alt"):
        save(alt="")


def test_a_folder_without_a_notebook_takes_figures_too(figures, monkeypatch):
    monkeypatch.delenv(manifest.NOTEBOOK_VARIABLE)
    save()
    assert manifest.read_manifest(figures)[NAME]["notebook"] is None


def test_a_second_figure_joins_the_manifest_in_order_of_name(figures):
    save("fig03-zeta")
    save("fig03-alpha")
    assert list(manifest.read_manifest(figures)) == ["fig03-alpha", "fig03-zeta"]


@pytest.mark.parametrize(
    "name",
    ["parabola", "fig3-parabola", "fig03", "fig03-", "fig03-Parabola", "fig03-a/b", "fig03-a\n"],
)
def test_a_name_of_another_form_is_refused(figures, name):
    with pytest.raises(ValueError, match="figNN-title"):
        save(name)


def test_a_number_other_than_the_notebooks_is_refused(figures):
    with pytest.raises(
        ValueError, match="in notebook 03-curves; number the figure as the notebook"
    ):
        save("fig04-parabola")


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_a_figure_without_alt_text_is_refused(figures, alt):
    with pytest.raises(ValueError, match="alt"):
        save(alt=alt)


@pytest.mark.slow
@pytest.mark.parametrize("bad", [np.nan, [0.0, np.inf], [[1.0, -np.inf]]])
@pytest.mark.parametrize("part", ["data", "numbers", "parameters"])
def test_numbers_that_are_not_finite_are_refused_and_nothing_is_written(figures, part, bad):
    with pytest.raises(ValueError, match=rf"{part}\['y'\]"):
        save(**{part: {"y": bad}})
    assert not figures.exists()


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "figure.svg"
    manifest.write_atomically(path, b"old")

    def no_rename(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", no_rename)
    with pytest.raises(OSError, match="disk full"):
        manifest.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def two_folders(figures, monkeypatch):
    """The same figure twice: (committed, fresh)."""
    save(numbers={"top": 4.0})
    fresh = figures.with_name("fresh")
    monkeypatch.setenv(manifest.FIGURES_VARIABLE, str(fresh))
    save(numbers={"top": 4.0})
    return figures, fresh


def test_two_runs_of_one_figure_agree(two_folders):
    assert manifest.differences(*two_folders) == {NAME: ""}


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "agrees"), [(1 + 1e-6, True), (1 + 1e-4, False)])
def test_numbers_agree_within_the_tolerance_and_no_further(two_folders, factor, agrees):
    x = np.arange(3.0)
    save(data={"x": x, "y": factor * x**2}, numbers={"top": 4.0})
    expected = "" if agrees else "data['y'] differs"
    assert manifest.differences(*two_folders) == {NAME: expected}


def test_another_picture_of_the_same_numbers_is_a_difference(two_folders):
    save(fig=draw(x=(0.0, 1.0, 3.0)), numbers={"top": 4.0})
    assert "picture differs" in manifest.differences(*two_folders)[NAME]


def test_another_matplotlib_may_draw_other_bytes(two_folders):
    save(fig=draw(x=(0.0, 1.0, 3.0)), numbers={"top": 4.0})
    entries = manifest.read_manifest(two_folders[1])
    entries[NAME]["matplotlib"] = "0.1"
    manifest.write_manifest(two_folders[1], entries)
    assert manifest.differences(*two_folders) == {NAME: ""}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["svg", "json"])
def test_a_committed_file_edited_by_hand_is_a_difference(two_folders, kind):
    path = two_folders[0] / f"{NAME}.{kind}"
    path.write_bytes(path.read_bytes() + b"\n")
    assert "not the file in the manifest" in manifest.differences(*two_folders)[NAME]


def test_a_missing_figure_is_a_difference(two_folders):
    committed, fresh = two_folders
    save("fig03-new")
    assert manifest.differences(committed, fresh)["fig03-new"] == "not committed"
    assert manifest.differences(fresh, committed)["fig03-new"] == "no longer drawn"
    (committed / f"{NAME}.svg").unlink()
    assert manifest.differences(committed, fresh)[NAME] == f"{NAME}.svg is missing"


def test_the_manifest_is_json_a_person_can_read(figures):
    save(alt="A curve,\n    not “straight”.")
    text = (figures / "manifest.json").read_text(encoding="utf-8")
    assert "A curve, not “straight”." in text
    assert json.loads(text)[NAME]["paper_figure"] is None


@pytest.mark.slow
def test_a_figure_is_the_same_to_rounding_only_if_its_drawing_is(figures, monkeypatch):
    x = np.arange(3.0)

    def saved(folder, x, change=lambda ax: None, **given):
        monkeypatch.setenv(manifest.FIGURES_VARIABLE, str(figures / folder))
        fig = draw(x)
        change(fig.axes[0])
        save(fig=fig, data={"x": x}, **given)
        return manifest.same_to_rounding(figures / "old", figures / folder, NAME)

    assert saved("old", x)
    assert saved("digits", x * (1 + 5e-8))
    assert (figures / "digits" / f"{NAME}.svg").read_bytes() != (
        figures / "old" / f"{NAME}.svg"
    ).read_bytes()
    assert not saved("numbers", x * 1.01)
    assert not saved("alt", x, alt="Another parabola.")
    for k, change in enumerate(
        [
            lambda ax: ax.lines[0].set_color("#0072B3"),
            lambda ax: ax.lines[0].set_linewidth(1.6),
            lambda ax: ax.set_xlabel("x"),
            lambda ax: ax.text(1, 1, "a", fontsize=8.5),
            lambda ax: ax.title.set_fontsize(ax.title.get_fontsize() + 0.1),
            lambda ax: ax.set_ylim(0, 4.3),
        ]
    ):
        assert not saved(f"drawing-{k}", x * (1 + 5e-8), change)
