"""Scikit-learn estimators, trained by convex optimisation: they need the extra `estimators`.

Read `fitting` (which program is within reach), `regressor`, `classifier`, then `cross_validation`.
Hands on what scikit-learn expects: `fit`, `predict`, `score`.
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        'the estimators need scikit-learn: pip install "hidden-convexity[estimators]"'
    ) from error

from hidden_convexity.estimators.classifier import ConvexReLUClassifier
from hidden_convexity.estimators.cross_validation import (
    ConvexReLUClassifierCV,
    ConvexReLURegressorCV,
)
from hidden_convexity.estimators.regressor import ConvexReLURegressor

__all__ = [
    "ConvexReLUClassifier",
    "ConvexReLUClassifierCV",
    "ConvexReLURegressor",
    "ConvexReLURegressorCV",
]
