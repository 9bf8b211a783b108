"""Exact training side by side with other programs. See README.md; `make bench` runs it."""
