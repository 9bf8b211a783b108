"""Recovery with cones in twenty dimensions: `python -m benchmarks.experiments.recovery_cones`.

Linear teachers, as in `recovery.py`, for programs over the same random gates with and without the
cones. One row is one teacher.
"""

from pathlib import Path

import numpy as np

from benchmarks.experiments import command, recovery

PATH = Path(__file__).with_name("recovery_cones.csv")
DIMENSION, SAMPLES, DRAWS = 20, (20, 24, 28, 32, 36, 40, 50, 60, 80), range(20)


def run(n, draw):
    """Whether all samples can be active, and whether each program finds every weight."""
    outcome = {}
    for name, cones in (("gated", False), ("cones", True)):
        rng = np.random.default_rng([n, DIMENSION, draw])  # the same data for both
        exists, recovered = recovery.teacher(n, DIMENSION, rng, cones)
        outcome |= {"all_active": bool(exists), name: bool(recovered)}
    return outcome


def main():
    grid = {"n": SAMPLES, "draw": DRAWS}
    return command.complete(run, grid, command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
