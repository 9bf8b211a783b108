"""Terms of a network that cost nothing: a skip connection X b, and a constant of the outputs.

For outputs f of the neurons the loss is minimised over the coefficients of the free columns Z,
Phi(f) = min over b of F(f + Z b), which is convex in f, with the residual nu = -grad F at the best
b. There Z'nu = 0, which is what the dual asks of nu besides M(nu) <= beta: otherwise, b being free,
nu.f could be anything. The Hessian of Phi is the Schur complement H - H Z (Z'HZ)^-1 Z'H.
"""

import numpy as np
from scipy import linalg

# Newton steps and halvings in the minimisation over b; relative to the residual, the gradient that
# ends it; and the relative difference of two values that is rounding.
STEPS, HALVINGS, CONVERGED, SAME_HEIGHT = 50, 30, 1e-14, 1e-14
# Columns dependent to this share of the largest singular value are one.
DEPENDENT = 1e-13


class FreeTerms:
    """The free columns Z (n, q) of a problem, and the minimisation over their coefficients.

    Parameters
    ----------
    columns : (n, q) ndarray
        q may be 0.
    """

    def __init__(self, columns):
        self.columns = columns
        self.sizes = np.linalg.norm(columns, axis=0)
        unit = columns / np.where(self.sizes > 0, self.sizes, 1.0)
        left, singular, right = np.linalg.svd(unit, full_matrices=False)
        used = singular > DEPENDENT * singular.max(initial=0.0)
        # Orthonormal columns of the same span, and the coefficients of Z that make them.
        self.basis = np.ascontiguousarray(left[:, used])
        self._back = right[used].T / singular[used]

    def __len__(self):
        return self.basis.shape[1]

    def coefficients(self, along):
        """Coefficients (q,) of Z for coefficients of the orthonormal basis."""
        return self._back @ along / np.where(self.sizes > 0, self.sizes, 1.0)

    def fit(self, problem, outputs, start=None):
        """Coefficients of the basis that minimise F(outputs + basis c)."""
        along = np.zeros(len(self)) if start is None else start
        if len(self) == 0:
            return along
        moved = outputs + self.basis @ along
        height, residual = problem.loss_value(moved), problem.loss_residual(moved)
        for _ in range(STEPS):
            gradient = self.basis.T @ residual
            step = linalg.lstsq(self.hessian(problem.loss_curvature(moved)), gradient)[0]
            for halvings in range(HALVINGS):
                tried = along + 0.5**halvings * step
                moved = outputs + self.basis @ tried
                lower, residual = problem.loss_value(moved), problem.loss_residual(moved)
                # Near the minimum the value no longer tells steps apart, but the gradient does.
                flatter = np.linalg.norm(self.basis.T @ residual) < np.linalg.norm(gradient)
                if lower < height or (lower <= height * (1 + SAME_HEIGHT) and flatter):
                    break
            else:
                return along
            along, height = tried, min(height, lower)
            if np.linalg.norm(gradient) <= CONVERGED * np.linalg.norm(residual):
                return along
        return along

    def hessian(self, curvature):
        """basis' H basis for second derivatives H (n,) of the loss, None where they are 1."""
        if curvature is None:
            return np.eye(len(self))
        return self.basis.T @ (curvature[:, None] * self.basis)

    def balance(self, nu, curvature):
        """nu moved by the least amount, in the metric of the curvature, to where Z'nu = 0.

        For the logistic loss entries then move in proportion to p (1 - p): a probability does not
        leave [0, 1] unless the move is as large as itself.
        """
        for _ in range(2):  # the second time for what rounding has left
            shift = self.basis @ linalg.lstsq(self.hessian(curvature), self.basis.T @ nu)[0]
            nu = nu - (shift if curvature is None else curvature * shift)
        return nu
