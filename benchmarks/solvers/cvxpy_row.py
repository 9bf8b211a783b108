"""A row's convex program in CVXPY, solved by Clarabel and decoded."""

from benchmarks.objective import Outcome


def prepare(problem, case):
    return problem.row.convex_program(problem.X, problem.y, problem.beta)


def run(problem, case, program, setting):
    program.solve()
    return problem.row.decode(program)


def outcome(problem, program, network, seconds):
    return Outcome(network=network)
