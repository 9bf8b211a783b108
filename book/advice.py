"""Tables of stored results: `python book/advice.py` writes them into the pages that show them.

Each stands in `book/should-i-use-this.md`, `benchmarks/README.md` or `README.md` between a comment
with its name and one that says `end`. A test compares what is committed with what this makes. Where
a file has not been recorded, its table has no lines.
"""

import json
import re
import sys
import textwrap
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"

# Cases of benchmarks/results.json to show; the last three end where proofs do.
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
    "d8-n500",
)
GATES = ("gates-d20-n500-0.01-0.0001", "gates-d50-n1000-0.01-0.0001", "cones-d20-n500")
# Programs over given gates, ours first, with the names that tables show.
OVER_GATES = {
    "gated": "ours",
    "cones": "ours",
    "adelie": "adelie",
    "adelie_cones": "adelie",
    "skglm": "skglm",
    "pyscnn_gated": "pyscnn",
    "pyscnn_cones": "pyscnn",
    "cvxpy_cones": "CVXPY",
}
# Cases of benchmarks/results-networks.json that tell classes apart, and how many outputs they have.
CLASSES = {
    "gunpoint-3": ("GunPoint, filters of 3 samples", 1),
    "gunpoint-4": ("GunPoint, filters of 4 samples", 1),
    "gunpoint-5": ("GunPoint, filters of 5 samples", 1),
    "digits-2x2": ("digits, even or odd, 2 x 2 pixels", 1),
    "digits-2x2-bias": ("the same, filters with a bias", 1),
    "digits-ten": ("digits, ten classes, 2 x 2 pixels", 10),
    "iris-d3": ("iris, two measurements and a bias", 3),
    "iris-d4": ("iris, three measurements and a bias", 3),
    **dict.fromkeys(
        (
            "logistic-d3-n10000",
            "logistic-d4-n10000",
            "hinge-d3-n1000",
            "hinge-d4-n1000",
            "hinge-d5-n1000",
        ),
        ("Gaussian, one label in ten wrong", 1),
    ),
}
# Dimensions and samples of first calls with more chambers than are gone through in a search.
LARGER_STARTS = ((3, "1,000"), (4, "40"))
# First calls that README shows beside its example.
OTHER_STARTS = (
    "import hidden_convexity",
    "train, d = 2, n = 100",
    "certify, d = 3, n = 30",
    "ConvexReLURegressor, two features",
    "Zonotope, d = 3, n = 12",
    "splines.train, n = 50",
)
# Files of `benchmarks/run.py`, and what they hold.
TIMED = {
    "results.json": "exact training",
    "results-race.json": "times to a gap",
    "results-fixed-gates.json": "programs over given gates",
    "results-networks.json": "other networks",
}
# Gaps that are raced for.
GAPS = (1e-2, 1e-4)
TASKS = {
    ("ecg", 1): "ECG, 1 ahead",
    ("ecg", 4): "ECG, 4 ahead",
    ("pulse", 1): "pulse, 1 ahead",
    ("pulse", 4): "pulse, 4 ahead",
}


NAMES = {
    "network": "network, certified",
    "adam": "network, Adam",
    "lasso": "Lasso, 21 samples",
    "network, 3 atoms": "network, 3 atoms, certified",
}
# Classifiers of images that are no networks: method and width, and what tables call them.
CLASSICS = {
    ("SVM", 0): "support vector machine, Gaussian kernel",
    ("kernel ridge", 0): "kernel ridge regression",
    ("neighbours", 0): "nearest neighbours",
    ("boosting", 0): "boosted trees",
    ("logistic", 0): "logistic regression",
}


def rows(name):
    from hidden_convexity.companion.sweeps import read_sweep

    path = BENCHMARKS / "experiments" / f"{name}.csv"
    return read_sweep(path) if path.exists() else []


def table(header, lines):
    cells = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _stored(file):
    path = BENCHMARKS / file
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"cases": {}}


def _cases(file):
    return _stored(file)["cases"]


def _time(case, program):
    """Seconds of a program in a case, with its gap where that is larger than what was asked for."""
    found = case["programs"].get(program)
    if found is None:
        return ""
    if found["status"] != "finished":
        return found["status"]
    return _seconds(found["seconds"]) + _missed(case, found)


