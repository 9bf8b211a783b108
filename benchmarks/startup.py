"""What a reader waits for at first: imports and first calls, without compiled code and with it.

    python -m benchmarks.startup [CASE...]

prints a table, and writes results-startup.json when all cases were run. Each case is a program of
its own, run twice: numba's cache is empty the first time, and as the first run left it the second
time. Counted are all seconds of its processor, imports and Python's own start included, so that
other work on the machine matters little; `calling` is the last line alone, called again.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import results
from benchmarks.run import OWN, ROOT, THREAD_VARIABLES

STORE = Path(__file__).with_name("results-startup.json")

# README's data; other shapes are made alike.
DATA = """
import numpy as np
import hidden_convexity as hc
def data(n, d):
    X = np.random.default_rng(0).normal(size=(n, d))
    return X, np.sin(X[:, 0]) + np.abs(X[:, 1])
def problem(n, d):
    X, y = data(n, d)
    return hc.TrainingProblem(X, y, 0.01 * hc.beta_max(X, y))
"""
# What is written after that, the last line an expression.
CASES = {
    "import hidden_convexity": "None",
    "train, README's example: d = 3, n = 30": "hc.train(problem(30, 3))",
    "train, d = 2, n = 100": "hc.train(problem(100, 2))",
    "train, d = 3, n = 1,000": "hc.train(problem(1000, 3))",
    "train, d = 4, n = 40": "hc.train(problem(40, 4))",
    "train, 50 sampled patterns, d = 5": (
        "hc.train(hc.TrainingProblem(*data(100, 5), 0.1), patterns=50)"
    ),
    "train, no proof, d = 6": "hc.train(hc.TrainingProblem(*data(200, 6), 1.0), proof=False)",
    "certify, d = 3, n = 30": (
        "hc.certify(hc.ReLUNetwork(np.eye(3), np.ones(3)), hc.TrainingProblem(*data(30, 3), 0.1))"
    ),
    "ConvexReLURegressor, two features": (
        "from hidden_convexity.estimators import ConvexReLURegressor\n"
        "ConvexReLURegressor().fit(*data(60, 2))"
    ),
    "Zonotope, d = 3, n = 12": "hc.Zonotope(data(12, 3)[0]).vertices",
    "splines.train, n = 50": "hc.splines.train(*data(50, 2)[0].T, 0.1)",
}
# Printed by each program: seconds of a second call, and of its whole process until then.
CLOCK = """
import json, resource, sys
from time import process_time
began = process_time()
{}
calling = process_time() - began
from numba.core.dispatcher import Dispatcher
import gc
ours = [one for one in gc.get_objects() if isinstance(one, Dispatcher)]
ours = [one for one in ours if one.py_func.__module__.startswith("hidden_convexity.")]
compiled = sum(len(one.signatures) for one in ours)
print(json.dumps({{"seconds": began, "calling": calling, "compiled": compiled}}))
"""


def measure(body, cache):
    """Seconds of a program's processor, of a second call of its last line, and what it compiled."""
    program = DATA + body + CLOCK.format(body.splitlines()[-1])
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
    environment |= {"NUMBA_CACHE_DIR": str(cache), "TQDM_DISABLE": "1"}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(ran.stdout.splitlines()[-1])


def cold_and_warm(body):
    """The two measurements of a case."""
    with TemporaryDirectory() as cache:
        return {"cold": measure(body, cache), "warm": measure(body, cache)}


def table(cases):
    """One line for each case, in seconds."""
    lines = [f"{'':40}{'cold':>7}{'warm':>7}{'again':>8}  compiled"]
    for name, one in cases.items():
        cold, warm = one["cold"], one["warm"]
        seconds = f"{cold['seconds']:7.1f}{warm['seconds']:7.2f}{warm['calling']:8.3f}"
        lines.append(f"{name:40}{seconds}  {cold['compiled']:8}")
    return "\n".join(lines)


def main(names):
    cases = {}
    for name, body in CASES.items():
        if not names or name in names:
            print(f"  {name}", file=sys.stderr, flush=True)
            cases[name] = cold_and_warm(body)
    print(table(cases))
    if len(cases) == len(CASES):
        results.write(STORE, results.environment(1, None, OWN), cases)


if __name__ == "__main__":
    main(sys.argv[1:])
