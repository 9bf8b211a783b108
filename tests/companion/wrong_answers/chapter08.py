"""Answers to the exercises of notebook 08 that are wrong, and words of the verdict on each."""

import numpy as np

import hidden_convexity as hc
from hidden_convexity.landscape import newton


def always_a_minimum(X, y, beta):
    return 0, y @ y / 2, True


def with_the_gates_norm(X, y, beta):
    D = hc.Arrangement.enumerate(X).patterns
    largest = np.linalg.norm(X.T @ (D * y[:, None]), axis=0).max()
    return 0, y @ y / 2, beta >= 1.2 * largest


def of_the_pattern(u, z, s, nu, X, beta):
    return beta * u @ z / np.linalg.norm(u) - s * nu @ ((X @ u > 0) * (X @ z))


def of_the_closed_pattern(u, z, s, nu, X, beta):
    return beta * u @ z / np.linalg.norm(u) - s * nu @ ((X @ u >= 0) * (X @ z))


def with_the_square(u, z, s, nu, X, beta):
    return of_the_pattern(u, z, s, nu, X, beta) + beta * (u @ z) * (1 - 1 / np.linalg.norm(u))


def without_the_sign(u, z, s, nu, X, beta):
    active = np.where(X @ u == 0, X @ z > 0, X @ u > 0)
    return beta * u @ z / np.linalg.norm(u) - nu @ (active * (X @ z))


def pairs_of(network, X, signs=True):
    patterns = map(tuple, (X @ network.hidden_weights.T > 0).T)
    return [
        (pattern, a > 0 if signs else True)
        for pattern, a in zip(patterns, network.output_weights, strict=True)
    ]


def of_rounded_patterns(network, optimum, X):
    there = set(pairs_of(network, X))
    return sum(pair in there for pair in pairs_of(optimum, X))


def shared(network, optimum, X):
    sides = [X @ one.hidden_weights.T for one in (optimum, network)]
    sides = [np.where(np.abs(side) < 1e-9, 0, np.sign(side)) for side in sides]
    return (sides[0][:, :, None] * sides[1][:, None, :] >= 0).all(axis=0)


def without_signs(network, optimum, X):
    return int(shared(network, optimum, X).any(axis=1).sum())


def of_the_network(network, optimum, X):
    signs = [np.sign(one.output_weights) for one in (optimum, network)]
    both = shared(network, optimum, X) & (signs[0][:, None] == signs[1])
    return int(both.any(axis=0).sum())


def at_once(network, problem):
    return [network, hc.train(problem).network]


def one_round(network, problem, size=0.01, turned=1, descend=True):
    residual = problem.y - network(problem.X)
    u = hc.certify(network, problem, rounds=0).direction
    sign = turned * np.sign(residual @ np.maximum(problem.X @ u, 0))
    hidden = np.vstack([network.hidden_weights, size * u])
    grown = hc.ReLUNetwork(hidden, np.append(network.output_weights, size * sign))
    return [network, newton.descend(grown, problem) if descend else grown]


WRONG = {
    "08.1": [
        (always_a_minimum, "there is a small neuron that lowers P"),
        (lambda X, y, beta: (0, y @ y / 2, False), "every small neuron raises P"),
        (with_the_gates_norm, "every small neuron raises P"),
        (lambda X, y, beta: (1, y @ y / 2, beta >= hc.beta_max(X, y)), "visits no pair"),
        (lambda X, y, beta: (0, y @ y, beta >= hc.beta_max(X, y)), "without any group"),
    ],
    "08.2": [
        (of_the_pattern, "for a neuron on a wall"),
        (of_the_closed_pattern, "for a neuron on a wall"),
        (with_the_square, "inside a chamber"),
        (without_the_sign, "inside a chamber"),
        (lambda u, z, s, nu, X, beta: beta - s * nu @ np.maximum(X @ z, 0), "inside a chamber"),
    ],
    "08.3": [
        (of_rounded_patterns, "share a closed cone and a sign"),
        (without_signs, "share a closed cone and a sign"),
        (of_the_network, "share a closed cone and a sign"),
        (lambda network, optimum, X: len(optimum), "share a closed cone and a sign"),
    ],
    "08.4": [
        (at_once, "more than one neuron comes"),
        (one_round, "above the global optimum"),
        (lambda network, problem: one_round(network, problem, turned=-1), "the global optimum"),
        (lambda network, problem: one_round(network, problem, 9.0, descend=False), "P rises"),
        (lambda network, problem: one_round(network, problem, descend=False), "own program"),
        (lambda network, problem: one_round(network, problem)[1:], "the one that was given"),
        (lambda network, problem: hc.train(problem).network, "must return a list of networks"),
    ],
}
