"""Column generation: train to a certified global optimum, one batch of neurons at a time.

Training is a Lasso over the dictionary of all neurons { (Xu)_+ : ||u|| = 1 }. A dual oracle tells
which neurons violate the dual constraint |nu.(Xu)_+| <= beta, at nu = the residual of the current
network, minus the gradient of its loss. We add them, solve the convex program over the few neurons
met so far, and repeat. An upper bound on the maximum scales the residual to a dual feasible point,
and so proves a lower bound on the optimal value of every width. Searching is cheap and proving is
not: the proof is called when the search finds no violator any more.
"""

from dataclasses import replace
from time import perf_counter

import numpy as np

from hidden_convexity.foundations.budget import limit_seconds
from hidden_convexity.foundations.interruption import STOPPED, Interrupted, by_the_user
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.problem.gap import relative_gap
from hidden_convexity.solvers.solution import Solution, Step

# Neurons added a round. Fewer cost more rounds, more cost larger restricted problems: measured
# on 1-D data, n = 200 to 10^4, 10 is never far from the best of 3, 10 and 30.
BATCH = 10
# A violator strictly decreases the optimum; this many rounds without a decrease are the end of
# double precision.
PATIENCE = 3
# Descents that end in other places gain about this much, relative, whatever has entered: a program
# that is not solved precisely must gain more. It is also done when a search says so: violators
# within the tolerance would have to be removed by solving better than it can.
LEAST_GAIN = 1e-5
# The proof may use this share of the tolerance; the rest is for the restricted solutions.
PROOF_SHARE = 0.5
# A violation is never left alone beyond this, whatever the tolerance.
LARGEST_SLACK = 0.1
# A proof within its tolerance that leaves the gap open has been promised too large a share of it:
# the next one must be this much sharper, unless the gap is due to violators that have entered.
SHARPER = 0.1
# Rounds in which the gap, as the search sees it, must halve, or it is the end of double precision
# as well: each may still lower P by a digit that does not count. Seen: 20, on badly scaled data.
CREEPING = 100
# Share of a budget of seconds kept for the proof, where it is not a by-product of the search.
KEPT_FOR_PROOF = 0.3
# Directions closer than this are one: neurons that have entered are found again to rounding.
SAME_DIRECTION = 1e-12
# What replacing close neurons by their sums may cost a round, as a share of the tolerance.
CONSOLIDATION_SHARE = 0.01


def solve(program, oracles, tol, budget, directions=(), progress=False):
    """Minimise P over networks of every width whose neurons the oracles can see.

    Parameters
    ----------
    program : RestrictedProgram, SharedProgram or one of their kinds
        What lowers P over the neurons met so far.
    oracles : Oracles
    tol : float
        Relative duality gap to reach.
    budget : Budget
        Seconds for search and proof together.
    directions : sequence of (d,) ndarray and sign or (c,) ndarray
        Neurons to start from, with their output weights up to a factor.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Solution
        Interrupted by the user or out of time, it is the best one so far with its valid bound.

    References
    ----------
    The dual is that of Pilanci and Ergen (2020), arXiv:2002.10553; column generation on it is the
    Frank-Wolfe method for measures of Bach (2017), fully corrective.
    """
    run = ColumnGeneration(program, oracles, tol, budget)
    run.run(directions, progress)
    problem = program.problem
    network = program.network(run.best)
    if len(network) > len(problem.X):
        network = network.prune(problem.X)
    # On badly scaled data rounding can make a network of large weights worse than none.
    objective, none = problem.objective(network), program.network([])
    if (without := problem.objective(none)) < objective:
        network, objective = none, without
    known = objective, run.lower_bound, oracles.scope, run.history
    ended = "exact", run.interrupted, run.out_of_time
    return Solution(network, *known, *ended, problem, run.dual_point)


