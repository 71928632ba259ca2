"""Figures of a run: a table for people, bench.json for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

BUSY_SHARE = 0.5
PEER = "peer *"
PEER_NOTE = (
    "* The Celery system that this replaces (FastAPI, Celery, Redis, PostgreSQL, Milvus Lite, fp32 "
    "model), measured elsewhere, on a quiet machine of the same kind, with papers of its own: a "
    "hint, no comparison."
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `raw` is the same unit, measured in the same run."""

    name: str
    ours: float
    unit: str
    raw: float | None = None
    raw_is: str = ""
    target: str = ""
    peer: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over raw, None when nothing raw was measured."""
        return self.ours / self.raw if self.raw else None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of its own: a row's numbers by its name, one for each of the columns."""

    name: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a sub-bench found: the lines of the table, and whatever explains them."""

    figures: Sequence[Figure]
    details: Mapping[str, Any] = field(default_factory=dict)
    grids: Sequence[Grid] = ()


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies, by linear interpolation."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


def machine() -> dict[str, Any]:
    """Where the run took place, and how busy it was."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def show(sections: Mapping[str, Findings]) -> None:
    """Prints the table, and the details below it."""
    console = Console(width=None if Console().is_terminal else 130)
    table = Table(box=box.SIMPLE_HEAD, title="Paperworks, as ratios to raw work of the same run")
    table.add_column("what", overflow="fold")
    for name in ("service", "raw", "ratio", "target", PEER):
        table.add_column(name, justify="right")
    for name, findings in sections.items():
        table.add_section()
        for figure in findings.figures:
            table.add_row(f"{name}: {figure.name}", *_cells(figure))
    console.print(table)
    console.print(PEER_NOTE, style="dim")
    for findings in sections.values():
        for grid in findings.grids:
            console.print(_drawn(grid))
    for name, findings in sections.items():
        for title, detail in findings.details.items():
            console.print(f"{name}, {title}: {_said(detail)}", highlight=False)


def _drawn(grid: Grid) -> Table:
    table = Table("", box=box.SIMPLE_HEAD, title=grid.name)
    for column in grid.columns:
        table.add_column(column, justify="right")
    for name, numbers in grid.rows.items():
        table.add_row(name, *(f"{number:.4g}" for number in numbers))
    return table


def busy_note(load_average: float, cores: int) -> str:
    """A warning when other programs were at work before the run began, else nothing."""
    if load_average < BUSY_SHARE * cores:
        return ""
    return (
        f"The machine was busy before the run began (load average {load_average:.1f} on {cores} "
        "cores): trust ratios, not seconds."
    )


def write(path: Path, machines: Mapping[str, Any], sections: Mapping[str, Findings]) -> None:
    """Writes bench.json."""
    found = {
        name: {
            "figures": [{**asdict(one), "ratio": one.ratio} for one in findings.figures],
            "details": findings.details,
            "grids": [asdict(grid) for grid in findings.grids],
        }
        for name, findings in sections.items()
    }
    path.write_text(json.dumps({"machine": machines, "found": found}, indent=1) + "\n")


def _cells(figure: Figure) -> list[str]:
    raw = "" if figure.raw is None else _number(figure.raw, figure.unit)
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} x"
    return [_number(figure.ours, figure.unit), raw, ratio, figure.target, figure.peer]


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}"


def _said(detail: Any) -> str:
    if isinstance(detail, Mapping):
        return ", ".join(f"{name} {_said(value)}" for name, value in detail.items())
    if isinstance(detail, float):
        return f"{detail:.3g}"
    return str(detail)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
