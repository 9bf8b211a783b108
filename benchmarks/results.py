"""The results file: where the numbers come from, the numbers, and the table made of them."""

import hashlib
import json
import os
import platform
from importlib import metadata
from pathlib import Path

import hidden_convexity
from hidden_convexity.companion.manifest import write_atomically

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = ROOT / "benchmarks" / "results.json"
SCHEMA = 1
PACKAGES = ("numpy", "scipy", "numba", "cvxpy", "clarabel", "torch", "skglm")


def environment(threads, limit, own):
    """All that two runs must share for their times to be compared: no names, no paths."""
    versions = {"hidden-convexity": hidden_convexity.__version__}
    versions |= {name: metadata.version(name) for name in PACKAGES}
    versions |= {
        one.name: one.version
        for one in metadata.distributions(path=[str(own)])
        if one.name in ("pyscnn", "adelie")
    }
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "threads": threads,
        "limit_seconds": limit,
        "versions": versions,
        "sources": _fingerprint(),
    }


def _processor():
    """The processor's model name, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _fingerprint():
    """A hash of the library and of the benchmark: times belong to the code that took them."""
    digest = hashlib.sha256()
    for folder in ("lib", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def read(path):
    """The stored results, or None."""
    path = Path(path)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def write(path, about, cases):
    """Write results, complete or not at all; times and gaps with six significant digits."""
    stored = {"schema": SCHEMA, "environment": about, "cases": _rounded(cases)}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(stored, indent=1) + "\n").encode())


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def table(cases):
    """The results as text, one line per case and program."""
    header = ("case", "program", "seconds", "ratio", "gap", "MiB", "")
    rows = [header]
    for name, case in cases.items():
        for program, entry in case["programs"].items():
            said = [f"{key} {_short(value)}" for key, value in entry["numbers"].items()]
            if entry["status"] != "finished":
                said = [entry["status"]]
            if entry["setting"] is not None:
                said = [f"setting {entry['setting']:g}", *said]
            numbers = (entry[key] for key in ("seconds", "ratio", "gap", "peak_mib"))
            rows.append((name, program, *map(_short, numbers), ", ".join(said)))
            name = ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, 1, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _short(value):
    if value is None:
        return "-"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
