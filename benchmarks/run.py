"""Run the benchmark: every program on every case, each run in a fresh process; one table.

    python -m benchmarks.run [CASE...]       patterns such as 'd3-*' select cases; default: all

Each case is stored in build/benchmarks.json when it is done, so that an interrupted run goes on
where it was. When all cases of a suite are there, its file is written: benchmarks/results.json for
exact training, benchmarks/results-race.json for the time to a gap of ours and of each seed of Adam,
benchmarks/results-fixed-gates.json for programs over given gates, and
benchmarks/results-networks.json for other networks, with several outputs and rows of the table of
architectures.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from fnmatch import fnmatch
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryFile

from benchmarks import results, worker
from benchmarks.objective import Run, summarise
from benchmarks.suites import BY_NAME, SUITES

ROOT = Path(__file__).resolve().parent.parent
# Packages that only the benchmark needs, and the programs that find them there.
OWN = ROOT / "build" / "pyscnn"
WITH_OWN_PACKAGES = ("pyscnn", "adelie")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
# Runs of each program, each in a fresh process; one that has taken this long on a case is not
# repeated.
REPETITIONS = 3
REPEAT_BELOW = 60.0
# Nor are these: the sharp bound is wanted once, and the best of ten seeds has been repeated.
ONCE = ("bound", "adam_pooled", "adam_row")
# Relative differences to our optimum in the cases that end in "agreement". Clarabel solves to
# 1e-10; pyscnn has been seen 4e-5 off there, and another convention would be off by far more than
# 1e-3.
AGREEMENT = {
    "cvxpy": 1e-6,
    "cvxpy_pooled": 1e-6,
    "pyscnn": 1e-3,
    "adelie": 1e-5,
    "adelie_cones": 1e-5,
    "skglm": 1e-5,
    "pyscnn_gated": 1e-5,
    "pyscnn_cones": 1e-3,
    "cvxpy_cones": 1e-6,
    "cvxpy_row": 1e-6,
}
# No objective can be this much below a proven bound: one of the two is wrong.
IMPOSSIBLE_GAP = -1e-7


def run_case(case, given, cores=()):
    """Run all programs of a case in turn, `REPETITIONS` times over, and return its entry.

    `cores` are those that its processes are kept to, with `given.threads` threads; all, if empty.
    """
    names = [name for name in case.programs if name not in given.without]
    runs = {name: [] for name in names}
    for round_ in range(REPETITIONS):
        for name in names:
            if _again(name, runs[name]):
                print(f"  {case.name}  {name}  {round_ + 1}", file=sys.stderr, flush=True)
                asked = (round_, given.limit, given.threads, cores)
                runs[name].append(run_once(case.name, name, *asked))
    return summarise(case, runs)


def _again(name, runs):
    """Whether a program gets another run: some, and long ones, are wanted once."""
    if not runs:
        return True
    spent = sum(run.seconds or REPEAT_BELOW for run in runs)
    return name not in ONCE and runs[-1].status == "finished" and spent < REPEAT_BELOW


def run_cases(cases, given):
    """Yield each case with its entry, `given.jobs` cases at a time, each on cores of its own."""
    if given.jobs == 1:  # on all cores, and interrupted wherever it is
        yield from ((case, run_case(case, given)) for case in cases)
        return
    free, all_cores = SimpleQueue(), sorted(os.sched_getaffinity(0))
    for job in range(given.jobs):
        free.put(all_cores[job :: given.jobs])

    def one(case):
        cores = free.get()
        try:
            return case, run_case(case, given, cores)
        finally:
            free.put(cores)

    pool = ThreadPoolExecutor(given.jobs)
    try:
        for done in as_completed([pool.submit(one, case) for case in cases]):
            yield done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def run_once(case, name, round_, limit, threads, cores=()):
    """Run one program once, in a process of its own, with the setting whose turn it is."""
    choice = worker.settings(worker.program(name))
    setting = choice[round_ % len(choice)]
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    environment |= {"PYTHONHASHSEED": "0", "TQDM_DISABLE": "1"}
    if name.startswith(WITH_OWN_PACKAGES):
        # For these alone: PyTorch behaves differently where it finds opt_einsum.
        search = [str(OWN), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(search)
    numbers = [json.dumps(setting), json.dumps(limit), json.dumps(list(cores))]
    command = [sys.executable, "-m", "benchmarks.worker", case, name, *numbers]
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=errors)
        # Not process.wait(): only this tells the memory of a process that was ended by its alarm.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said, failed = lines(output), lines(errors)
    if process.returncode == 0:
        return Run(**json.loads(said[-1]))
    if process.returncode == -signal.SIGALRM:
        return Run("did not finish", setting, peak_mib=worker.peak_mib(usage))
    reason = failed[-1] if failed else f"exit status {process.returncode}"
    return Run(f"failed: {reason}", setting)


def lines(file):
    """What was written into an open file."""
    file.seek(0)
    return file.read().strip().splitlines()


def complaints(case, entry):
    """What in a case's entry shows that a program failed, or solved another problem."""
    programs = entry["programs"]
    for name, one in programs.items():
        for run in one["runs"]:
            if run["status"].startswith("failed"):
                yield f"{case.name}, {name}: {run['status']}"
            if run["gap"] is not None and run["gap"] < IMPOSSIBLE_GAP:
                yield f"{case.name}, {name}: {-run['gap']:.1e} below a proven bound"
    if case.name.endswith("agreement"):
        for name in AGREEMENT.keys() & programs.keys():
            gaps = [programs[one]["gap"] for one in (name, case.programs[0])]
            if None in gaps or abs(gaps[0] - gaps[1]) > AGREEMENT[name]:
                yield f"{name} and ours have different optimal values: gaps {gaps}"


