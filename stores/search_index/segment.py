"""A segment of the index: immutable rows with their vectors, postings and columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, compress

import faiss
import numpy as np

from stores.search_index.columns import Codes, Columns, Condition, mask_of
from stores.search_index.postings import Postings
from stores.search_index.rows import Rows
from stores.search_index.vectors import Vectors, unit_vectors

KEPT_MASKS = 8
"""Masks of conditions that a segment keeps, one byte per row each: most searches have the same."""

MaskOf = Callable[[tuple[Condition, ...]], np.ndarray | None]


@dataclass(frozen=True, slots=True)
class Segment:
    """Immutable rows. `live` are the rows that were not replaced or deleted, None if all.

    `mask_of` returns which rows meet conditions on columns, like that of columns.py.
    """

    first: int  # the number of the first row in the whole index
    keys: list[str]
    vectors: Vectors
    postings: Postings
    columns: Columns
    mask_of: MaskOf
    live: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def live_rows(self) -> int:
        """The number of live rows."""
        return len(self) if self.live is None else int(np.count_nonzero(self.live))

    @property
    def live_mask(self) -> np.ndarray:
        """The live rows as booleans."""
        return np.ones(len(self), bool) if self.live is None else self.live

    def without(self, rows: np.ndarray) -> Segment:
        """Returns the segment in which these rows are no longer live."""
        live = self.live_mask.copy()
        live[rows] = False
        return replace(self, live=live)

    def with_cells(self, centres: Centres) -> Segment:
        """Returns the segment with its codes in the cells of these centres."""
        if self.vectors.codes is None:
            return self
        return replace(self, vectors=Vectors(self.vectors.unit, centres))

    def allowed(self, mask: np.ndarray | None) -> np.ndarray | None:
        """Returns the live rows of the mask, None if these are all rows."""
        if mask is None or mask.all():
            return self.live
        return mask if self.live is None else mask & self.live

    def having(self, terms: Collection[int], mask: np.ndarray | None) -> np.ndarray | None:
        """Returns the rows of the mask that contain every one of these terms."""
        if not terms:
            return mask
        found = self.postings.with_terms(terms, len(self))
        return found if mask is None else mask & found


Centres = faiss.IndexFlatIP | None


def segment_of(
    rows: Rows, first: int, codes: Mapping[str, Codes], centres: Centres = None
) -> Segment:
    """Returns the segment of these rows; strings of columns are encoded with `codes`."""
    columns = {
        name: codes[name].encode(column) if name in codes else np.array(column)
        for name, column in rows.columns.items()
    }
    vectors = Vectors(unit_vectors(rows.vectors), centres)
    masks = _kept_masks(columns, codes)
    return Segment(first, list(rows.keys), vectors, Postings.of(rows.sparse), columns, masks)


def _kept_masks(columns: Columns, codes: Mapping[str, Codes]) -> MaskOf:
    """Returns `mask_of` for these columns; it computes a mask once while it is in use.

    A string that gets a code later is in none of these rows, so masks stay valid.
    """

    @lru_cache(maxsize=KEPT_MASKS)
    def kept(conditions: tuple[Condition, ...]) -> np.ndarray | None:
        mask = mask_of(conditions, columns, codes)
        if mask is not None:
            mask.flags.writeable = False
        return mask

    return kept


def merge(
    segments: Sequence[Segment], first: int, codes: Mapping[str, Codes], centres: Centres = None
) -> Segment:
    """Returns one segment with the live rows of the segments."""
    masks = [one.live_mask for one in segments]
    pairs = list(zip(segments, masks, strict=True))
    keys = list(chain.from_iterable(compress(one.keys, mask) for one, mask in pairs))
    vectors = np.concatenate([one.vectors.unit[mask] for one, mask in pairs])
    postings = Postings.merged([(one.postings, mask) for one, mask in pairs])
    columns = {
        name: np.concatenate([one.columns[name][mask] for one, mask in pairs])
        for name in segments[0].columns
    }
    unit = Vectors(vectors, centres)
    return Segment(first, keys, unit, postings, columns, _kept_masks(columns, codes))
