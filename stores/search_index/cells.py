"""Cells of a large index: a search reads only those whose centre is near the query.

The centres come from spherical k-means on a sample of all rows, so that every segment has the same
cells. The share of the nearest rows that is found, and the time, are in docs/decisions/0011-*.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import faiss
import numpy as np

EXACT_ROWS = 200_000
"""Up to this number of rows every search reads all of them."""
CELLS = 512
PROBED_SHARE = 0.125
"""Share of the cells that a search without a filter reads."""

_SAMPLED_ROWS = 32 * CELLS
_ITERATIONS = 4  # of k-means; twice as many rows or iterations find no more of the nearest rows


def train_cells(parts: Sequence[np.ndarray]) -> faiss.IndexFlatIP:
    """Returns the centres of the cells of these unit vectors, as an index of CELLS vectors."""
    total = sum(len(part) for part in parts)
    chance = np.random.default_rng(total)
    sample = np.concatenate(
        [part[chance.random(len(part)) < _SAMPLED_ROWS / total] for part in parts]
    )
    means = faiss.Kmeans(
        sample.shape[1], CELLS, niter=_ITERATIONS, spherical=True, seed=1, min_points_per_centroid=1
    )
    means.train(sample)
    centres = faiss.IndexFlatIP(sample.shape[1])
    centres.add(np.asarray(means.centroids, np.float32))
    return centres


def cells_of(unit: np.ndarray, centres: faiss.IndexFlatIP) -> np.ndarray:
    """Returns the number of the cell of each unit vector, int64.

    NumPy multiplies three times as fast as the search of faiss.
    """
    centre_vectors = faiss.vector_to_array(centres.codes).view(np.float32)
    return (unit @ centre_vectors.reshape(centres.ntotal, -1).T).argmax(axis=1)


def probed_cells(share: float, cells: int) -> int:
    """Returns how many cells to read if a filter leaves this share of the rows (1: no filter).

    The number of rows that are read and meet the filter stays about the same.
    """
    return min(cells, round(cells * PROBED_SHARE / share))
