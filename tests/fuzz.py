"""Try the library on trouble without end: python tests/fuzz.py --seed 1 --seconds 300.

Data sets are made from the seed, tried by a judge each, and whatever a judge complains of is made
smaller and saved in fuzz_cases/, where a test replays it for ever.
"""

import argparse
import json
import secrets
import sys
import time
from collections import Counter
from pathlib import Path

import exact
import judge
import numpy as np
import trouble

import hidden_convexity as hc

CASES = Path(__file__).parent / "fuzz_cases"
LOSSES = "squared", "logistic", "hinge"
# Judges, columns of X (from, to), most rows, losses, and how often: in the plane the exact maximum
# takes a millisecond, training and its searches a few tenths of a second. Where there is more than
# one loss, samples have weights.
PLAN = (
    ("plane", (2, 2), 8, ("squared",), 900),
    ("oracles", (2, 2), 7, ("squared",), 20),
    ("oracles", (3, 3), 6, ("squared",), 12),
    ("oracles", (4, 5), 5, ("squared",), 3),
    ("outputs", (2, 4), 5, ("squared",), 6),
    ("checker", (2, 4), 5, ("squared",), 12),
    ("beta_max", (2, 4), 5, ("squared",), 30),
    ("free_terms", (2, 3), 9, LOSSES, 30),
    ("dual_bound", (2, 2), 6, LOSSES, 30),
    ("training", (2, 2), 7, LOSSES, 16),
    ("training", (3, 5), 6, LOSSES, 4),
    ("path", (2, 3), 5, LOSSES, 2),
    ("line", (2, 2), 7, ("squared",), 3),
    ("row", (2, 5), 6, ("squared",), 40),
)
# Seconds after which a case is named for being slow; the first ones wait for compilation.
SLOW = 10.0
# Significant digits that are tried, the fewest first, when a case is made smaller.
DIGITS = 1, 3, 6


def judged(case):
    """The verdict on a case, a dict of `judge` and its judge's arguments."""
    arguments = {key: value for key, value in case.items() if key not in ("judge", "fault")}
    return getattr(judge, f"judge_{case['judge']}")(**arguments)


def complaints(case):
    """The judge's complaints; whatever is raised is one."""
    try:
        return judged(case).complaints
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def data_set(seed, number):
    """The kind of trouble and the case, as for `judged`, of one number of a seed."""
    rng = np.random.default_rng([seed, number])
    kind = list(trouble.KINDS)[number % len(trouble.KINDS)]
    shares = np.array([share for *_, share in PLAN], dtype=float)
    name, columns, rows, losses, _ = PLAN[rng.choice(len(PLAN), p=shares / shares.sum())]
    weighted = len(losses) > 1
    made = trouble.case(int(rng.integers(2**32)), kind, columns, rows, losses, weighted)
    X, y, loss = made.X.tolist(), made.y.tolist(), made.loss
    if name in ("plane", "oracles", "outputs", "checker"):
        return kind, {"judge": name, "X": X, "nu": y}
    if name == "row":
        row = trouble.ROWS[rng.integers(len(trouble.ROWS))]
        return kind, {"judge": name} | trouble.row_case(int(rng.integers(2**32)), kind, row, rows)
    if name == "beta_max":
        return kind, {"judge": name, "X": X, "y": y}
    if name == "free_terms":
        return kind, {"judge": name} | near_free_terms(made, rng)
    if name == "line":
        return kind, {"judge": name, "x": made.line.tolist(), "y": y, "share": made.share}
    beta = weight_decay(made)
    case = {"judge": name, "X": X, "y": y, "loss": loss}
    if made.sample_weight is not None:
        case["sample_weight"] = made.sample_weight.tolist()
    if name == "path":
        return kind, case | {"betas": [beta, beta * 0.3, beta * 0.1]}
    if name == "dual_bound":
        nu = rng.uniform(-0.1, 1.0, size=len(y)) * np.where(made.y == 0, 1.0, made.y)
        if made.sample_weight is not None:
            kept = made.sample_weight > 0  # a dual point is one of the samples that count
            case |= {key: np.array(case[key])[kept].tolist() for key in ("X", "y", "sample_weight")}
            nu = (made.sample_weight * nu)[kept]
        return kind, case | {"beta": beta, "nu": nu.tolist()}
    return kind, case | {"beta": beta, "seed": number}


def near_free_terms(made, rng, classes=3):
    """Classes at random, and a point of the softmax loss about orthogonal to free terms."""
    X, w, n = made.X, made.sample_weight, len(made.X)
    if w is not None:
        X, w, n = X[w > 0], w[w > 0], int((w > 0).sum())
    y = np.eye(classes)[rng.integers(classes, size=n)]
    skip = bool(rng.integers(2))
    free = {"skip": skip, "intercept": bool(not skip or rng.integers(2))}
    problem = hc.TrainingProblem(X, y, 1.0, "softmax", sample_weight=w, **free)
    own, terms = rng.standard_normal((n, classes)), problem.free_terms
    outputs = own + terms.basis @ terms.fit(problem, own)
    nu, masses = problem.loss_residual(outputs), problem.loss_curvature(outputs)
    nu = terms.balance(nu, masses) if len(terms) else nu
    noise = masses.min(axis=1, keepdims=True) * rng.standard_normal(masses.shape)
    noise -= noise.mean(axis=1, keepdims=True) * rng.integers(2)
    nu = nu + 10.0 ** rng.uniform(-18, -1) * noise
    scale = 1.0 if w is None else w[:, None]
    case = {"X": X.tolist(), "y": y.tolist(), "nu": np.minimum(nu, scale * y).tolist()} | free
    return case if w is None else case | {"sample_weight": w.tolist()}