def main():
    given = arguments()
    selected = [case for case in BY_NAME.values() if _asked(case, given)]
    # Nothing is timed before everybody is seen to solve the same problem.
    agreed = [
        case
        for case in BY_NAME.values()
        if case.name.endswith("agreement")
        and any(set(one.programs) & set(case.programs) for one in selected)
    ]
    selected = [*agreed, *(case for case in selected if case not in agreed)]
    wanted = {name for case in selected for name in case.programs} - set(given.without)
    missing = [name for name in wanted if name.startswith(WITH_OWN_PACKAGES)]
    if missing and not all((OWN / folder).is_dir() for folder in ("scnn", "adelie")):
        sys.exit(
            f"packages for {', '.join(sorted(missing))} are not in build/pyscnn: use `make bench`, "
            "or --without these"
        )

    about = results.environment(given.threads, given.limit, OWN)
    about |= {"jobs": given.jobs, "without": sorted(given.without)}
    stored = results.read(given.store)
    # Times of another machine, other versions or other code are not mixed with these.
    entries = stored["cases"] if stored and stored["environment"] == about else {}
    bad = []
    for group in (agreed, [case for case in selected if case not in agreed]):
        # What is asked for by name is run again.
        kept = [
            case
            for case in group
            if case.name in entries and (given.cases == ["*"] or not _asked(case, given))
        ]
        for case in kept:
            print(f"  {case.name}  kept", file=sys.stderr)
        for case, entry in run_cases([one for one in group if one not in kept], given):
            bad = list(complaints(case, entry))
            if bad:
                break
            entries[case.name] = entry
            results.write(given.store, about, _in_order(entries))
        if bad:
            break
    shown = {case.name: entries[case.name] for case in selected if case.name in entries}
    print(results.table(shown))
    if bad:
        print(*bad, sep="\n", file=sys.stderr)
        return 1
    for file, cases in SUITES.items():
        if all(_asked(case, given) for case in cases) and not given.without:
            results.write(file, about, {case.name: entries[case.name] for case in cases})
    return 0


def _in_order(entries):
    return {name: entries[name] for name in BY_NAME if name in entries}


def _asked(case, given):
    return any(fnmatch(case.name, one) for one in given.cases)


def arguments():
    pinning = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if pinning else os.cpu_count()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=["*"], metavar="CASE")
    parser.add_argument(
        "--jobs", type=int, default=1, help="cases at a time, on cores of their own"
    )
    parser.add_argument("--threads", type=int, help="for every program alike; default: its cores")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for the timed part")
    parser.add_argument("--without", action="append", default=[], metavar="PROGRAM")
    parser.add_argument("--store", type=Path, default=ROOT / "build" / "benchmarks.json")
    given = parser.parse_args()
    if not 1 <= given.jobs <= (cores if pinning else 1):
        parser.error(f"--jobs takes 1 to {cores if pinning else 1}, cores for one job at least")
    given.threads = given.threads or cores // given.jobs
    unknown = [one for one in given.cases if not any(fnmatch(name, one) for name in BY_NAME)]
    if unknown:
        parser.error(f"no case matches {', '.join(unknown)}; the cases are {', '.join(BY_NAME)}")
    programs = {name for case in BY_NAME.values() for name in case.programs}
    if not programs >= set(given.without):
        parser.error(f"--without takes one of {', '.join(sorted(programs))}")
    return given


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        os._exit(130)  # the threads of other jobs would go on to the end of their cases
