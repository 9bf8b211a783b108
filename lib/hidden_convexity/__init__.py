"""Train two-layer ReLU networks to certified global optimality, by convex optimisation."""

from importlib import import_module

# Not when first asked for: the function has its module's name, which would then be taken already.
from hidden_convexity.report import report  # noqa: F401

# Where each public name lives; a module's own name is the module. Names are fetched when first
# asked for, so that importing one of them, the independent checker for instance, runs no other.
_HOMES = {
    "Arrangement": "arrangement",
    "Certificate": "certificate",
    "ContradictedProof": "problem",
    "ParallelNetwork": "parallel",
    "ReLUNetwork": "network",
    "Solution": "solvers",
    "TooManyChambers": "arrangement",
    "TrainingProblem": "problem",
    "Zonotope": "zonotope",
    "beta_max": "certificate",
    "certify": "certificate",
    "check": "exercises",
    "count_chambers": "arrangement",
    "datasets": "datasets",
    "landscape": "landscape",
    "load": "saved",
    "mirrors": "mirrors",
    "paths": "paths",
    "splines": "splines",
    "train": "solvers",
    "train_path": "solvers",
    "wedge": "wedge",
}

__all__ = sorted([*_HOMES, "report"])


def __getattr__(name):
    try:
        module = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    except ModuleNotFoundError as error:
        if name in _HOMES or error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    found = module if _HOMES.get(name, name) == name else getattr(module, name)
    globals()[name] = found
    return found


def __dir__():
    return sorted({*globals(), *__all__})
