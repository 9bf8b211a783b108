"""Answers to the exercises of notebook 10 that are wrong, and words of the verdict on each."""

import numpy as np


def in_file(points, rows, same=lambda row, point: row.items() >= point.items()):
    return sum(any(same(row, point) for row in rows) for point in points)


def reached(curves, bound, share, seconds, *, at="any", height=None):
    limit = bound * (1 + share) if height is None else height(bound, share)
    count = 0
    for curve in curves:
        heights = curve[curve[:, 0] <= seconds, 1] if at != "ever" else curve[:, 1]
        count += (heights <= limit).any() if at != "last" else heights[-1] <= limit
    return count / len(curves)


WRONG = {
    "10.1": [
        (lambda P, certified, bound: (P / certified - 1, P / bound - 1), "the shares are"),
        (lambda P, certified, bound: (P / bound - 1, P / certified - 1), "the shares are"),
        (lambda P, certified, bound: (0.0, P / bound - 1), "the shares are"),
        (lambda P, certified, bound: (max(0, P - certified), P - bound), "the shares are"),
        (lambda P, certified, bound: (max(0, 1 - certified / P), 1 - bound / P), "the shares are"),
        (lambda P, certified, bound: P / bound - 1, "2"),
    ],
    "10.2": [
        (lambda y, f, beta: f @ (f - y) / beta, "the lengths add up to"),
        (lambda y, f, beta: f @ (y - f), "the lengths add up to"),
        (lambda y, f, beta: y @ (y - f) / beta, "the lengths add up to"),
        (lambda y, f, beta: f @ (y - f) / (2 * beta), "the lengths add up to"),
        (lambda y, f, beta: y @ y / (4 * beta), "the lengths add up to"),
        (lambda y, f, beta: np.linalg.norm(y - f) / beta, "the lengths add up to"),
    ],
    "10.3": [
        (lambda *arguments: reached(*arguments, at="last"), "some leave again"),
        (lambda *arguments: reached(*arguments, at="ever"), "some come too late"),
        (
            lambda *arguments: reached(*arguments, height=lambda bound, share: bound + share),
            "of the bound in time",
        ),
        (lambda *arguments: 14 * reached(*arguments), "of the bound in time"),
        (lambda *arguments: 1 - reached(*arguments), "of the bound in time"),
    ],
    "10.4": [
        (lambda points, rows: len(points), "runs are new"),
        (lambda points, rows: len(points) - len(rows), "runs are new"),
        (lambda points, rows: len(points) - in_file(points, rows), "of them failed"),
        (lambda points, rows: in_file(points, rows), "runs are new"),
    ],
}