def _missed(case, entry):
    """What a program's gap is, where it is not the one asked for."""
    if entry["gap"] is None:
        trained = any(run["objective"] is not None for run in entry["runs"])
        return ", gap unknown" if trained else ""
    return f", gap {entry['gap']:.0e}" if entry["gap"] > case["tol"] else ""


def _seconds(value):
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def training():
    """Seconds of exact training beside other programs."""
    cases, programs = _cases("results.json"), ("ours", "cvxpy", "pyscnn", "adam")
    lines = []
    for case in (cases[name] for name in EXACT if name in cases):
        start = [str(case["d"]), f"{case['n']:,}", f"{case['share']:g}", f"{case['tol']:.0e}"]
        lines.append(start + [_time(case, program) for program in programs])
    names = ["CVXPY, all chambers", "pyscnn", "Adam, ten seeds"]
    return table(["d", "n", "decay", "gap asked for", "ours, proven, s", *names], lines)


def gates():
    """Seconds over given gates beside other programs."""
    cases, lines = _cases("results-fixed-gates.json"), []
    for case in (cases[name] for name in GATES):
        cones = "with cones" if case["cones"] else "gated"
        times = {OVER_GATES[name]: _time(case, name) for name in case["programs"]}
        start = [cones, str(case["d"]), f"{case['n']:,}", str(case["gates"]), f"{case['share']:g}"]
        others = dict.fromkeys(OVER_GATES.values())
        lines.append(start + [times.get(name, "") for name in others])
    header = ["program", "d", "n", "gates", "decay", "ours, s"]
    return table([*header, *list(dict.fromkeys(OVER_GATES.values()))[1:]], lines)


def over_gates():
    """Times of other programs over given gates in units of ours, all cases."""
    lines, names = [], list(dict.fromkeys(OVER_GATES.values()))
    for name, case in _cases("results-fixed-gates.json").items():
        if name.endswith("agreement"):
            continue
        said = {OVER_GATES[one]: _ratio(case, one) for one in case["programs"]}
        kind = f"{'cones' if case['cones'] else 'gated'}, n = {case['n']:,}, d = {case['d']}"
        start = [kind, f"{case['share']:g}", f"{case['tol']:.0e}", _time(case, _first(case))]
        lines.append(start + [said.get(one, "") for one in names[1:]])
    header = ["program", r"$\beta / \beta_{\max}$", "gap asked for", "ours, s"]
    return table([*header, *names[1:]], lines)


def where_others_win():
    """A sentence about the programs over given gates that reach a gap before ours does."""
    wins = {}
    for case in _cases("results-fixed-gates.json").values():
        for one, entry in case["programs"].items():
            reached = entry["gap"] is not None and entry["gap"] <= case["tol"]
            if reached and entry["ratio"] is not None and entry["ratio"] < 1:
                where = (
                    f"n = {case['n']:,}, d = {case['d']}, decay {case['share']:g}, "
                    f"gap {case['tol']:.0e} ({1 / entry['ratio']:.2g} times)"
                )
                wins.setdefault(OVER_GATES[one], []).append(where)
    said = [f"{name} is quicker than ours at {'; '.join(some)}." for name, some in wins.items()]
    return " ".join(said) or "Over given gates no other program reaches a gap before ours does."


