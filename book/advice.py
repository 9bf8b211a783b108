"""The tables of "Should I use this?", from the stored results: `python book/advice.py` writes them.

Each table stands in `book/should-i-use-this.md` between a comment with its name and one that says
`end`. A test compares what is committed with what this makes.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "should-i-use-this.md"
BENCHMARKS = ROOT / "benchmarks"

# Cases of benchmarks/results.json to show; the last two end where proofs do.
EXACT = (
    "d2-n400",
    "d2-n1000000",
    "d3-n60",
    "d3-n10000",
    "d3-n100000",
    "d4-n10000",
    "d4-n100000",
    "d5-n2000",
    "d6-n1000",
    "d7-n500",
)
GATES = ("gates-d20-n500-0.01-0.0001", "gates-d50-n1000-0.01-0.0001", "cones-d20-n500")
TASKS = {
    ("ecg", 1): "ECG, 1 ahead",
    ("ecg", 4): "ECG, 4 ahead",
    ("pulse", 1): "pulse, 1 ahead",
    ("pulse", 4): "pulse, 4 ahead",
}


NAMES = {
    "convex": "network, certified",
    "adam": "network, Adam",
    "gated": "gated network, certified over its gates",
    "lasso": "Lasso, 21 samples",
}


def rows(name):
    from hidden_convexity.companion.sweeps import read_sweep

    return read_sweep(BENCHMARKS / "experiments" / f"{name}.csv")


def table(header, lines):
    cells = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _cases(file):
    return json.loads((BENCHMARKS / file).read_text(encoding="utf-8"))["cases"]


def _time(case, program):
    """Seconds of a program in a case, with its gap where that is larger than what was asked for."""
    found = case["programs"].get(program)
    if found is None:
        return ""
    if found["status"] != "finished":
        return found["status"]
    late = found["gap"] is not None and found["gap"] > case["tol"]
    seconds = found["seconds"]
    text = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"
    return text + (f", gap {found['gap']:.0e}" if late else "")


def training():
    """Seconds of exact training beside other programs."""
    cases, programs = _cases("results.json"), ("ours", "cvxpy", "pyscnn", "adam")
    lines = []
    for name in EXACT:
        case = cases[name]
        start = [str(case["d"]), f"{case['n']:,}", f"{case['share']:g}", f"{case['tol']:.0e}"]
        lines.append(start + [_time(case, program) for program in programs])
    names = ["CVXPY, all chambers", "pyscnn", "Adam, ten seeds"]
    return table(["d", "n", "decay", "gap asked for", "ours, proven, s", *names], lines)


def gates():
    """Seconds over given gates beside other programs."""
    cases, lines = _cases("results-fixed-gates.json"), []
    for name in GATES:
        case = cases[name]
        cones = "with cones" if case["cones"] else "gated"
        ours, theirs = ("cones", "pyscnn_cones") if case["cones"] else ("gated", "pyscnn_gated")
        start = [cones, str(case["d"]), f"{case['n']:,}", str(case["gates"]), f"{case['share']:g}"]
        lines.append(start + [_time(case, one) for one in (ours, theirs, "skglm", "cvxpy_cones")])
    header = ["program", "d", "n", "gates", "decay", "ours, s", "pyscnn", "skglm", "CVXPY"]
    return table(header, lines)


def prediction():
    """Median test errors over ten folds, at the network's window, then at each method's best."""
    stored = rows("prediction")
    medians = {}
    for row in stored:
        key = row["method"], (row["signal"], row["horizon"]), row["window"]
        medians.setdefault(key, []).append(row["test_error"])
    medians = {key: np.median(errors) for key, errors in medians.items()}
    lines = []
    for method in dict.fromkeys(row["method"] for row in stored):
        line = [method]
        for task in TASKS:
            here = {w: medians[method, task, w] for w in (3, 8, 32) if (method, task, w) in medians}
            best = min(here, key=here.get)
            line.append(f"{here[3]:.2g} ({here[best]:.2g} of {best})")
        lines.append(line)
    return table(["3 samples (best of 3, 8, 32)", *TASKS.values()], lines)


def denoising():
    """Median errors over ten folds and noises, in units of the noise's power."""
    stored, lines = rows("denoising"), []
    levels = sorted({row["level"] for row in stored})
    for method, window in dict.fromkeys((row["method"], row["window"]) for row in stored):
        line = [f"{method}, {window} samples" if window else method]
        for level in levels:
            some = [
                row["test_error"]
                for row in stored
                if (row["method"], row["window"], row["level"]) == (method, window, level)
            ]
            line.append(f"{np.median(some) / level**2:.2f}")
        lines.append(line)
    return table(["method", *(f"noise {level:g}" for level in levels)], lines)


def leads():
    """Test errors of lead reconstruction, the mean over seven leads."""
    stored, lines = rows("leads"), []
    for method in dict.fromkeys(row["method"] for row in stored):
        errors = [row["test_error"] for row in stored if row["method"] == method]
        name = NAMES.get(method, method)
        lines.append([name, f"{np.mean(errors):.3f}", f"{max(errors):.3f}"])
    return table(["method", "mean of seven leads", "worst"], lines)


def digits():
    """Errors on the 8 x 8 digits: the median over seeds at the largest width, and classics."""
    stored, lines = rows("digits"), []
    for method in dict.fromkeys(row["method"] for row in stored):
        most = max(row["width"] for row in stored if row["method"] == method)
        errors = [r["test_error"] for r in stored if (r["method"], r["width"]) == (method, most)]
        size = {"gated": f", {most} gates", "adam": f", {most} neurons"}.get(method, "")
        lines.append([NAMES.get(method, method) + size, f"{np.median(errors):.1%}"])
    return table(["method", "test error"], lines)


def mnist():
    """The lowest test error of each program on MNIST, and what it took."""
    lines = []
    stored = _cases("results-mnist.json")["lines"]
    for program in dict.fromkeys(one["program"] for one in stored):
        best = max(
            (one for one in stored if one["program"] == program),
            key=lambda one: one["test_accuracy"],
        )
        gap = f"{best['gap']:.1%}" if "gap" in best else "none"
        tuning = f"{best['tuning_seconds']:.0f}" if "tuning_seconds" in best else "0"
        wrong = f"{1 - best['test_accuracy']:.1%}"
        lines.append([program, wrong, f"{best['seconds']:.0f}", tuning, gap])
    return table(["program", "test error", "seconds", "of tuning", "proven gap"], lines)


TABLES = (training, gates, prediction, denoising, leads, digits, mnist)


def filled(text):
    """The page with every table as the stored results have it."""
    for make in TABLES:
        mark = f"<!-- {make.__name__} -->"
        block = re.compile(rf"{re.escape(mark)}\n.*?<!-- end -->", re.DOTALL)
        if len(block.findall(text)) != 1:
            raise ValueError(f"{PAGE.name} must hold {mark} once, with <!-- end --> after it")
        made = f"{mark}\n\n{make()}\n\n<!-- end -->"
        text = block.sub(lambda _, made=made: made, text)
    return text


def main():
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
