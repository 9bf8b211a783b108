"""One run in a process of its own: warm up, start the clock, run, stop it, judge.

    python -m benchmarks.worker CASE PROGRAM SETTING LIMIT CORES

prints one `Run` as JSON on the last line of its output; SETTING is a number or `null`, CORES lists
those that the process is kept to, `[]` for all. At the limit
the process is ended by the alarm signal, wherever it is, compiled code included: that is how the
parent learns of it.
"""

import importlib
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from time import perf_counter

from benchmarks.objective import judge
from benchmarks.suites import BY_NAME

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
    """The module's settings, from the fastest to the most accurate; None where it has no choice."""
    return getattr(module, "SETTINGS", (None,))


def measure(case, name, setting, limit):
    """Run one program once on a case."""
    module = program(name)
    small = case.warm_up()
    problem = small.problem()
    first = getattr(module, "WARM_UP", settings(module)[0])
    module.run(problem, small, module.prepare(problem, small), first)

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


def peak_mib(usage=None):
    """Largest resident memory so far: of this process, or of the one whose usage is given."""
    usage = usage or resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_maxrss / PEAK_UNIT


if __name__ == "__main__":
    case, name, *numbers = sys.argv[1:]
    setting, limit, cores = map(json.loads, numbers)
    if cores:
        os.sched_setaffinity(0, cores)
    print(json.dumps(asdict(measure(BY_NAME[case], name, setting, limit))))
