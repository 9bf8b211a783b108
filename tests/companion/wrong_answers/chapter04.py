"""Answers to the exercises of notebook 04 that are wrong, and words of the verdict on each."""

import numpy as np

import hidden_convexity as hc


def one_sided(X, y):
    plus, minus = (hc.Zonotope(np.maximum(part, 0)[:, None] * X) for part in (y, -y))
    return np.linalg.norm(plus.vertices - minus.project(plus.vertices), axis=1).max() / 2


def of_all_rows(X, y):
    return hc.Zonotope(np.abs(y)[:, None] * X).support(np.eye(X.shape[1])).max() * 2


def equal_areas(X):
    i, j = np.triu_indices(len(X), k=1)
    areas = np.linalg.norm(np.cross(X[i], X[j]), axis=1)
    return np.full(len(areas), areas.mean()) * np.abs(X[0, 0])


def triangles(X):
    i, j = np.triu_indices(len(X), k=1)
    return np.linalg.norm(np.cross(X[i], X[j]), axis=1) / 2


def all_pairs(X):
    return np.linalg.norm(np.cross(X[:, None], X[None]), axis=2).ravel()


def of_ranked_projections(X):
    i, j = np.triu_indices(len(X), k=1)
    areas = np.linalg.norm(np.cross(X[i], X[j]), axis=1)
    weights = np.abs(X[i, 0]) / np.abs(X[i, 0]).sum()
    return areas.sum() * weights


WRONG = {
    "04.1": [
        (lambda n, k: 2 * (n + k), "vertices, not"),
        (lambda n, k: 2 * n + k, "vertices, not"),
        (lambda n, k: 10, "vertices, not"),
    ],
    "04.2": [
        (lambda X, z: -z, "outside the zonotope"),
        (lambda X, z: X.sum(axis=0) / 2, "no vertex"),
        (lambda X, z: z, "not the opposite"),
        (lambda X, z: [*(X.sum(axis=0) - z), 0.0], "must return an array of shape (2)"),
    ],
    "04.3": [
        (of_all_rows, "still is zero"),
        (one_sided, "a little above your number, the optimal network is not zero"),
        (lambda X, y: -hc.beta_max(X, y), "not positive"),
    ],
    "04.4": [
        (triangles, "not the surface"),
        (equal_areas, "not the surface"),
        (all_pairs, "pairs of faces, and you return 9 areas"),
        (of_ranked_projections, "change when the rows are rotated"),
    ],
}
