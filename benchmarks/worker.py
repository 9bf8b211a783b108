"""One run in a process of its own: warm up, start the clock, run, stop it, judge.

    python -m benchmarks.worker CASE PROGRAM ROUND LIMIT

prints one `Run` as JSON on the last line of its output. At the limit the process is ended by the
alarm signal, wherever it is, compiled code included: that is how the parent learns of it.
"""

import importlib
import json
import resource
import signal
import sys
from dataclasses import asdict
from time import perf_counter

from benchmarks.cases import BY_NAME
from benchmarks.objective import judge

# ru_maxrss is in bytes on macOS and in KiB elsewhere.
PEAK_UNIT = 2**20 if sys.platform == "darwin" else 2**10


def program(name):
    """The module of a program, whichever of the two folders it is in."""
    try:
        return importlib.import_module(f"benchmarks.solvers.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"benchmarks.solvers.{name}":
            raise
        return importlib.import_module(f"benchmarks.tasks.{name}")


def settings(module):
    return getattr(module, "SETTINGS", (None,))


def measure(case, name, round_, limit):
    """Run one program once on a case, with the setting whose turn it is."""
    module = program(name)
    setting = settings(module)[round_ % len(settings(module))]
    small = case.warm_up()
    problem = small.problem()
    module.run(problem, small, module.prepare(problem, small), settings(module)[0])

    problem = case.problem()
    state = module.prepare(problem, case)
    before = peak_mib()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit)
    start = perf_counter()
    result = module.run(problem, case, state, setting)
    seconds = perf_counter() - start
    signal.setitimer(signal.ITIMER_REAL, 0)
    peak = peak_mib()
    outcome = module.outcome(problem, state, result, seconds)
    return judge(problem, outcome, setting, seconds, before, peak)


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PEAK_UNIT


if __name__ == "__main__":
    case, name, round_, limit = sys.argv[1:]
    print(json.dumps(asdict(measure(BY_NAME[case], name, int(round_), float(limit)))))
