"""This library on a row of the table of architectures: the row's own `train`."""

from benchmarks.objective import Outcome


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return problem.row.train(problem.X, problem.y, problem.beta, tol=case.tol)


def outcome(problem, state, solution, seconds):
    # Sampled bounds hold for the gates that all programs of a case share.
    return Outcome(
        network=solution.network,
        lower_bound=0.0 if solution.scope == "searched" else solution.lower_bound,
        curve=[(step.seconds, step.objective) for step in solution.history],
        numbers={"iterations": len(solution.history), "neurons": solution.network.width},
    )
