"""The suites: which cases belong together, and where the results of each are kept."""

from benchmarks.cases import CASES
from benchmarks.fixed_gates import FIXED_GATES
from benchmarks.networks import NETWORKS
from benchmarks.results import COMMITTED
from benchmarks.rows import ROWS

SUITES = {
    COMMITTED: CASES,
    COMMITTED.with_name("results-fixed-gates.json"): FIXED_GATES,
    COMMITTED.with_name("results-networks.json"): [*NETWORKS, *ROWS],
}
BY_NAME = {case.name: case for cases in SUITES.values() for case in cases}
