"""The settings as a table: `python -m configs.table > docs/settings.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import TypeGuard, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from configs.settings import Settings

HEAD = """# Settings

Made by `python -m configs.table`; a test compares it with the code. A setting is given under `args`
of a deploy file (`jobs: {lease_seconds: 20}`), or in the environment by the variable named here.
The deploy file wins.

| setting | environment | default | meaning |
|---|---|---|---|
"""
PLAIN = {"database_url": "DATABASE_URL", "milvus_uri": "MILVUS_URI", "blob_uri": "BLOB_URI"}


def settings_table() -> str:
    """The page docs/settings.md."""
    return HEAD + "".join(f"{row}\n" for row in _rows(Settings, ()))


def fields_of(kind: type) -> dict[str, FieldInfo]:
    """Returns the fields of a pydantic model or of a dataclass of options, by name."""
    if issubclass(kind, BaseModel):
        return dict(kind.model_fields)
    hints = get_type_hints(kind, include_extras=True)
    return {
        one.name: FieldInfo.from_annotation(hints[one.name])
        if one.default is MISSING
        else FieldInfo.from_annotated_attribute(hints[one.name], one.default)
        for one in fields(kind)
    }


def is_section(kind: object) -> TypeGuard[type]:
    """Returns True for a type that holds settings, False for the type of a value."""
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind))


def _rows(kind: type, path: tuple[str, ...], section: object = None) -> Iterator[str]:
    """Yields the rows of a section. `section`: its value by default, if it has one."""
    for name, field in fields_of(kind).items():
        default = field.default if section is None or field.default_factory else None
        default = getattr(section, name) if default is None and section is not None else default
        if is_section(field.annotation):
            yield from _rows(field.annotation, (*path, name), default)
        else:
            yield _row((*path, name), field, default)


def _row(place: tuple[str, ...], field: FieldInfo, default: object) -> str:
    variable = PLAIN.get(place[-1], "PAPERWORKS_" + "__".join(place).upper())
    shown = "" if default in (None, PydanticUndefined) else f"`{default}`"
    shown = "by the machine" if field.default_factory else shown
    return f"| `{'.'.join(place)}` | `{variable}` | {shown} | {field.description} |"


if __name__ == "__main__":
    sys.stdout.write(settings_table())
