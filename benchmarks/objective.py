"""What every run returns, and how all of them are judged: by the library, after the clock stops."""

from dataclasses import asdict, dataclass, field

from hidden_convexity import ReLUNetwork


@dataclass(frozen=True)
class Outcome:
    """What a program made of a case.

    Attributes
    ----------
    network : ReLUNetwork, or a pair of gates and weights, or None
        The trained network, if it is a training program: what the problem's `objective` takes.
    lower_bound : float
        A bound on the optimal value that the library proved, or 0.
    curve : list of (seconds, objective)
        On the way, from the start of the clock; empty for a program that tells nothing. Of seeds
        trained one after another: seconds of one, then the objective of each.
    complete : bool
        False if a budget of its own ended the program before its goal.
    numbers : dict of str to float
        Whatever else there is to say.
    """

    network: ReLUNetwork | tuple | None = None
    lower_bound: float = 0.0
    curve: list[tuple[float, ...]] = field(default_factory=list)
    complete: bool = True
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One run as results.json has it.

    Attributes
    ----------
    status : str
        "finished", "did not finish" or "failed: " and why.
    setting : float or None
        The program's setting, where it has several.
    seconds : float or None
        Of the timed part.
    objective : float or None
        P(W, a) of the network, evaluated by the library.
    lower_bound : float
        See `Outcome`.
    peak_mib, before_mib : float or None
        Largest resident memory of the process up to the end of the timed part, and up to its start.
    curve, numbers
        See `Outcome`.
    """

    status: str
    setting: float | None = None
    seconds: float | None = None
    objective: float | None = None
    lower_bound: float = 0.0
    peak_mib: float | None = None
    before_mib: float | None = None
    curve: list = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)


def judge(problem, outcome, setting, seconds, before_mib, peak_mib):
    """The record of a run that came to its end: its objective is recomputed from its network."""
    return Run(
        status="finished" if outcome.complete else "did not finish",
        setting=setting,
        seconds=seconds,
        objective=None if outcome.network is None else problem.objective(outcome.network),
        lower_bound=outcome.lower_bound,
        peak_mib=peak_mib,
        before_mib=before_mib,
        curve=[list(point) for point in outcome.curve],
        numbers=outcome.numbers,
    )


def summarise(case, runs):
    """The entry of one case in results.json.

    Parameters
    ----------
    case : Case
    runs : dict of str to list of Run
        The runs of each program.

    Returns
    -------
    dict
        With the best certified lower bound of all runs, and per program the setting that came
        closest to the optimum (or the first that reached the tolerance), the median over its runs,
        the ratio to the first program, and every run.
    """
    bound = max(run.lower_bound for each in runs.values() for run in each)
    programs = {name: _summary(each, bound, case.tol) for name, each in runs.items()}
    first = programs[case.programs[0]]["seconds"]
    for entry in programs.values():
        known = entry["seconds"] is not None and first is not None
        entry["ratio"] = entry["seconds"] / first if known else None
    about = {key: value for key, value in asdict(case).items() if key not in ("name", "programs")}
    return {**about, "lower_bound": bound, "programs": programs}


def _summary(runs, bound, tol):
    finished = [run for run in runs if run.status == "finished"]
    shown = runs[:1]
    if finished:
        gaps = {run.setting: _gap(run, bound) for run in reversed(finished)}
        good = [run.setting for run in finished if (gaps[run.setting] or 0.0) <= tol]
        best = good[0] if good else min(gaps, key=lambda setting: gaps[setting])
        shown = [run for run in finished if run.setting == best]
    middle = sorted(shown, key=lambda run: run.seconds or 0.0)[(len(shown) - 1) // 2]
    return {
        "status": middle.status,
        "setting": middle.setting,
        "seconds": middle.seconds,
        "gap": _gap(middle, bound),
        "peak_mib": max((run.peak_mib for run in shown if run.peak_mib), default=None),
        "numbers": middle.numbers,
        "runs": [{**asdict(run), "gap": _gap(run, bound)} for run in runs],
    }


def _gap(run, bound):
    """(objective - bound) / objective, not clipped: a negative one is a contradiction to find."""
    if run.objective is None or bound <= 0:
        return None
    return (run.objective - bound) / run.objective
