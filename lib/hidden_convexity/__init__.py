"""Train two-layer ReLU networks to certified global optimality, by convex optimisation."""

import pkgutil
from importlib import import_module

__version__ = "0.1.0"

# Where each public name lives. Names are fetched when first asked for, so that importing one of
# them, the independent checker for instance, runs no other.
_HOMES = {
    "Arrangement": "geometry.arrangement",
    "Certificate": "proof.certificate",
    "ContradictedProof": "problem.gap",
    "OutOfReach": "foundations.reach",
    "ParallelNetwork": "problem.parallel_network",
    "ReLUNetwork": "problem.network",
    "Solution": "solvers",
    "TooManyChambers": "geometry.arrangement",
    "TrainingProblem": "problem.training_problem",
    "Zonotope": "geometry.zonotope",
    "beta_max": "proof.beta_max",
    "certify": "proof.certificate",
    "check": "companion.exercises",
    "compile": "companion.compiling",
    "count_chambers": "geometry.arrangement",
    "datasets": "companion.datasets",
    "landscape": "landscape",
    "load": "solvers.saved",
    "mirrors": "line.mirrors",
    "paths": "landscape.paths",
    "report": "companion.report",
    "splines": "line.splines",
    "train": "solvers",
    "train_path": "solvers",
    "wedge": "geometry.wedge",
}

# Those that are the modules themselves.
_MODULES = {"datasets", "landscape", "mirrors", "paths", "splines", "wedge"}

__all__ = sorted(_HOMES)


def __getattr__(name):
    try:
        module = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    except ModuleNotFoundError as error:
        if name in _HOMES or error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    found = module if name in _MODULES or name not in _HOMES else getattr(module, name)
    globals()[name] = found
    return found


def __dir__():
    return sorted({*globals(), *__all__})


# In reading order: each wing imports only from those before it.
WINGS = (
    "foundations",
    "verify",
    "geometry",
    "problem",
    "oracle",
    "proof",
    "solvers",
    "line",
    "landscape",
    "equivalences",
    "estimators",
    "companion",
)


def _sentence(wing):
    """The first line of a wing's docstring, read from its file: nothing is imported for it."""
    text = pkgutil.get_data(__name__, f"{wing}/__init__.py").decode()
    return text.partition("\n")[0].strip('"')


__doc__ = f"{__doc__}\n\nThe wings, in reading order:\n\n" + "\n".join(
    f"{wing}: {_sentence(wing)}" for wing in WINGS
)
