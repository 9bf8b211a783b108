"""Choose on a validation part, from grids that go on wherever the best point lies at their end.

A grid that ends where its best value lies says little: a further one may be better still. So each
grid is a stretch of a ladder. While the best point lies at an end of it, it grows by a rung there,
until that lowers the validation error by no more than `FLAT`, or the ladder has no further rung.
What is chosen is stored with where it lies: "inside" the grid; at a "natural" end, with nothing
beyond it, as beyond one neighbour; at an end where the error is "flat", that is where the last rung
has changed it by no more than `FLAT`; or on the "last" rung of a ladder that was cut, mostly for
time, and could go on.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

import hidden_convexity as hc

# Of a validation error: differences that no choice should rest on.
FLAT = 0.01
# Where a choice can lie. Of several grids what it says is the latest of these that holds for one.
ENDS = INSIDE, NATURAL, FLAT_THERE, LAST = "inside", "natural", "flat", "last"


@dataclass(frozen=True)
class Ladder:
    """Values in their order, the grid to begin with, from `low` to `high`, and whether it grows.

    Values without an order, such as kinds of thresholds, are all in the grid and have no end; nor
    has a value that is fixed, alone and without an order. `natural` ends have nothing beyond them.
    """

    rungs: tuple
    low: object = None
    high: object = None
    ordered: bool = True
    natural: tuple = ()

    @property
    def stretch(self):
        """First and last position of the grid to begin with."""
        first = 0 if self.low is None else self.rungs.index(self.low)
        last = len(self.rungs) - 1 if self.high is None else self.rungs.index(self.high)
        return first, last

    def grown(self, stretch, best):
        """The stretch with one rung more, if its best position is at an end that goes on."""
        first, last = stretch
        if self.ordered and best == first > 0:
            return first - 1, last
        if self.ordered and best == last < len(self.rungs) - 1:
            return first, last + 1
        return stretch


@dataclass(frozen=True)
class Choice:
    """What is chosen, {name: value}, its validation error, and where in the grids it lies."""

    values: dict
    error: float
    end: str

    @property
    def facts(self):
        """The columns of a sweep's row."""
        said = " ".join(f"{name}={value}" for name, value in self.values.items())
        return {"validation_error": float(self.error), "choice": said, "end": self.end}


def decades(least, most, steps=(1, 3)):
    """The values 1, 3, 10, 30 and so on from 10^least to 10^most."""
    powers = range(least, most + 1)
    values = [float(f"{step}e{power}") for power in powers for step in steps]
    return tuple(value for value in values if value <= float(f"1e{most}"))


# Steps of `decades` for whole ones.
TENS = (1,)


def choose(errors_at, ladders):
    """The point of least validation error in grids that grow.

    `ladders` is {name: Ladder}; `errors_at` takes a list of points {name: value} and returns their
    errors. Of equal ones the first counts, in the order in which they are tried.
    """
    stretches, errors = [one.stretch for one in ladders.values()], {}

    def valued(point):
        return {
            name: ladder.rungs[k] for (name, ladder), k in zip(ladders.items(), point, strict=True)
        }

    def best_of_all():
        grid = itertools.product(*(range(first, last + 1) for first, last in stretches))
        new = [point for point in grid if point not in errors]
        errors.update(zip(new, errors_at([valued(point) for point in new]), strict=True))
        return min(errors, key=errors.get)

    best = best_of_all()
    while True:
        pairs = zip(ladders.values(), stretches, best, strict=True)
        larger = [ladder.grown(stretch, k) for ladder, stretch, k in pairs]
        if larger == stretches:
            break
        stretches, before = larger, errors[best]
        best = best_of_all()
        if errors[best] >= (1 - FLAT) * before:
            break
    return Choice(valued(best), errors[best], _end(best, errors, ladders.values(), stretches))


def _end(best, errors, ladders, stretches):
    """Where the best point lies. A grid that could have grown at its end has not for flatness."""
    found = [INSIDE]
    for axis, (ladder, (first, last)) in enumerate(zip(ladders, stretches, strict=True)):
        k = best[axis]
        if not ladder.ordered or k not in (first, last):
            continue
        if ladder.rungs[k] in ladder.natural:
            found.append(NATURAL)
            continue
        beside = errors.get((*best[:axis], k + (1 if k == first else -1), *best[axis + 1 :]))
        steep = beside is None or beside > (1 + FLAT) * errors[best]
        found.append(LAST if steep and k in (0, len(ladder.rungs) - 1) else FLAT_THERE)
    return max(found, key=ENDS.index)


# Weight decays of networks, in units of the largest one: the same beginning for every task.
SHARES = Ladder(decades(-6, 0), low=3e-3, high=0.1)


def weight_decay(problem, most, tol, loss, ladder=SHARES):
    """The searched network whose weight decay, a share of `most`, has the least validation error.

    `loss` takes a network and returns its validation error. Returned are the problem at that decay,
    the solution, about which nothing is proven yet, and the `Choice`.
    """
    found = {}

    def errors_at(points):
        shares = [point["share"] for point in points]
        path = hc.train_path(problem, [share * most for share in shares], tol=tol, proof=False)
        found.update(zip(shares, path, strict=True))
        return [loss(one.network) for one in path]

    choice = choose(errors_at, {"share": ladder})
    share = choice.values["share"]
    return replace(problem, beta=share * most), found[share], choice


def as_searched(problem, solution):
    """Of the network that is chosen nothing is proven."""
    return solution


def as_it_is(problem, solution):
    """The network that is chosen is certified, gap and all."""
    return hc.certify(solution.network, problem, rounds=0)


def trained(tol):
    """At the decay that is chosen a network is trained once more, to a proof."""
    return lambda problem, solution: hc.train(problem, tol=tol)


@dataclass(frozen=True)
class Validated:
    """A network at the weight decay that validation chooses, and its validation error."""

    problem: hc.TrainingProblem
    network: hc.ReLUNetwork
    loss: Callable
    # Columns of a sweep's row.
    facts: dict


def network(problem, most, tol, loss, proof, ladder=SHARES):
    """The `Validated` network of `weight_decay`; `proof` is what is done about it, one of three."""
    problem, solution, choice = weight_decay(problem, most, tol, loss, ladder)
    known = proof(problem, solution)
    facts = choice.facts | choice.values | {"validation_error": loss(known.network)}
    facts |= {"objective": known.objective, "lower_bound": known.lower_bound}
    facts |= {"scope": known.scope, "neurons": len(known.network)}
    return Validated(problem, known.network, loss, facts)


def share_of_errors(predict, part):
    """Of (A, labels), the share of wrong answers of what returns labels."""
    A, labels = part
    return float(np.mean(predict(A) != labels))


def tested(fitted, ladders, validation, test):
    """The columns of a classifier that has the fewest validation errors, and is tested once.

    `fitted` takes a list of points {name: value} and returns, for each of them, what predicts
    labels, and facts to be stored with it.
    """
    found = {}

    def errors_at(points):
        made = fitted(points)
        found.update(zip([tuple(point.values()) for point in points], made, strict=True))
        return [share_of_errors(predict, validation) for predict, _ in made]

    made = choose(errors_at, ladders)
    predict, facts = found[tuple(made.values.values())]
    return {"test_error": share_of_errors(predict, test)} | made.facts | facts
