"""Exercises that check themselves: `check` says whether an answer is right, and if not, why.

One module a chapter holds the checks of its exercises. A check tests properties of the answer on
data drawn afresh from a seed, so that there is no number to copy.
"""

from hidden_convexity.companion.exercises.verdict import check

__all__ = ["check"]
