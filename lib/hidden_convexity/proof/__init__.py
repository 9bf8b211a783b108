"""Certificates as files that somebody else can check.

`record` turns a dual point into one that the independent checker accepts, with the cones that it
needs; `file` writes that, with the data and the network, and reads it back. `saved.load`, above,
makes solutions and certificates of files again; `verify`, which imports none of this, checks them.
"""

from hidden_convexity.proof.file import read, save

__all__ = ["read", "save"]
