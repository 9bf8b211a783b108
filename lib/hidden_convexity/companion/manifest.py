"""Figures as files: a picture, the numbers it shows, and an entry that says where it came from."""

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from hidden_convexity.companion.svg import drawn, titled
from hidden_convexity.foundations.validation import real_array
from hidden_convexity.problem.gap import format_gap
from hidden_convexity.proof.file import write_atomically

# The folder that figures go to, and the notebook that draws them: make sets both. Without a folder
# nothing is written, so who plays with a notebook leaves the committed figures as they are.
FIGURES_VARIABLE = "HIDDEN_CONVEXITY_FIGURES"
NOTEBOOK_VARIABLE = "HIDDEN_CONVEXITY_NOTEBOOK"

# How close numbers of two runs of a figure are. Solvers stop at 1e-9 or better, and BLAS adds in
# another order on another processor: neither moves a number this far.
RELATIVE_TOLERANCE = 1e-5
ABSOLUTE_TOLERANCE = 1e-8
# Points (1/72 inch) that ink may move by for that reason. Fonts are scaled by their size / 100, so
# a font larger by a tenth of a point is still a change.
_INK_TOLERANCE = 5e-4

# Bytes of a figure's certificate, of which every clone has a copy.
LARGEST_CERTIFICATE = 200_000
# Data are stored with 10 significant digits, past which they are roundoff; key numbers with 6.
_DATA_DIGITS = 10
_NUMBER_DIGITS = 6

# So drawings are the same bytes: fixed element names, letters as paths, and no cropping to the ink.
_SVG_STYLE = {
    "svg.hashsalt": "hidden-convexity",
    "svg.fonttype": "path",
    "savefig.bbox": None,
    "savefig.dpi": "figure",
}

# A coordinate, not a digit within a name or a colour such as #0072b2.
_NUMBER = re.compile(r"(?<![\w#.])-?\d+(?:\.\d+)?(?![\w.])")


def save_figure(
    fig, name, *, data, alt, parameters=None, solution=None, numbers=None, paper_figure=None
):
    """Write a figure, the numbers it shows, and its entry in the manifest.

    The files are ``<name>.svg``, ``<name>.json``, ``manifest.json`` and, of a global optimum,
    ``certificates/<name>.npz`` for `hidden_convexity.verify`, in the folder that the environment
    variable ``HIDDEN_CONVEXITY_FIGURES`` names: `make figures` sets it, and so regenerates
    ``figures/``. Where it is not set, in JupyterLab say, the arguments are checked and nothing is
    written. Each file appears complete or not at all, and the same figure always gives the same
    bytes.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    name : str
        ``figNN-title``, where NN is the number of the notebook: ``fig03-dual-certificate``.
    data : dict of str to array_like
        The numbers the picture shows, finite.
    alt : str
        What the picture shows, for a reader who can't see it.
    parameters : dict, optional
        The notebook's parameters that matter for this figure.
    solution : Solution, optional
        What the figure shows, where that is a trained network: solver, scope, gap, objective. If a
        file can prove it global (`Solution.save`), the certificate is written too.
    numbers : dict of str to float, optional
        The few numbers a reader would quote from the figure.
    paper_figure : int or str, optional
        Number of the figure of arXiv:2603.23831 whose idea this one follows.

    Raises
    ------
    ValueError
        If the name is not of that form, or not numbered as the notebook that make executes, `alt`
        is empty, a number is not finite, or a label reaches beyond the figure's edge.
    """
    import matplotlib as mpl

    notebook = _notebook(name)
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt: {alt!r} given; say in a sentence what the picture shows")
    folder = os.environ.get(FIGURES_VARIABLE)
    with mpl.rc_context(_SVG_STYLE):
        picture = drawn(fig, name)
    alt = " ".join(alt.split())
    picture = titled(picture, alt)
    table = _lines({key: _stored(value, f"data[{key!r}]") for key, value in data.items()})
    entry = {
        "notebook": notebook,
        "paper_figure": paper_figure,
        "alt": alt,
        "parameters": _lists(parameters or {}, "parameters"),
        "solution": None if solution is None else _summary(solution),
        "numbers": _lists(numbers or {}, "numbers", _NUMBER_DIGITS),
        "matplotlib": mpl.__version__,
        "sha256": {"svg": _sha256(picture), "json": _sha256(table)},
    }
    if not folder:
        return
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{name}.svg", picture)
    write_atomically(folder / f"{name}.json", table)
    if solution is not None and solution.scope == "global" and solution.problem is not None:
        _save_certificate(certificate_of(folder, name), solution)
    write_manifest(folder, read_manifest(folder) | {name: entry})


def certificate_of(folder, name):
    """Where the certificate of a figure is."""
    return Path(folder) / "certificates" / f"{name}.npz"


def _save_certificate(path, solution):
    """Write a certificate, without its history, whose seconds differ from run to run."""
    path.parent.mkdir(exist_ok=True)
    try:
        replace(solution, history=[]).save(path)
        if path.stat().st_size > LARGEST_CERTIFICATE:
            raise ValueError(
                f"{path.name} has {path.stat().st_size:,} bytes, and {LARGEST_CERTIFICATE:,} are "
                "allowed in figures/certificates; train to a larger tol, or on fewer samples"
            )
    except ValueError:
        path.unlink(missing_ok=True)
        raise


def read_manifest(folder):
    """Return ``folder/manifest.json``: a dict, figure name to entry; empty where there is none."""
    path = Path(folder) / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_manifest(folder, entries):
    """Write ``folder/manifest.json``, sorted by figure name."""
    text = json.dumps(dict(sorted(entries.items())), indent=2, ensure_ascii=False) + "\n"
    write_atomically(Path(folder) / "manifest.json", text.encode())


