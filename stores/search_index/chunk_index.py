"""The index of a collection: immutable segments as in an LSM tree, searched without a lock.

A write appends a small segment and marks replaced rows in copies of the old ones; then it publishes
all segments with one assignment. A search reads that tuple once, so it never waits for a write and
sees each write completely or not at all. Small segments are merged while they are written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from stores.search_index import cells
from stores.search_index.columns import Codes, Condition, mask_of
from stores.search_index.postings import MAX_ROWS
from stores.search_index.rows import Rows
from stores.search_index.segment import Centres, Segment, merge, segment_of
from stores.search_index.vectors import best, unit_vectors

MERGE_FACTOR = 4
"""A segment is merged with the newer one unless it has more than this many times its rows."""
MIN_LIVE_SHARE = 0.5
"""A segment with a smaller share of live rows is rewritten."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that a search found: keys, scores (float32), and the requested columns."""

    keys: list[str] = field(default_factory=list)
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    columns: dict[str, list[Any]] = field(default_factory=dict)


class ChunkIndex:
    """Searchable rows by key. Thread-safe; writes exclude each other.

    `strings` and `numbers` are the names of the columns; `key` is the name of the key in filters.
    """

    def __init__(self, key: str, strings: Iterable[str] = (), numbers: Iterable[str] = ()) -> None:
        self.key = key
        self._codes = {name: Codes() for name in strings}
        self.columns = frozenset({*self._codes, *numbers})
        self._segments: tuple[Segment, ...] = ()
        self._numbers: dict[str, int] = {}  # the row of each key, numbered over all segments
        self._next = 0
        self._centres: Centres = None  # of the cells, once the index has EXACT_ROWS rows
        self._writing = Lock()

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, key: str) -> bool:
        return key in self._numbers

    @property
    def sizes(self) -> list[int]:
        """The numbers of rows of the segments, dead rows included."""
        return [len(segment) for segment in self._segments]

    # --- writes

    def upsert(self, rows: Rows) -> None:
        """Adds the rows; a row replaces the one with the same key. The last of equal keys counts.

        Visible to searches when the call returns.
        """
        with self._writing:
            for part in rows.without_repeated_keys().parts(MAX_ROWS):
                segments = self._without(part.keys)
                new = segment_of(part, self._next, self._codes, self._centres)
                self._publish([*segments, self._numbered(new)])

    def delete(self, keys: Collection[str]) -> None:
        """Deletes these rows; unknown keys are ignored."""
        with self._writing:
            segments = self._without(keys)
            for key in keys:
                self._numbers.pop(key, None)
            self._publish(segments)

    def _without(self, keys: Collection[str]) -> list[Segment]:
        """Returns the segments in which the rows of these keys are not live."""
        segments = list(self._segments)
        numbers = sorted({number for key in keys if (number := self._numbers.get(key)) is not None})
        firsts = [segment.first for segment in segments]
        replaced: dict[int, list[int]] = defaultdict(list)
        for number in numbers:
            replaced[bisect_right(firsts, number) - 1].append(number)
        for place, rows in replaced.items():
            segments[place] = segments[place].without(np.array(rows) - segments[place].first)
        return segments

    def _numbered(self, segment: Segment) -> Segment:
        """Records the rows of a new segment, whose first row is `_next`."""
        self._next += len(segment)
        self._numbers.update(zip(segment.keys, range(segment.first, self._next), strict=True))
        return segment

    def _publish(self, segments: list[Segment]) -> None:
        live = [self._rewritten(one) for one in segments if one.live_rows]
        self._segments = tuple(self._in_cells(self._merged(live)))

    def _in_cells(self, segments: list[Segment]) -> list[Segment]:
        """Returns the segments; the first time that they are large, their codes enter cells."""
        if self._centres is not None or len(self) <= cells.EXACT_ROWS:
            return segments
        self._centres = cells.train_cells([one.vectors.unit for one in segments])
        return [one.with_cells(self._centres) for one in segments]

    def _rewritten(self, segment: Segment) -> Segment:
        if segment.live_rows >= MIN_LIVE_SHARE * len(segment):
            return segment
        return self._numbered_in_place([segment])

    def _merged(self, segments: list[Segment]) -> list[Segment]:
        """Merges the newest segments until each older one is MERGE_FACTOR times as large."""
        while len(segments) > 1:
            older, newer = segments[-2:]
            rows = older.live_rows + newer.live_rows
            if len(older) > MERGE_FACTOR * len(newer) or rows > MAX_ROWS:
                break
            segments[-2:] = [self._numbered_in_place([older, newer])]
        return segments

    def _numbered_in_place(self, segments: list[Segment]) -> Segment:
        """Returns the merged segment; its rows keep numbers between those of its neighbours."""
        merged = merge(segments, segments[0].first, self._codes, self._centres)
        self._numbers.update(zip(merged.keys, range(merged.first, self._next), strict=False))
        return merged

    # --- reads

    def nearest(
        self,
        vector: np.ndarray,
        limit: int,
        conditions: Sequence[Condition] = (),
        columns: Sequence[str] = (),
        required: Collection[int] = (),
    ) -> Found:
        """Returns the rows nearest by cosine that have the required terms, best first.

        Raises `UnsupportedFilter`.
        """
        query = unit_vectors(np.asarray(vector, np.float32))
        found, best_scores = [], np.full(limit, -np.inf, np.float32)
        for segment, mask in self._allowed(conditions, required):
            rows, scores = segment.vectors.nearest(query, limit, mask, best_scores.min())
            found.append((segment, rows, scores))
            _, best_scores = best(np.append(best_scores, scores), limit)
        return self._best(found, limit, columns)

    def matching(
        self,
        query: Mapping[int, float],
        limit: int,
        conditions: Sequence[Condition] = (),
        columns: Sequence[str] = (),
        required: Collection[int] = (),
    ) -> Found:
        """Returns the rows with the largest inner product above 0, best first.

        Rows without one of the required terms are left out.
        Raises `UnsupportedFilter`.
        """
        found = []
        for segment, mask in self._allowed(conditions, required):
            scores = segment.postings.scores(query, len(segment))
            positive = scores > 0
            mask = positive if mask is None else mask & positive
            found.append((segment, *best(scores, limit, mask)))
        return self._best(found, limit, columns)

    def rows(
        self,
        conditions: Sequence[Condition] = (),
        columns: Sequence[str] = (),
        limit: int | None = None,
    ) -> Found:
        """Returns the rows that meet the conditions, unordered. Raises `UnsupportedFilter`."""
        keys: list[str] = []
        values: dict[str, list[Any]] = {name: [] for name in columns}
        for segment, mask in self._allowed(conditions):
            chosen = np.arange(len(segment)) if mask is None else np.flatnonzero(mask)
            chosen = chosen if limit is None else chosen[: limit - len(keys)]
            keys += [segment.keys[row] for row in chosen.tolist()]
            for name in columns:
                values[name] += self._values(segment, name, chosen)
        return Found(keys, columns=values)

    def count(self, conditions: Sequence[Condition] = ()) -> int:
        """Returns the number of rows that meet the conditions. Raises `UnsupportedFilter`."""
        return sum(
            len(segment) if mask is None else int(np.count_nonzero(mask))
            for segment, mask in self._allowed(conditions)
        )

    def cosines(self, vector: np.ndarray, keys: Iterable[str]) -> dict[str, float]:
        """Returns the cosine of the vector and the row of each key, without unknown keys."""
        query, segments = unit_vectors(np.asarray(vector, np.float32)), self._segments
        places = {key: self._place(key, segments) for key in keys}
        return {
            key: float(place[0].vectors.unit[place[1]] @ query)
            for key, place in places.items()
            if place is not None
        }

    def _place(self, key: str, segments: Sequence[Segment]) -> tuple[Segment, int] | None:
        """Returns the segment and the row of a key, None if these segments do not have it."""
        number = self._numbers.get(key)
        if number is None:
            return None
        for segment in segments:
            row = number - segment.first
            if 0 <= row < len(segment) and segment.keys[row] == key:
                return segment, row
        # A write is numbering the rows anew and has not published their segment yet.
        having = (segment for segment in reversed(segments) if key in segment.keys)
        return next(((segment, segment.keys.index(key)) for segment in having), None)

    def frequencies(self, terms: Iterable[int]) -> dict[int, int]:
        """Returns the number of rows that contain each term."""
        segments = self._segments
        return {
            term: sum(one.postings.frequency(term, one.live) for one in segments) for term in terms
        }

    def _allowed(
        self, conditions: Sequence[Condition], required: Collection[int] = ()
    ) -> Iterator[tuple[Segment, np.ndarray | None]]:
        """Yields each segment and its live rows that meet the conditions and have the required
        terms (None: all)."""
        of_keys = [one for one in conditions if one.column == self.key]
        others = tuple(one for one in conditions if one.column != self.key)
        for segment in self._segments:
            mask = segment.mask_of(others)
            if of_keys:
                keys = mask_of(of_keys, {self.key: np.array(segment.keys)}, {})
                mask = keys if mask is None else mask & keys
            yield segment, segment.allowed(segment.having(required, mask))

    def _best(
        self,
        found: Sequence[tuple[Segment, np.ndarray, np.ndarray]],
        limit: int,
        columns: Sequence[str],
    ) -> Found:
        """Returns the best rows of all segments, best first."""
        if not found:
            return Found(columns={name: [] for name in columns})
        scores = np.concatenate([scores for _, _, scores in found])
        places = np.repeat(np.arange(len(found)), [len(rows) for _, rows, _ in found])
        rows = np.concatenate([rows for _, rows, _ in found])
        order = np.argsort(-scores, kind="stable")[:limit]
        chosen = [
            (found[place][0], row) for place, row in zip(places[order], rows[order], strict=True)
        ]
        values = {
            name: [value for one, row in chosen for value in self._values(one, name, [row])]
            for name in columns
        }
        return Found([one.keys[row] for one, row in chosen], scores[order], values)

    def _values(self, segment: Segment, name: str, rows: Any) -> list[Any]:
        values = segment.columns[name][rows]
        return self._codes[name].decode(values) if name in self._codes else values.tolist()
