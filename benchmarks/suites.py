"""The suites: which cases belong together, and where the results of each are kept."""

from benchmarks.cases import CASES
from benchmarks.fixed_gates import FIXED_GATES
from benchmarks.networks import NETWORKS
from benchmarks.outputs import OUTPUTS
from benchmarks.race import RACE
from benchmarks.results import COMMITTED
from benchmarks.rows import ROWS

SUITES = {
    COMMITTED: CASES,
    COMMITTED.with_name("results-race.json"): RACE,
    COMMITTED.with_name("results-fixed-gates.json"): FIXED_GATES,
    COMMITTED.with_name("results-networks.json"): [*NETWORKS, *OUTPUTS, *ROWS],
}
BY_NAME = {case.name: case for cases in SUITES.values() for case in cases}
