"""Time to a gap at useful sizes: this library, and every seed of Adam with a clock of its own."""

from benchmarks.cases import Case

# Ours runs once for each gap asked for. The sharp bound judges: a gap of 1e-4 against a bound that
# is itself 1e-4 below the optimum would ask more of Adam than of ours.
GAPS = (1e-2, 1e-4)
SIZES = [(d, n) for n in (10_000, 100_000) for d in (2, 3, 4)]

RACE = [
    Case(f"race-d{d}-n{n}-{gap:g}", d, n, programs, tol=gap)
    for d, n in SIZES
    for gap, programs in zip(GAPS, (("ours",), ("ours", "bound", "adam_seeds")), strict=True)
]