def differences(committed, fresh, names=None):
    """Compare two folders of figures: numbers within the tolerances, pictures byte by byte.

    The latter where they can agree: drawn by the same Matplotlib from the same digits.

    Parameters
    ----------
    committed, fresh : path-like
        Folders written by `save_figure`.
    names : iterable of str, optional
        The figures to compare; all of both folders by default.

    Returns
    -------
    dict of str to str
        Figure name to what differs, "" where nothing does.
    """
    committed, fresh = Path(committed), Path(fresh)
    old, new = read_manifest(committed), read_manifest(fresh)
    return {
        name: _difference(name, committed, old.get(name), fresh, new.get(name))
        for name in sorted(old.keys() | new.keys() if names is None else names)
    }


def same_to_rounding(committed, fresh, name):
    """Whether a figure is the committed one but for roundoff, in its numbers and in its drawing.

    Two processors may differ in the last digits of the numbers, and so in those of the SVG's
    coordinates. Any other change of the drawing, such as a colour or a label, is a change: the
    pictures are compared number by number, and what stands between the numbers exactly.
    """
    committed, fresh = Path(committed), Path(fresh)
    old, new = (read_manifest(folder).get(name) for folder in (committed, fresh))
    if _difference(name, committed, old, fresh, new) or old["solution"] != new["solution"]:
        return False
    pictures = [(folder / f"{name}.svg").read_text() for folder in (committed, fresh)]
    between, numbers = zip(
        *[(_NUMBER.sub("0", picture), _NUMBER.findall(picture)) for picture in pictures],
        strict=True,
    )
    return between[0] == between[1] and np.allclose(
        *np.asarray(numbers, dtype=float), rtol=0, atol=_INK_TOLERANCE
    )


def _difference(name, committed, old, fresh, new):
    if old is None or new is None:
        return "not committed" if old is None else "no longer drawn"
    files = {
        kind: [folder / f"{name}.{kind}" for folder in (committed, fresh)]
        for kind in ("svg", "json")
    }
    missing = [path.name for paths in files.values() for path in paths if not path.exists()]
    if missing:
        return f"{missing[0]} is missing"
    content = {kind: [path.read_bytes() for path in paths] for kind, paths in files.items()}
    for kind, (stored, _) in content.items():
        if _sha256(stored) != old["sha256"][kind]:
            return f"{name}.{kind} is not the file in the manifest"
    for part, pair in (
        ("data", [json.loads(table) for table in content["json"]]),
        ("numbers", [old["numbers"], new["numbers"]]),
    ):
        for key in sorted(pair[0].keys() | pair[1].keys()):
            if key not in pair[0] or key not in pair[1] or not _close(pair[0][key], pair[1][key]):
                return f"{part}[{key!r}] differs"
    for key in ("notebook", "paper_figure", "alt", "parameters"):
        if old[key] != new[key]:
            return f"{key} differs"
    same_digits = content["json"][0] == content["json"][1]
    same_drawing = content["svg"][0] == content["svg"][1]
    if old["matplotlib"] == new["matplotlib"] and same_digits and not same_drawing:
        return "the picture differs, its numbers don't"
    return ""


def _close(old, new):
    if isinstance(old, str) or isinstance(new, str):
        return old == new
    old, new = np.asarray(old, dtype=float), np.asarray(new, dtype=float)
    return old.shape == new.shape and np.allclose(
        new, old, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE
    )


def _notebook(name):
    """Return the notebook that make is executing, or None; check the figure's name."""
    match = re.fullmatch(r"fig(\d\d)-[a-z0-9]+(-[a-z0-9]+)*", name)
    if match is None:
        raise ValueError(
            f"name: {name!r} given; write figNN-title in lower case, such as fig03-dual-certificate"
        )
    notebook = os.environ.get(NOTEBOOK_VARIABLE)
    if notebook and not notebook.startswith(f"{match[1]}-"):
        raise ValueError(
            f"name: {name!r} given in notebook {notebook}; number the figure as the notebook"
        )
    return notebook or None


def _summary(solution):
    return {
        "solver": solution.solver,
        "scope": solution.scope,
        "gap": format_gap(solution.gap).removeprefix("gap "),
        "objective": _rounded(solution.objective, _NUMBER_DIGITS),
    }


def _stored(value, where, digits=_DATA_DIGITS):
    """Return numbers as JSON has them: nested lists, rounded to so many significant digits."""
    checked = real_array(value, where, ndim=tuple(range(5)))
    original = np.asarray(value)
    if original.dtype.kind != "f":
        return original.tolist()
    return _rounded(checked.tolist(), digits)


def _rounded(value, digits):
    if isinstance(value, list):
        return [_rounded(item, digits) for item in value]
    # Adding zero turns -0.0, whose sign is roundoff, into 0.
    return float(f"{value:.{digits}g}") + 0.0


def _lists(values, where, digits=_DATA_DIGITS):
    """Return a dict whose values are strings, None, or numbers as `_stored` returns them."""
    return {
        key: value
        if value is None or isinstance(value, str)
        else _stored(value, f"{where}[{key!r}]", digits)
        for key, value in values.items()
    }


def _lines(table):
    """Return a dict as JSON with one array a line, which a person can read and diff."""
    rows = ",\n".join(f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in table.items())
    return ("{\n" + rows + "\n}\n").encode()


def _sha256(content):
    return hashlib.sha256(content).hexdigest()
