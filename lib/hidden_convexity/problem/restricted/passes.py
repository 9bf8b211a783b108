"""What the restricted problem asks of the data in any dimension, in passes over blocks of rows."""

import numpy as np

from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.problem.pooling import activation
from hidden_convexity.problem.restricted.walls import TIGHT, Walls

# Entries of the largest temporary block, 0.8 MB of float64: it stays in the cache, and is not asked
# of the system anew, which takes ten times as long as the products. Blocks of whole columns are
# larger by a factor, since BLAS has nothing to do for few of them.
BLOCK, COLUMNS = 100_000, 20
# Sine of the angle between a neuron and the hyperplanes of rows that it may meet: steps are hardly
# ever longer, and one row in a hundred is left. Neurons whose rows are kept: a program has fewer.
NEAR, KEPT = 1e-2, 100


class Passes:
    """Predictions, correlations and Gram matrices of neurons with frozen activation patterns.

    A feature is the vector D_j X c, where D_j = diag(1[X u_j > 0]) is the pattern of direction
    u_j and c is a column, usually one of a basis of the flat on which the neuron may move.

    Parameters
    ----------
    X : (n, d) ndarray
        Data, one sample a row.
    """

    def __init__(self, X):
        self.X = X
        self._row_norms = row_lengths(X)
        # The last Gram matrix, its weights, and the place of each of its features.
        self._gram, self._weights, self._places = np.zeros((0, 0)), None, {}
        self._near = {}

    def _blocks(self, width):
        step = max(BLOCK // max(width, 1), 1)
        for start in range(0, len(self.X), step):
            yield slice(start, start + step)

    def _features(self, block, directions, columns, owner):
        active = self.X[block] @ directions.T > 0
        return active[:, owner] * (self.X[block] @ columns.T)

    def features(self, directions, columns, owner):
        """The features, (n, K); arguments as in `correlate`."""
        blocks = self._blocks(len(columns))
        return np.concatenate([self._features(b, directions, columns, owner) for b in blocks])

    def predict(self, weights, signs):
        """Outputs sum_j signs_j (X w_j)_+ of neurons with weights (m, d): (n,)."""
        output = np.empty(len(self.X))
        for block in self._blocks(len(weights)):
            output[block] = np.maximum(self.X[block] @ weights.T, 0.0) @ signs
        return output

    def correlate(self, nu, directions, columns, owner):
        """Products of nu (n,) with the features.

        Parameters
        ----------
        nu : (n,) ndarray
        directions : (m, d) ndarray
            One direction a pattern.
        columns : (K, d) ndarray
            The vectors c.
        owner : (K,) ndarray of int
            Which direction's pattern each column goes with.

        Returns
        -------
        (K,) ndarray
        """
        parts = np.zeros((self.X.shape[1], len(directions)))
        for block in self._blocks(len(directions)):
            rows = self.X[block]
            parts += (nu[block, None] * rows).T @ (rows @ directions.T > 0)
        return np.einsum("ck,kc->k", parts[:, owner], columns)

    def gram(self, directions, columns, owner, weights=None):
        """Products of all pairs of features, (K, K); arguments as in `correlate`.

        With weights (n,) >= 0, sample i counts weights_i times. As long as they are the same array,
        or None, products that were part of the last Gram matrix are not computed again: from round
        to round most neurons stay.
        """
        count = len(columns)
        keys = [feature.tobytes() for feature in np.hstack([directions[owner], columns])]
        places = self._places if weights is self._weights else {}
        place = np.array([places.get(key, -1) for key in keys])
        old, new = np.flatnonzero(place >= 0), np.flatnonzero(place < 0)
        products = np.zeros((count, count))
        products[np.ix_(old, old)] = self._gram[np.ix_(place[old], place[old])]
        if len(new) == 0:
            return products
        products[:, new] = self._products(directions, columns, owner, new, weights)
        products[new] = products[:, new].T
        self._gram, self._weights = products.copy(), weights
        self._places = {key: k for k, key in enumerate(keys)}
        return products

    def _products(self, directions, columns, owner, new, weights):
        """Products of all features with the new ones, (K, new)."""
        products = np.zeros((len(columns), len(new)))
        for block in self._blocks(len(columns)):
            features = self._features(block, directions, columns, owner)
            if weights is not None:
                features *= np.sqrt(weights[block])[:, None]
            products += features.T @ features[:, new]
        return products

    def tight_rows(self, direction):
        """Nonzero rows that are tight at a unit direction.

        Returns
        -------
        (t,) ndarray of int
            Enough of them to span all.
        """
        near = np.abs(self.X @ direction) <= TIGHT * self._row_norms
        return np.flatnonzero(near & (self._row_norms > 0))

    def walls(self, direction, ends):
        """Among them all rows that are crossed on ways from a unit direction to ends (q, d).

        An end within an angle of it is on its side of all rows that are further away.
        """
        if (ends @ direction < np.sqrt(1 - NEAR**2) * np.linalg.norm(ends, axis=1)).any():
            return Walls(np.arange(len(self.X)), self.X, self._row_norms)
        key = direction.tobytes()
        if key not in self._near:
            near = np.flatnonzero(np.abs(self.X @ direction) <= NEAR * self._row_norms)
            self._near[key] = Walls(near, self.X[near], self._row_norms[near])
            if len(self._near) > KEPT:
                del self._near[next(iter(self._near))]
        return self._near[key]


class PooledPasses(Passes):
    """The same for networks with a slope, or with activations averaged over patches.

    A feature is A (D_j + slope (I - D_j)) R c, with the rows R and the averages A of a `Pooling`.
    Features (n,) are kept from round to round: rows are many more than samples, and most neurons
    stay.

    Parameters
    ----------
    pooling : Pooling
    """

    def __init__(self, pooling):
        super().__init__(pooling.rows)
        self.pooling = pooling
        self._kept = {}

    def predict(self, weights, signs):
        """Outputs sum_j signs_j A phi(R w_j) of neurons with weights (m, d): (n,)."""
        output = np.empty(len(self.X))
        for block in self._blocks(len(weights)):
            values = activation(self.X[block] @ weights.T, self.pooling.slope)
            output[block] = values @ signs
        return self.pooling.pool(output)

    def activations(self, weights):
        """A phi(R w_j) of neurons with weights (m, d): (n, m)."""
        parts, step = [], max(COLUMNS * BLOCK // len(self.X), 1)
        for start in range(0, max(len(weights), 1), step):
            products = self.X @ weights[start : start + step].T
            parts.append(self.pooling.pool(activation(products, self.pooling.slope)))
        return np.concatenate(parts, axis=1)

    def correlate(self, nu, directions, columns, owner):
        """Products of nu (n,) with the features (K,); arguments as in `Passes`."""
        return np.array([one @ nu for one in self._rows(directions, columns, owner)])

    def _products(self, directions, columns, owner, new, weights):
        features = np.stack(self._rows(directions, columns, owner))
        if weights is not None:
            features *= np.sqrt(weights)
        return features @ features[new].T

    def features(self, directions, columns, owner):
        """The features, (n, K); arguments as in `Passes.correlate`."""
        return np.stack(self._rows(directions, columns, owner), axis=1)

    def _rows(self, directions, columns, owner):
        """The features as a list of contiguous (n,) arrays."""
        keys = [feature.tobytes() for feature in np.hstack([directions[owner], columns])]
        self._kept = {key: self._kept[key] for key in keys if key in self._kept}
        new = [k for k, key in enumerate(keys) if key not in self._kept]
        step = max(COLUMNS * BLOCK // len(self.X), 1)
        for start in range(0, len(new), step):
            some = new[start : start + step]
            used, of_used = np.unique(owner[some], return_inverse=True)
            side = (self.X @ directions[used].T > 0)[:, of_used]
            slopes = np.where(side, 1.0, self.pooling.slope)
            pooled = self.pooling.pool(slopes * (self.X @ columns[some].T))
            self._kept |= {keys[k]: one.copy() for k, one in zip(some, pooled.T, strict=True)}
        return [self._kept[key] for key in keys]
