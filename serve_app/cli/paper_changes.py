"""Changes of several papers: a line for each while they run, or one JSON document at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import typer

from serve_app.cli.common import print_error, print_line, show_values


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a paper: in words, and as values of the JSON document."""

    words: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class PaperChanges:
    """Collects the papers that were changed, and those that the service refused to change."""

    as_json: bool
    done: list[dict[str, str]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)

    def apply(self, document_ids: Iterable[str], change: Callable[[str], Change]) -> None:
        """Changes the papers and exits: with code 1 if some were refused, else 0.

        Raises ServiceUnreachable after the JSON document of the papers before.
        """
        try:
            for document_id in document_ids:
                self._change(document_id, change)
        finally:
            if self.as_json:
                show_values("", self.as_json, done=self.done, refused=self.refused)
        raise typer.Exit(1 if self.refused else 0)

    def _change(self, document_id: str, change: Callable[[str], Change]) -> None:
        from serve_app.client import PaperworksProblem, ServiceUnreachable

        try:
            changed = change(document_id)
        except ServiceUnreachable:
            raise
        except PaperworksProblem as problem:
            reason = {"code": problem.code, "detail": problem.detail}
            self.refused.append({"document_id": document_id, **reason})
            print_error(f"{document_id}: {problem.detail}")
            return
        self.done.append({"document_id": document_id, **changed.values})
        if not self.as_json:
            print_line(f"{document_id}: {changed.words}")
