"""Answers to the exercises of notebook 00 that are wrong, and words of the verdict on each."""

import numpy as np


def every_neuron(network):
    w = network.hidden_weights
    w = w[w[:, 0] != 0]
    times = np.sort(-w[:, 1] / w[:, 0])
    return times[np.abs(times) < 1]


def not_only_inside(network):
    w = network.hidden_weights
    w = w[w[:, 0] != 0]
    return np.unique((-w[:, 1] / w[:, 0]).round(9))


def first_only(network):
    return inside(network)[:1]


def inside(network):
    times = not_only_inside(network)
    return times[np.abs(times) < 1]


def mirrored(network):
    return -inside(network)[::-1]


WRONG = {
    "00.1": [
        (lambda ratio: ratio >= 0.5, "the optimum has neurons"),
        (lambda ratio: ratio > 1, "at beta_max itself"),
        (lambda ratio: ratio < 1, "the optimum has neurons"),
        (lambda ratio: float(ratio >= 1), "must return True or False, got float"),
    ],
    "00.2": [
        (lambda y, beta, beta_max: y @ y / 2, "above the optimum"),
        (lambda y, beta, beta_max: 0.0, "a scaling with a larger value"),
        (lambda y, beta, beta_max: beta / beta_max * (y @ y) / 2, "a scaling with a larger value"),
    ],
    "00.3": [
        (every_neuron, "is one there twice?"),
        (not_only_inside, "not strictly between -1 and 1"),
        (first_only, "between two of your times the output bends"),
        (mirrored, "the output does not bend"),
    ],
}
