"""The values of the setting `ray.dashboard`."""

from __future__ import annotations

from enum import StrEnum


class DashboardMode(StrEnum):
    """What the Ray node of the service runs for Ray's dashboard."""

    FULL = "full"  # every page, as Ray ships them
    LEAN = "lean"  # jobs, actors, tasks, nodes, logs and Serve, for 0.2 GB less memory
    OFF = "off"

    @classmethod
    def _missing_(cls, value: object) -> DashboardMode | None:
        """Returns the mode of a boolean: YAML reads `off` as False, older settings had only two."""
        return {"true": cls.FULL, "false": cls.OFF}.get(str(value).lower())
