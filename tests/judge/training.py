"""Trainings, certificates and paths, against networks that may do better."""

from fractions import Fraction
from itertools import product

import exact
import numpy as np

import hidden_convexity as hc
from judge.searches import perturbed, searched
from judge.verdict import EPS, EVALUATED, Verdict, below, sqrt_of


def judge_training(
    X, y, beta, loss="squared", seed=0, most_gap=None, solver=None, sample_weight=None
):
    """A training, and certificates, by networks that may do better.

    `most_gap`, if given, is the largest gap that training may end with; `solver` another one,
    whose bound must not exceed what the first reaches either.
    """
    rng = np.random.default_rng(seed)
    problem = hc.TrainingProblem(X, y, beta, loss, sample_weight=sample_weight)
    X, y, w = problem.X, problem.y, problem.sample_weight
    verdict = Verdict()
    solutions = [hc.train(problem)]
    if solver is not None:
        solutions.append(hc.train(problem, solver=solver))
    networks = [weights(solution.network) for solution in solutions]
    networks += searched(X, y, beta, loss, networks[0], rng, w)
    lowest = min(exact.objective(X, y, beta, *network, loss, w) for network in networks)
    for solution in solutions:
        own = weights(solution.network)
        verdict.add(solution.solver, complaints_about_objective(solution, X, y, beta, loss, own, w))
        verdict.add(solution.solver, *below(solution.lower_bound, lowest))
    for network, rounds in product([networks[-1], perturbed(networks[0], rng)], (0, 1)):
        certificate = hc.certify(hc.ReLUNetwork(*network), problem, rounds=rounds)
        where = f"certificate, {rounds} rounds"
        verdict.add(where, complaints_about_objective(certificate, X, y, beta, loss, network, w))
        verdict.add(where, *below(certificate.lower_bound, lowest))
    verdict.gap = solutions[0].gap
    if most_gap is not None and verdict.gap > most_gap:
        verdict.add("training", [f"gap {verdict.gap!r}"])
    return verdict


def judge_certificate(X, y, beta, W, a, loss="squared", sample_weight=None):
    """Certificates of a given network."""
    problem = hc.TrainingProblem(X, y, beta, loss, sample_weight=sample_weight)
    X, y, w = problem.X, problem.y, problem.sample_weight
    W, a = np.asarray(W, dtype=float), np.asarray(a, dtype=float)
    reached = exact.objective(X, y, beta, W, a, loss, w)
    verdict = Verdict()
    for rounds in (0, 1):
        certificate = hc.certify(hc.ReLUNetwork(W, a), problem, rounds=rounds)
        told = complaints_about_objective(certificate, X, y, beta, loss, (W, a), w)
        verdict.add(f"certificate, {rounds} rounds", told)
        verdict.add(f"certificate, {rounds} rounds", *below(certificate.lower_bound, reached))
    return verdict


def judge_path(X, y, betas, loss="squared", sample_weight=None):
    """A path: each weight decay's bound against all the path's networks, and a fresh training."""
    problem = hc.TrainingProblem(X, y, betas[0], loss, sample_weight=sample_weight)
    X, y, w = problem.X, problem.y, problem.sample_weight
    path = hc.train_path(problem, betas)
    verdict = Verdict()
    for beta, solution in zip(betas, path, strict=True):
        alone = hc.train(hc.TrainingProblem(X, y, beta, loss, sample_weight=w))
        for other in [*path, alone]:
            reached = exact.objective(X, y, beta, *weights(other.network), loss, w)
            verdict.add(f"path at {beta!r}", *below(solution.lower_bound, reached))
            verdict.add(f"training at {beta!r}", *below(alone.lower_bound, reached))
        own = weights(solution.network)
        told = complaints_about_objective(solution, X, y, beta, loss, own, w)
        verdict.add(f"path at {beta!r}", told)
        verdict.gap = max(verdict.gap, solution.gap)
    return verdict


def weights(network):
    return network.hidden_weights, network.output_weights


def complaints_about_objective(result, X, y, beta, loss, network, w=None):
    """The objective is the network's, the bound is below it, and the gap says so."""
    true = exact.objective(X, y, beta, *network, loss, w)
    rounded = rounding_of_objective(X, network, true, loss, w)
    told = below(result.lower_bound, true)[0]
    if not np.isfinite(result.objective):
        return [*told, f"objective {result.objective!r}"]
    if abs(Fraction(result.objective) - true) > rounded:
        told.append(f"objective {result.objective!r} of a network that has {float(true)!r}")
    if result.scope != "global":
        told.append(f"scope {result.scope}")
    if true > 0 and not told:
        gap = 1 - Fraction(result.lower_bound) / true
        if abs(gap - Fraction(result.gap)) > 10 * rounded / true:
            told.append(f"gap {result.gap!r} where it is {float(gap)!r}")
    return told


def rounding_of_objective(X, network, objective, loss="squared", w=None):
    """How far off an objective may be that floats evaluate: a Fraction.

    Neurons orthogonal to a large row have outputs that are differences of large products.
    """
    W, a = (np.abs(array) for array in network)
    w = np.ones(len(X)) if w is None else w
    sizes, steps = (np.abs(X) @ W.T) @ a, (X.shape[1] + len(a) + 2) * EPS
    if loss == "hinge":  # a difference of 1 and an output
        return Fraction(EVALUATED) * objective + Fraction(steps * float(w @ (1 + sizes)))
    sizes = (np.sqrt(w) if loss == "squared" else w) * sizes
    off = steps * float(np.hypot.reduce(sizes, initial=0))
    return Fraction(EVALUATED) * objective + Fraction(off) * Fraction(sqrt_of(2 * objective) + off)