def race():
    """Seconds to a gap: ours, certified; a seed of Adam, and the best of ten."""
    cases, lines = _cases("results-race.json"), []
    for case in cases.values():
        size = f"{case['d']}", f"{case['n']:,}", f"{case['tol']:g}"
        judge = cases[f"race-d{case['d']}-n{case['n']}-{min(GAPS):g}"]
        seeds = seconds_of_seeds(judge, case["tol"])
        reached = sorted(one for one in seeds if np.isfinite(one))
        middle = np.sort(seeds)[(len(seeds) - 1) // 2] if seeds else np.inf
        said = [
            _seconds(middle) if np.isfinite(middle) else "most never",
            f"{len(reached)} of {len(seeds)}",
            _seconds(len(seeds) * reached[0]) if reached else "never",
        ]
        lines.append([*size, _time(case, "ours"), *said])
    names = ["a seed of Adam, median", "seeds that reach it", "best of the seeds, side by side"]
    return table(["d", "n", "gap", "ours, certified, s", *names], lines)


def seconds_of_seeds(case, gap):
    """When each seed of Adam has come within a gap of the case's bound, inf for never.

    Each seed takes the number of steps that suits it best, which favours Adam.
    """
    from hidden_convexity.companion.curves import seconds_to_gap

    curves = [run["curve"] for run in case["programs"]["adam_seeds"]["runs"] if run["curve"]]
    times = [seconds_to_gap(curve, case["lower_bound"], gap) for curve in curves]
    return np.min(times, axis=0).tolist() if times else []


def networks():
    """Other networks: seconds of ours, and the certified gaps of ours, CVXPY and Adam."""
    lines = []
    for name, case in _cases("results-networks.json").items():
        if name.endswith("agreement") or "cells" in case["programs"]:
            continue
        ours, entries = _first(case), case["programs"]
        adam = next((one for one in entries if one.startswith("adam")), None)
        other = next((one for one in entries if one.startswith("cvxpy")), None)
        memory = entries[ours]["peak_mib"]
        lines.append(
            [
                name,
                f"{case['n']:,}",
                f"{case['tol']:.0e}",
                _time(case, ours),
                "" if memory is None else f"{memory / 1024:.1f}",
                *("" if one is None else _time(case, one) for one in (other, adam)),
            ]
        )
    header = ["case", "n", "gap asked for", "ours, s", "GiB", "CVXPY", "Adam, ten seeds"]
    return table(header, lines)


def other_losses():
    """Seconds for classes, by one output or several, and the gap of Adam's best seed."""
    cases, lines = _cases("results-networks.json"), []
    for name, (said, outputs) in CLASSES.items():
        if name in cases:
            case = cases[name]
            kind = [case["loss"], str(outputs), str(case["d"]), f"{case['n']:,}"]
            times = [_time(case, program) for program in ("ours", "adam_pooled")]
            lines.append([said, *kind, f"{case['tol']:.0e}", *times])
    header = ["data", "loss", "outputs", "d", "n", "gap asked for", "ours, proven, s"]
    return table([*header, "Adam, ten seeds"], lines)


def cells_of_outputs():
    """The proof of several outputs' bound: cells and seconds."""
    lines = []
    for name, case in _cases("results-networks.json").items():
        if name.startswith("cells-"):
            entry = case["programs"]["cells"]
            cells = entry["numbers"].get("cells")
            count = "" if cells is None else f"{cells:,.0f}"
            size = [str(case["d"]), f"{case['n']:,}", str(case["outputs"])]
            lines.append([*size, count, _time(case, "cells")])
    return table(["d", "n", "outputs", "cells of a proof to 1e-03", "s"], lines)


def limits():
    """How each file of times was recorded."""
    lines = []
    for file, said in TIMED.items():
        about = _stored(file).get("environment")
        if about:
            jobs = str(about.get("jobs", ""))  # older files do not say
            limit = f"{about['limit_seconds']:.0f}"
            lines.append([f"`{file}`", said, limit, str(about["threads"]), jobs])
    names = ["limit of a run, s", "threads of a process", "cases at a time"]
    return table(["file", "what", *names], lines)


def first_calls():
    """README's words about compilation: processor seconds of whole processes."""
    cases = _cases("results-startup.json")
    example = next(one for name, one in cases.items() if "README" in name)
    larger = [cases[f"train, d = {d}, n = {n}"]["cold"]["seconds"] for d, n in LARGER_STARTS]
    said = textwrap.fill(
        "What is called for the first time compiles, and says so if it takes long: this example "
        f"takes {example['cold']['seconds']:.0f} seconds of a processor then, some 2,500 "
        f"chambers and more (d = 3 and 50 samples) {min(larger):.0f} to {max(larger):.0f}. From "
        "then on Python's start, the imports and this training take "
        f"{example['warm']['seconds']:.1f} s together, until the library's code changes.",
        100,
    )
    return f"{said}\n\n{_starts({name: cases[name] for name in OTHER_STARTS})}"


def startup():
    """Processor seconds of a process that calls once, with numba's cache empty and filled."""
    return _starts(_cases("results-startup.json"))


def _starts(cases):
    lines = [
        [name, *(_seconds(case[cache]["seconds"]) for cache in ("cold", "warm"))]
        for name, case in cases.items()
    ]
    return table(["the process", "first, s", "from then on, s"], lines)


def estimators():
    """The estimators as they come, beside scikit-learn's networks."""
    lines = []
    for data, fits in _cases("results-estimators.json").items():
        for name, found in fits.items():
            scope = f"{found['scope_']}, gap {found['gap_']:.0e}" if "gap_" in found else "none"
            score = f"{found['score']:.3f}" if "score" in found else ""
            lines.append(
                [data, f"{found['samples']:,}", name, score, _seconds(found["seconds"]), scope]
            )
    return table(["data", "n", "estimator", "score", "s", "bound"], lines)


def cluster():
    """Cells of proofs by threads and by workers of a cluster, by the clock."""
    lines = []
    for case in _cases("results-cluster.json").values():
        for name, one in case["lines"].items():
            start = [
                str(case["d"]),
                f"{case['tol']:g}",
                f"{one['cells']:,}",
                name,
                str(one["stacks"]),
            ]
            clock, processors = one["seconds"], one["here"] + one["workers"]
            rates = [f"{one['cells'] / spent:,.0f}" for spent in (clock, processors)]
            lines.append(
                [*start, f"{clock:.1f}", f"{one['here']:.1f}", f"{one['workers']:.1f}", *rates]
            )
    names = [
        "stacks sent",
        "clock, s",
        "here, s",
        "workers, s",
        "cells/s",
        "cells/s of a processor",
    ]
    return table(["d", "gap", "cells", "by", *names], lines)


def _first(case):
    return next(iter(case["programs"]))


def _ratio(case, program):
    """Time of a program in units of ours, with its gap where it missed the one asked for."""
    entry = case["programs"][program]
    if entry["status"] != "finished" or entry["ratio"] is None:
        return entry["status"]
    return _seconds(entry["ratio"]) + _missed(case, entry)


def prediction():
    """Median test errors over ten folds, at the network's window, then at each method's best."""
    stored = rows("prediction")
    medians = {}
    for row in stored:
        # Of a longer window the network sees atoms; no window has both.
        method = row["method"].partition(", ")[0]
        key = method, (row["signal"], row["horizon"]), row["window"]
        medians.setdefault(key, []).append(row["test_error"])
    medians = {key: np.median(errors) for key, errors in medians.items()}
    lines = []
    for method in dict.fromkeys(method for method, _, _ in medians):
        line = [NAMES.get(method, method)]
        for task in TASKS:
            here = {w: medians[method, task, w] for w in (3, 8, 32) if (method, task, w) in medians}
            best = min(here, key=here.get)
            others = f" ({here[best]:.2g} of {best})" if len(here) > 1 else ""
            line.append(f"{here[3]:.2g}{others}")
        lines.append(line)
    return table(["3 samples (best of 3, 8, 32)", *TASKS.values()], lines)


def _said(values, sign=""):
    """A mean over folds, behind it its standard error."""
    from hidden_convexity.companion.folds import mean_and_error

    mean, error = mean_and_error(values)
    return f"{mean:{sign}.3f} ± {error:.3f}"


def sunspots():
    """Test errors on the yearly sunspot numbers over folds, and what each has more.

    More, fold by fold, than the network of two years.
    """
    stored = [row for row in rows("prediction") if row["signal"] == "sunspots"]
    errors = {}
    for row in sorted(stored, key=lambda row: row["fold"]):
        place = row["method"], row["window"], row["horizon"]
        errors.setdefault(place, []).append(row["test_error"])
    horizons, lines = sorted({row["horizon"] for row in stored}), []
    kinds = dict.fromkeys((row["method"], row["window"]) for row in stored)
    for method, window in sorted(kinds, key=lambda kind: kind[1]):
        line = [f"{'network, Adam' if method == 'adam' else method}, {window} years"]
        for horizon in horizons:
            here = np.array(errors[method, window, horizon])
            more = here - errors["network", 2, horizon]
            line += [_said(here), _said(more, "+") if more.any() else ""]
        lines.append(line)
    names = [(f"{horizon} ahead, error", "minus the network's") for horizon in horizons]
    return table(["method", *(name for pair in names for name in pair)], lines)


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
    """Test errors of lead reconstruction in splits of two records, and what each has more.

    An error of a split is the mean over the leads of its record; behind a mean over splits stands
    its standard error.
    """
    stored = rows("leads")
    records = list(dict.fromkeys(row["record"] for row in stored))

    def over_splits(method, record):
        some = [row for row in stored if (row["method"], row["record"]) == (method, record)]
        splits = sorted({row["split"] for row in some})
        return np.array(
            [np.mean([r["test_error"] for r in some if r["split"] == k]) for k in splits]
        )

    lines = []
    for method in dict.fromkeys(row["method"] for row in stored):
        line = [NAMES.get(method, method)]
        for record in records:
            here, ours = over_splits(method, record), over_splits("network", record)
            line += [_said(here), "" if method == "network" else _said(here - ours, "+")]
        lines.append(line)
    names = [(f"{record}, error", "minus the network's") for record in records]
    return table(["method", *(name for pair in names for name in pair)], lines)


def _over_folds(name, ours, names):
    """Test errors over folds, with standard errors, and those of others less ours, fold by fold."""
    from hidden_convexity.companion.folds import mean_and_error

    found = {}
    for row in rows(name):
        found.setdefault((row["method"], row.get("width", 0)), {})[row["fold"]] = row["test_error"]
    folds = sorted({fold for each in found.values() for fold in each})
    errors = {kind: np.array([each[fold] for fold in folds]) for kind, each in found.items()}
    lines = []
    for kind, said in names.items():
        if kind not in errors:
            continue
        mean, error = mean_and_error(errors[kind])
        line = [said, f"{mean:.1%} ± {error:.1%}", "", ""]
        if kind != ours:
            less, doubt = mean_and_error(errors[kind] - errors[ours])
            ahead = int((errors[kind] < errors[ours]).sum())
            line[2:] = f"{100 * less:+.1f} ± {100 * doubt:.1f}", f"{ahead} of {len(folds)}"
        lines.append(line)
    header = ["method", "test error", "less that of the first, points", "folds ahead of it"]
    return table(header, lines)


def digits():
    """Errors on the 8 x 8 digits over folds, networks at a hundred gates or neurons."""
    names = {
        ("gated", 100): "gated network, certified over its 100 random gates",
        ("adam", 100): "network of 100 neurons, Adam",
    }
    return _over_folds("digits", ("gated", 100), names | CLASSICS)


def mnist():
    """Errors on MNIST over folds."""
    names = {
        ("gated", 0): "gated network, certified over its 1,000 random gates",
        ("adam", 0): "network of 1,000 neurons, Adam",
    }
    return _over_folds("mnist", ("gated", 0), names | CLASSICS)


def mnist_seconds():
    """The lowest test error of each program on MNIST, and what it and all weight decays took."""
    lines = []
    stored = _cases("results-mnist.json")["lines"]
    for program in dict.fromkeys(one["program"] for one in stored):
        best = max(
            (one for one in stored if one["program"] == program),
            key=lambda one: one["test_accuracy"],
        )
        gap = f"{best['gap']:.1%}" if "gap" in best else "none"
        wrong = f"{1 - best['test_accuracy']:.1%}"
        spent = [
            one["seconds"] + one.get("tuning_seconds", 0.0)
            for one in stored
            if one["program"] == program
        ]
        last = f"{best['seconds']:.0f}"
        lines.append([program, f"{best['share']:g}", wrong, last, f"{sum(spent):.0f}", gap])
    header = ["program", "decay", "test error", "seconds of its run", "of all four decays"]
    return table([*header, "proven gap"], lines)


# Which tables each page shows.
PAGES = {
    ROOT / "book" / "should-i-use-this.md": (
        training,
        race,
        gates,
        where_others_win,
        other_losses,
        prediction,
        sunspots,
        denoising,
        leads,
        digits,
        mnist,
        mnist_seconds,
        estimators,
    ),
    BENCHMARKS / "README.md": (
        limits,
        race,
        over_gates,
        where_others_win,
        networks,
        cells_of_outputs,
        startup,
    ),
    ROOT / "book" / "machines.md": (cluster,),
    ROOT / "README.md": (first_calls,),
}


def filled(page):
    """The text of a page with every table as the stored results have it."""
    text = page.read_text(encoding="utf-8")
    for make in PAGES[page]:
        mark = f"<!-- {make.__name__} -->"
        block = re.compile(rf"{re.escape(mark)}\n.*?<!-- end -->", re.DOTALL)
        if len(block.findall(text)) != 1:
            raise ValueError(f"{page.name} must hold {mark} once, with <!-- end --> after it")
        made = f"{mark}\n\n{make()}\n\n<!-- end -->"
        text = block.sub(lambda _, made=made: made, text)
    return text


def main():
    for page in PAGES:
        page.write_text(filled(page), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
