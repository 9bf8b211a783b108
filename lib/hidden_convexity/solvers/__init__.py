"""Training: one entry, several methods, one kind of answer.

Read `solution` (what every method returns), `train` here (which method answers what), then
`column_generation` (all patterns: restricted program, oracle, again), `fixed_gates` (given ones),
`reference` (the same program in CVXPY) and `descent` (Adam, for comparison). Hands on `Solution`.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from hidden_convexity.foundations.blas import one_blas_thread
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.foundations.reach import OutOfReach
from hidden_convexity.foundations.validation import flag, positive_number, real_array
from hidden_convexity.geometry.arrangement import FEWER, Arrangement, TooManyChambers
from hidden_convexity.geometry.hyperplanes import coordinates
from hidden_convexity.oracle.cluster import checked_client
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.problem.encoding import output_heads
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers import column_generation, reference
from hidden_convexity.solvers.coarse import COARSEN_ABOVE, coarse_start, drawn_start
from hidden_convexity.solvers.fixed_gates import cones
from hidden_convexity.solvers.given_patterns import checked_patterns, given_patterns, with_patterns
from hidden_convexity.solvers.moving import MovingProgram, MovingSharedProgram
from hidden_convexity.solvers.oracles import Oracles
from hidden_convexity.solvers.solution import Solution, Step

__all__ = ["Solution", "Step", "train", "train_path"]


# Ascents from fresh random directions, under both signs, that must all fail to find a violator
# before a search without proof ends.
LAST_SEARCH = 256
# Above this rank the search without proof lets neurons move instead of solving for them exactly.
# Its last search has fewer starts: at d = 64, n = 10,000 ascents are most of the time.
MOVING_ABOVE_RANK, LAST_SEARCH_MOVING = 16, 32
# With several outputs searches miss more, and sharp proofs take longer: violators come from a loose
# one while there are any.
LOOSE_PROOF = 0.02


def train(
    problem,
    patterns="all",
    tol=1e-6,
    solver=None,
    proof=True,
    max_seconds=None,
    progress=False,
    client=None,
):
    """Train a two-layer ReLU network to a certified relative duality gap.

    Parameters
    ----------
    problem : TrainingProblem
        Data, targets and weight decay. With targets (n, c), of the squared or the softmax loss,
        neurons feed all c outputs over "all" patterns, and one output each over given ones (see
        Notes). The hinge loss goes with "all" patterns, or with `solver="cvxpy"`.
    patterns : "all", Arrangement or int
        "all": networks of every width; the answer is globally optimal up to `tol`. An
        `Arrangement` of problem.X: networks whose neurons lie in its chambers. An integer: as many
        random directions are drawn (`Arrangement.sample` with seed 0) and their chambers used. A
        complete `Arrangement` means the same as "all" if there is one output.
    tol : float
        Relative duality gap at which to stop, > 0. Below about 1e-9, double precision may end
        first; the solution's `gap` says what was reached.
    solver : None or "cvxpy"
        None: column generation over "all", Newton's method over given patterns. "cvxpy": the
        full program in CVXPY, for reference; it ignores `tol`.
    proof : bool
        True: the gap is proven. False, for patterns "all" only: the gap holds if no neuron better
        than those found exists, which ascents from many directions have looked for; this works in
        any dimension and is evidence, not proof. Above rank 16 (not for the hinge loss) neurons
        descend P, which is not convex, between convex programs over their lengths: gaps of 1e-2 are
        what to ask for, and with a smaller `tol` training ends when three rounds gain nothing.
    max_seconds : float or None
        Budget of search and proof together, > 0, looked at between their steps. None: training ends
        at `tol` or at the end of double precision, and each proof after a minute at most, or ten
        with several outputs.
    progress : bool
        Show progress bars on stderr, of the training and within it of each proof, where they take
        more than a second. The reference shows none.
    client : distributed.Client or None
        A Dask cluster whose workers explore the cells of a proof, where branch and bound proves;
        None: threads of this process. For patterns "all" with proof only.

    Returns
    -------
    Solution
        With `scope` "global"; without proof "searched", where the rank is above two; and for given
        patterns that are not all chambers, or with several outputs, "sampled". Interrupted (Ctrl-C,
        `interrupted`) or at the end of a budget (`out_of_time`), it is the best network so far
        with a valid bound.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kinds above, the arrangement belongs to other data, or a proof
        is out of reach: the message says how to go on.
    ImportError
        If there is a client and distributed is not installed.
    TooManyChambers
        If the reference would have to list too many chambers.

    Notes
    -----
    With several outputs and patterns "all", a neuron w with output weights a (c,) costs
    beta ||w|| ||a||, and the dual constraint is ||nu'(Xu)_+|| <= beta for all unit u. Proofs are
    within reach up to rank 4. Over given patterns the program is F(sum_g D_g X (U_g - V_g)) +
    beta sum_gk (||u_gk|| + ||v_gk||), the columns u_gk and v_gk of U_g and V_g (d, c) in the cone
    of chamber g. Its bound is one over networks whose neurons lie in these chambers and feed one
    output each. A neuron that feeds several can be cheaper, so it bounds no others, even if the
    chambers are all there are. For neurons that feed all outputs over given patterns there is the
    gated relaxation, `equivalences.gated_relu_vector.train(X, y, beta, patterns=...)`, a nuclear
    norm for each pattern: its bound is one for these ReLU networks, too.

    Results are the same from run to run on one machine with one BLAS thread. Threads add up in
    another order: with two, last digits can differ, each answer within its own gap.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553; for several outputs Mishkin, Sahiner and Pilanci
    (2022), arXiv:2202.01331.

    Theory: convex-equivalence.
    """
    _check_problem(problem)
    tol = positive_number(tol, "tol")
    if solver not in (None, "cvxpy"):
        raise ValueError(f'solver must be None or "cvxpy", got {solver!r}')
    proof, progress = flag(proof, "proof"), flag(progress, "progress")
    budget = Budget(_check_seconds(max_seconds))
    patterns = checked_patterns(patterns, problem)
    if not proof and (patterns is not None or solver is not None):
        raise ValueError('proof=False goes with patterns="all" and solver=None only')
    client = checked_client(client, proof and patterns is None and solver is None)
    if solver == "cvxpy" and budget.limited:
        raise ValueError("max_seconds goes with solver=None only: CVXPY's solver keeps to none")

    if solver == "cvxpy":
        problem.require_plain('solver="cvxpy"')
        if patterns is None and problem.y.ndim == 2:
            raise ValueError(
                'solver="cvxpy" takes targets (n, c) over given patterns only, where each neuron '
                f"feeds one output; got problem.y of shape {problem.y.shape}: leave the solver out"
            )
        found = reference.solve(problem, patterns or _all_chambers(problem))
        return replace(found, problem=problem)
    patterns = given_patterns("all" if patterns is None else patterns, problem, proof)
    if patterns is not None:
        return _trainer_over(patterns)(problem, tol, budget)
    return _trainer_over_all(problem, proof, progress, client)(problem, tol, budget)


def _all_chambers(problem):
    try:
        return Arrangement.enumerate(problem.X)
    except TooManyChambers as error:
        ways = {"solver": "no solver, for column generation", "X": FEWER}
        raise with_patterns(error.instead(ways), problem) from None


def _check_problem(problem):
    if not isinstance(problem, TrainingProblem):
        raise TypeError(f"problem must be a TrainingProblem, got {type(problem).__name__}")


def _check_seconds(max_seconds):
    return None if max_seconds is None else positive_number(max_seconds, "max_seconds")


def train_path(
    problem,
    betas,
    tol=1e-6,
    proof=True,
    max_seconds=None,
    progress=False,
    client=None,
    patterns="all",
):
    """Train at several weight decays, each run started from the neurons of the one before.

    Parameters
    ----------
    problem : TrainingProblem
        Data and targets; its own beta plays no role.
    betas : sequence of float
        Weight decays, > 0. At `beta_max(X, y)` and above, the zero network is optimal.
    tol, proof, progress, client, patterns
        As in `train`.
    max_seconds : float or None
        Budget of the whole path, of which each weight decay gets an even share of what is left.

    Returns
    -------
    list of Solution
        One per weight decay, in the given order; solved from the largest down. Interrupted
        (Ctrl-C), the weight decays not reached have the last network and the trivial bound 0.

    Raises
    ------
    TypeError, ValueError
        As `train`; and if betas is empty or not positive.

    References
    ----------
    Mishkin and Pilanci (2023), arXiv:2306.00119, on the continuity of this path.
    """
    _check_problem(problem)
    tol = positive_number(tol, "tol")
    proof, progress = flag(proof, "proof"), flag(progress, "progress")
    patterns = given_patterns(patterns, problem, proof)
    client = checked_client(client, proof and patterns is None)
    budget = Budget(_check_seconds(max_seconds))
    betas = real_array(betas, "betas", ndim=1)
    if len(betas) == 0:
        raise ValueError("betas must hold at least one weight decay, got none")
    betas = [positive_number(float(beta), "betas") for beta in betas]
    if patterns is None:
        train_at = _trainer_over_all(problem, proof, progress, client)
    else:
        train_at = _trainer_over(patterns)
    solutions, previous = {}, None
    descending = sorted(set(betas), reverse=True)
    with progress_bar(progress, desc="path", unit="beta", total=len(descending)) as bar:
        for done, beta in enumerate(descending):
            here = replace(problem, beta=beta)
            if previous is not None and previous.interrupted:
                previous = _unproven(previous, here)
            else:
                part = budget.part(1 / (len(descending) - done))
                previous = train_at(here, tol, part, previous)
            solutions[beta] = previous
            bar.update()
    return [solutions[beta] for beta in betas]


def _trainer_over(patterns):
    """A function that trains over given patterns, each time from where it ended before."""
    walk = cones.Walk(patterns)

    def train_at(problem, tol, budget, start=None):
        return replace(walk(problem, tol, budget), problem=problem)

    return train_at


def _unproven(solution, problem):
    """The network of a solution as one of another problem, about which nothing is proven."""
    objective = problem.objective(solution.network)
    nothing = {"lower_bound": 0.0, "dual_point": np.zeros_like(problem.y), "history": []}
    return replace(solution, objective=objective, problem=problem, **nothing)


def _trainer_over_all(problem, proof, progress, client=None):
    """A function that trains over all patterns of a problem's data, at any weight decay."""
    many = coordinates(problem.pooling.rows).rows.shape[1] > MOVING_ABOVE_RANK
    moving, unsearched = not proof and many, many and problem.loss == "hinge"
    if moving and unsearched:
        raise ValueError(
            f"data of rank above {MOVING_ABOVE_RANK} need a loss with a gradient for a search, got "
            'loss "hinge"; take the logistic loss, or reduce the rank of X first (of patches: '
            "companion.datasets.patches has basis= and rank=)"
        )
    last_starts = LAST_SEARCH_MOVING if moving else LAST_SEARCH
    try:
        layer = HiddenLayer.of(problem, proof, progress, last_starts, client=client)
    except OutOfReach as error:
        error = error.without("proof") if unsearched else error
        raise with_patterns(error, problem) from None
    loose = LOOSE_PROOF if problem.y.ndim == 2 else 0.0
    oracles = Oracles(layer.search, layer.last, layer.scope, loose)
    searching = {"proof": False, "progress": progress}

    def train_at(problem, tol, budget, start=None):
        directions = []
        if start is None and len(problem.X) > COARSEN_ABOVE:
            start = coarse_start(problem, tol, budget, partial(_trainer_over_all, **searching))
            if start is not None and start.interrupted:
                return replace(_unproven(start, problem), scope=layer.scope)
        if start is not None:
            heads = output_heads(start.network.output_weights)
            directions = list(zip(start.network.hidden_weights @ layer.basis, heads, strict=True))
        program = layer.program(problem)
        if moving:
            kind = MovingProgram if problem.y.ndim == 1 else MovingSharedProgram
            program = kind(problem, layer.passes, layer.basis)
        elif start is None:
            directions = drawn_start(program, layer)
        # Rounds are thousands of small products; neurons that move are descended with large ones.
        with one_blas_thread(not moving):
            return column_generation.solve(program, oracles, tol, budget, directions, progress)

    return train_at