class ColumnGeneration:
    """One training: the neurons met so far, the best of them, and what is proven.

    Parameters
    ----------
    program, oracles, tol, budget
        As in `solve`.

    Attributes
    ----------
    neurons, best : list of Neuron
        Those of the last round, and those of the lowest P.
    objective, lower_bound : float
        P of the best, and the best bound.
    dual_point : (n,) or (n, c) ndarray
        Whose dual value the best bound is.
    history : list of Step
    ended, interrupted, out_of_time : bool
    """

    def __init__(self, program, oracles, tol, budget):
        self.program, self.oracles, self.tol, self.budget = program, oracles, tol, budget
        self.problem = program.problem
        self.neurons, self.best, self.objective, self.lower_bound = [], [], np.inf, 0.0
        self.dual_point = np.zeros_like(self.problem.y)
        self.history, self.ended, self.interrupted, self.out_of_time = [], False, False, False
        self._began = perf_counter()
        self._proof_at = self._kept_for_proof()
        self._sharpness, self._stalled = 1.0, 0
        self._narrowest, self._rounds_since = np.inf, 0

    @property
    def gap(self):
        return relative_gap(self.objective, self.lower_bound, self.oracles.scope != "searched")

    @property
    def _proof_is_apart(self):
        return self.oracles.proof is not self.oracles.search

    def run(self, directions=(), progress=False):
        """Rounds until the end, or until the user interrupts them."""
        bar = progress_bar(progress, desc="training", unit="round")
        try:
            self.start(directions)
            while not self.ended:
                self.round()
                bar.set_postfix_str(self.state(), refresh=False)
                bar.update()
        except STOPPED as stopped:
            if not by_the_user(stopped):
                raise
            self.interrupted = True
        finally:
            bar.close()

    def start(self, directions):
        """Solve for the lengths of neurons in given directions (d,) with output weights."""
        if directions:
            self.neurons = self.program.solve([self.program.ray(*one) for one in directions])

    def round(self):
        """Search; where nothing is found any more, prove; then let violators enter, and solve."""
        value, residual = self._take_stock()
        affordable = self._affordable(residual)
        slack = self._sharpness * min(affordable, LARGEST_SLACK)
        found = self._ask(self.oracles.search, residual, PROOF_SHARE * slack)
        entering = self._entering(residual, found, slack)
        last = not entering or self._exhausted(residual, found)
        if last and self._proof_is_apart:
            goes_on = self.budget.left > self._proof_at and self._stalled < PATIENCE
            stop = affordable if goes_on and not entering else np.inf
            found, entering = self._prove(residual, slack, stop)
        self._record(residual, found, last)
        self._decide(found, entering, slack)
        if not self.ended:
            self._improve(entering, found, value)

    def state(self):
        """Where it stands, for a progress bar."""
        left = f", {self.budget.left:.0f} s left" if self.budget.limited else ""
        return f"gap {self.gap:.1e}{left}"

    def _take_stock(self):
        """P and the residual of the present neurons; they become the best if they are."""
        outputs = self.program.outputs(self.neurons)
        value = self.program.objective(self.neurons, outputs)
        least_gain = 0.0 if self.program.precise else LEAST_GAIN
        gains = value < (1 - least_gain) * self.objective
        self._stalled = 0 if gains else self._stalled + 1
        self._rounds_since += 1
        if self._rounds_since > CREEPING:
            self._stalled = PATIENCE
        if value < self.objective:
            self.objective, self.best = value, self.neurons
        return value, self.program.residual(outputs)

    def _affordable(self, residual):
        """The relative violation M(nu) / beta - 1 at which the tolerance is met.

        Of the zero network no more than the tolerance: whether it is the optimum is the question
        whether M(nu) is above beta, and not by how much.
        """
        return self.problem.affordable_violation(residual, self.tol) if self.neurons else self.tol

    def _ask(self, oracle, residual, tolerance, stop=np.inf, bound=np.inf):
        """Its answer, with the given bound if that is lower."""
        known = np.reshape([one.weights for one in self.neurons], (-1, self.program.X.shape[1]))
        asked = {"tolerance": tolerance, "level": self.problem.beta, "starts": known, "stop": stop}
        try:
            found = oracle(residual, **asked)
        except Interrupted as stopped:
            self._record(residual, _with_bound(stopped.found, bound), last=True)
            raise
        return _with_bound(found, bound)

    def _prove(self, residual, slack, stop):
        """Ask the proof, for what is left of the budget at most: its answer, and who enters.

        It may end at a violation which a bound within the tolerance of it shows to be above `stop`,
        too large for the gap to close at this residual; should none enter, it is asked for the
        whole proof.
        """
        tolerance, bound = PROOF_SHARE * slack, np.inf
        stop = (1 + stop) * self.problem.beta / (1 + tolerance)
        calls = [(self.oracles.loose, stop)] * (self.oracles.loose > tolerance)
        for asked, end in [*calls, (tolerance, stop), (tolerance, np.inf)]:
            limit_seconds(self.oracles.proof, self.budget)
            found = self._ask(self.oracles.proof, residual, asked, end, bound)
            entering, bound = self._entering(residual, found, slack), found.bound
            whole = bound <= (1 + 2 * tolerance) * max(found.value, self.problem.beta)
            if entering or whole or (asked == tolerance and found.value <= end):
                break
        self._proof_at = self._kept_for_proof()
        return found, entering

    def _kept_for_proof(self):
        """Seconds left at which the search is over."""
        apart = self.budget.limited and self._proof_is_apart
        return KEPT_FOR_PROOF * self.budget.left if apart else 0.0

    def _exhausted(self, residual, found):
        """Whether to prove although there are violators: nothing helps, or time is nearly up."""
        enough = not self.program.precise and self._seen_gap(residual, found) <= self.tol
        return enough or self._stalled == PATIENCE or self.budget.left <= self._proof_at

    def _seen_gap(self, residual, found):
        """The gap, if no violation is larger than what was found."""
        searched = self.problem.dual_bound(residual, found.value)
        return relative_gap(self.objective, searched, proven=False)

    def _entering(self, residual, found, slack):
        """Up to BATCH violators (direction, output weights), none of which is there already."""
        heads, entering = self.program.heads(residual, found), []
        for direction, head, value in zip(found.directions, heads, found.values, strict=True):
            threshold = (1 + PROOF_SHARE / 2 * slack) * self.problem.beta
            if abs(value) <= threshold or len(entering) == BATCH:
                break
            if not self.program.has(self.neurons, direction, head, SAME_DIRECTION):
                entering.append((direction, head))
        return entering

    def _record(self, residual, found, last):
        searched = self.oracles.scope == "searched"
        if searched and self.lower_bound > self.objective:
            self.lower_bound = 0.0  # an earlier search has missed a violator
        if last or not searched:
            maximum = found.value if searched else found.bound
            bound = self.problem.dual_bound(residual, maximum)
            if bound > self.lower_bound:
                self.lower_bound = bound
                self.dual_point = self.problem.feasible_point(residual, maximum)
        seen = self._seen_gap(residual, found)
        if seen < 0.5 * self._narrowest:
            self._narrowest, self._rounds_since = seen, 0
        seconds = perf_counter() - self._began
        self.history.append(Step(seconds, self.objective, self.lower_bound, len(self.best)))

    def _decide(self, found, entering, slack):
        """Whether that was the last round, and if not, how sharp the next proof must be."""
        if self.gap <= self.tol:
            self.ended = True
            return
        maximum = found.value if self.oracles.scope == "searched" else found.bound
        # A proof that is worse than its tolerance has run out of its own budget, and would again.
        unproven = not entering and maximum > (1 + slack) * max(found.value, self.problem.beta)
        self.out_of_time = unproven or self.budget.spent
        self.ended = self.out_of_time or self._stalled == PATIENCE
        if not entering and found.value <= (1 + slack) * self.problem.beta:
            self._sharpness *= SHARPER

    def _improve(self, entering, found, value):
        """Solve over the present neurons and those that enter."""
        program = self.program
        neurons = program.solve(self.neurons + [program.neuron(*one) for one in entering])
        allowance = CONSOLIDATION_SHARE * self.tol * self.objective
        neurons = program.consolidate(neurons, allowance, value)
        if found.value <= (1 + program.polish_below) * self.problem.beta:
            neurons = program.polish(neurons)
        self.neurons = neurons


def _with_bound(found, bound):
    """What was found with another bound of the same maximum, if that is lower.

    Rounding may have left that below the value; then it is none.
    """
    return replace(found, bound=bound) if found.value <= bound < found.bound else found
