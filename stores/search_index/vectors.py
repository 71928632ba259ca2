"""Exact nearest neighbours by cosine: an int8 scan chooses candidates, float32 decides.

The scan reads a quarter of the bytes. Its error has a bound: the inner products of two vectors and
of their int8 codes differ by at most the distances of vectors and codes (Cauchy-Schwarz). A vector
outside the candidates cannot be among the nearest if the score of the last candidate plus that
bound is below the score of the last result; otherwise the scan is repeated with more candidates.
The results of one segment spare the next one the candidates that can no longer be among the best.

In a large index the scan reads only the cells near the query (stores/search_index/cells.py). Then
the bound holds for the rows of these cells.

The query is a code too: faiss converts a query to integers where the dimension is a multiple of
16, and computes with floats elsewhere. Only whole numbers have the same product on both ways.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from stores.search_index.cells import cells_of, probed_cells

QUANTIZED_ROWS = 8_192
"""From this number of rows on the int8 scan pays: below, the float32 scan takes under 1 ms."""
CANDIDATES_PER_RESULT = 4
SELECTIVE_SHARE = 0.1
"""Up to this share of rows, gathering them is cheaper than the scan of all codes."""

_ROUNDING = 1e-5  # of float32 sums of 384 products of unit vectors
_LARGEST_CODE = 127
_ROWS_AT_ONCE = 4_096  # of the temporary arrays while vectors are quantized

faiss.omp_set_num_threads(1)  # a search uses one core; the other works for the ingestion

Nearest = tuple[np.ndarray, np.ndarray]  # row numbers and their scores


class Vectors:
    """Unit vectors of a segment, immutable. `centres`: those of the cells, if it has any."""

    def __init__(self, unit: np.ndarray, centres: faiss.IndexFlatIP | None = None) -> None:
        self.unit = unit
        self.codes: _Codes | None = _Codes(unit, centres) if len(unit) >= QUANTIZED_ROWS else None

    def nearest(
        self, query: np.ndarray, limit: int, mask: np.ndarray | None, floor: float = -np.inf
    ) -> Nearest:
        """Returns the rows of the mask nearest to the unit query, unordered.

        Rows with a score below `floor` may be missing, and with cells those of distant cells.
        """
        if mask is not None and np.count_nonzero(mask) <= SELECTIVE_SHARE * len(mask):
            return self._nearest_of(np.flatnonzero(mask), query, limit)
        if self.codes is None:
            return best(self.unit @ query, limit, mask)
        return self._nearest_by_codes(self.codes, query, limit, mask, floor)

    def _nearest_by_codes(
        self, codes: _Codes, query: np.ndarray, limit: int, mask: np.ndarray | None, floor: float
    ) -> Nearest:
        wanted = CANDIDATES_PER_RESULT * limit
        while wanted < len(self.unit) * SELECTIVE_SHARE:
            rows, bounds = codes.scan(query, wanted, mask)
            found = self._nearest_of(rows[bounds >= floor - _ROUNDING], query, limit)
            if len(rows) < limit and codes.has_cells:
                break
            if len(rows) < wanted or bounds[-1] < _lowest(found, limit, floor) - _ROUNDING:
                return found
            wanted *= CANDIDATES_PER_RESULT
        return best(self.unit @ query, limit, mask)

    def _nearest_of(self, rows: np.ndarray, query: np.ndarray, limit: int) -> Nearest:
        chosen, scores = best(self.unit[rows] @ query, limit)
        return rows[chosen], scores


def _lowest(found: Nearest, limit: int, floor: float) -> float:
    """Returns the score that another row must reach to be a result."""
    return max(floor, float(found[1].min())) if len(found[1]) == limit else floor


class _Codes:
    """int8 codes of unit vectors, with one scale, and the largest distance of vector and code."""

    def __init__(self, unit: np.ndarray, centres: faiss.IndexFlatIP | None) -> None:
        self._scale = _scale_of(unit)
        self._centres = centres  # faiss keeps a pointer only
        self._index = _empty_index(unit.shape[1], centres)
        self._error = 0.0
        for start in range(0, len(unit), _ROWS_AT_ONCE):
            part = unit[start : start + _ROWS_AT_ONCE]
            rounded, error = _rounded(part, self._scale)
            self._add(rounded, part)
            self._error = max(self._error, error)

    @property
    def has_cells(self) -> bool:
        """True if a scan reads a part of the codes only."""
        return self._centres is not None

    def _add(self, rounded: np.ndarray, unit: np.ndarray) -> None:
        if self._centres is None:
            self._index.add(rounded)
            return
        cells = cells_of(unit, self._centres)
        pointers = (faiss.swig_ptr(rounded), None, faiss.swig_ptr(cells))
        self._index.add_core(len(rounded), *pointers)

    def scan(
        self, query: np.ndarray, limit: int, mask: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows of the best `limit` codes, best first, and a bound of each score.

        The score of any other row of the mask is not above the last bound.
        """
        scale = _scale_of(query)
        code, query_error = _rounded(query[np.newaxis], scale)
        scores, rows = self._index.search(code, limit, params=self._parameters(mask))
        found = rows[0] >= 0
        error = self._error + query_error * (1 + self._error)
        return rows[0][found], scores[0][found] * (scale * self._scale) + error

    def _parameters(self, mask: np.ndarray | None) -> Any:
        chosen, share = {}, 1.0
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)  # pyright: ignore[reportCallIssue]
            chosen, share = {"sel": selector}, float(mask.mean())
        if self._centres is None:
            return faiss.SearchParameters(**chosen)  # pyright: ignore[reportCallIssue]
        cells = probed_cells(share, self._centres.ntotal)
        return faiss.SearchParametersIVF(nprobe=cells, **chosen)  # pyright: ignore[reportCallIssue]


def _empty_index(dimension: int, centres: faiss.IndexFlatIP | None) -> Any:
    kind, metric = faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
    if centres is None:
        return faiss.IndexScalarQuantizer(dimension, kind, metric)
    index = faiss.IndexIVFScalarQuantizer(
        centres, dimension, centres.ntotal, kind, metric, False
    )  # the codes are those of vectors, not of their distances from the centres
    index.is_trained = True
    return index


def _scale_of(unit: np.ndarray) -> float:
    """Returns the number for which each coordinate divided by it is within -127 and 127."""
    largest = max(float(unit.max(initial=0)), -float(unit.min(initial=0)))
    return (largest or 1.0) / _LARGEST_CODE


def _rounded(vectors: np.ndarray, scale: float) -> tuple[np.ndarray, float]:
    """Returns the codes as whole float32 numbers, and the largest distance of a vector to its."""
    codes = np.round(vectors / np.float32(scale))
    distances = np.linalg.norm(vectors - codes * np.float32(scale), axis=1)
    return codes, float(distances.max(initial=0))


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """Returns the vectors divided by their norms, float32; zero vectors stay zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, np.where(norms > 0, norms, 1), dtype=np.float32)


def best(scores: np.ndarray, limit: int, mask: np.ndarray | None = None) -> Nearest:
    """Returns the rows with the highest scores, unordered; `mask` excludes rows."""
    rows = np.arange(len(scores)) if mask is None else np.flatnonzero(mask)
    chosen = scores if mask is None else scores[rows]
    if len(chosen) > limit:
        kept = np.argpartition(chosen, len(chosen) - limit)[len(chosen) - limit :]
        rows, chosen = rows[kept], chosen[kept]
    return rows, chosen
