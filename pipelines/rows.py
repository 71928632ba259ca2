"""Rows of a Dataset: a task and what the stages made of it, as one binary column.

Arrow stores bytes as they are. It does not know objects of the project: Ray Data would first try to
convert each one, log the error with its whole content, and then pickle it.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass

from domain.errors import Failure
from domain.jobs import StepResult, Task
from pipelines.extracted_paper import ExtractedPaper

COLUMN = "paper"

Row = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A task between two stages: extracted, then finished; or failed."""

    task: Task
    extracted: ExtractedPaper | None = None
    finished: StepResult | None = None
    failure: Failure | None = None

    def dump(self) -> Row:
        """Returns the row of the Dataset."""
        return {COLUMN: pickle.dumps(self, pickle.HIGHEST_PROTOCOL)}

    @staticmethod
    def load(row: Row) -> PaperRow:
        """Returns the content of a row of the Dataset."""
        return pickle.loads(row[COLUMN])