def weight_decay(made):
    """The share of beta_max, or 1 where that is 0, within what the library takes."""
    weights = 1.0 if made.sample_weight is None else made.sample_weight
    most = judge.sqrt_of(exact.maximum_squared(made.X, weights * made.y))
    most *= 0.5 if made.loss == "logistic" else 1.0
    return float(np.clip(made.share * most or 1.0, 1e-150, 1e150))


def smaller(case):
    """A case with fewer rows and digits about which there still is the first complaint's kind."""
    kind = complaints(case)[0].split(" at ")[0].split(":")[0]

    def still(other):
        return valid(other) and any(told.startswith(kind) for told in complaints(other))

    rows = [key for key in ("X", "x", "y", "nu", "sample_weight") if key in case]
    k = 0
    while k < len(case["y" if "y" in case else "nu"]) > 1:
        shorter = case | {key: case[key][:k] + case[key][k + 1 :] for key in rows}
        if still(shorter):
            case = shorter
        else:
            k += 1
    for key in [*rows, "beta", "share"]:
        for digits in DIGITS:
            if key in case:
                rounder = case | {key: rounded(case[key], digits)}
                if still(rounder):
                    case = rounder
                    break
    return case


def valid(case):
    """Whether rounding has left what the library takes: labels, positive numbers, sizes."""
    positive = all(case.get(key, 1.0) > 0 for key in ("beta", "share"))
    labels = case.get("loss", "squared") == "squared" or set(case["y"]) <= {-1.0, 1.0}
    return positive and labels and max(case.get("sample_weight", [1.0])) > 0


def rounded(value, digits):
    if isinstance(value, list):
        return [rounded(entry, digits) for entry in value]
    return float(f"{value:.{digits}g}")


def save(case, kind, seed, number, told):
    """Write a failing case; returns its path."""
    CASES.mkdir(exist_ok=True)
    path = CASES / f"{case['judge']}-{kind.replace('_', '-')}-{seed}-{number}.json"
    path.write_text(json.dumps({"fault": told[0]} | case, indent=1) + "\n")
    return path


class Tally:
    """What has been tried and what was found."""

    def __init__(self):
        self.tried, self.failed, self.slack, self.gap = Counter(), Counter(), {}, Counter()

    def judge(self, kind, case):
        """Judge one case; returns the complaints."""
        name = case["judge"]
        self.tried[name, kind] += 1
        began = time.monotonic()
        try:
            verdict = judged(case)
            told = verdict.complaints
            self.slack[name] = min(self.slack.get(name, np.inf), verdict.slack)
            self.gap[name] = max(self.gap[name], verdict.gap)
        except Exception as error:
            told = [f"{type(error).__name__}: {error}"]
        self.failed[name, kind] += bool(told)
        if time.monotonic() - began > SLOW:
            print(f"{name}, {kind}: {time.monotonic() - began:.0f} s", flush=True)
        return told

    def show(self):
        print(f"{self.tried.total()} data sets, {self.failed.total()} failed")
        for name in dict.fromkeys(name for name, *_ in PLAN):
            count = sum(self.tried[name, kind] for kind in trouble.KINDS)
            bad = {k: self.failed[name, k] for k in trouble.KINDS if self.failed[name, k]}
            print(
                f"  {name}: {count}, least slack {self.slack.get(name, np.inf):.1e}, largest gap "
                f"{self.gap[name]:.1e}, failed {bad or 'none'}"
            )
        names = {name for name, _ in self.tried}
        kinds = {k: sum(self.tried[name, k] for name in names) for k in trouble.KINDS}
        print("  of each kind: " + ", ".join(f"{k} {count}" for k, count in kinds.items()))


def run(seed, seconds=np.inf, most=sys.maxsize, saving=True):
    """Try data sets until the time or their number is up, or Ctrl-C; returns how many failed."""
    started, tally, number = time.monotonic(), Tally(), 0
    try:
        while time.monotonic() - started < seconds and number < most:
            kind, case = data_set(seed, number)
            told = tally.judge(kind, case)
            if told:
                print(f"{case['judge']}, {kind}, number {number}: {told[0]}", flush=True)
            if told and saving:
                least = smaller(case)
                print(f"  saved {save(least, kind, seed, number, complaints(least) or told)}")
            number += 1
    except KeyboardInterrupt:
        print("interrupted")
    tally.show()
    return tally.failed.total()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--most", type=int, default=sys.maxsize, help="data sets at most")
    parser.add_argument("--no-saving", action="store_true")
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    sys.exit(run(seed, options.seconds, options.most, not options.no_saving) > 0)
