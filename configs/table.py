"""The settings as a table: `python -m configs.table > docs/settings.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

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


def _rows(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        place = (*path, name)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _lanes_or_rows(inner, field, place)
        else:
            yield _row(place, field, field.default)


def _lanes_or_rows(
    model: type[BaseModel], field: FieldInfo, place: tuple[str, ...]
) -> Iterator[str]:
    """Rows of a nested model, with the defaults that it is given where it stands."""
    given = field.default if isinstance(field.default, BaseModel) else None
    for name, inner in model.model_fields.items():
        nested = inner.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            yield from _lanes_or_rows(nested, inner, (*place, name))
        elif given is not None and inner.default_factory is None:
            yield _row((*place, name), inner, getattr(given, name))
        else:
            yield _row((*place, name), inner, inner.default)


def _row(place: tuple[str, ...], field: FieldInfo, default: object) -> str:
    variable = PLAIN.get(place[-1], "PAPERWORKS_" + "__".join(place).upper())
    shown = "" if default in (None, PydanticUndefined) else f"`{default}`"
    shown = "by the machine" if field.default_factory else shown
    return f"| `{'.'.join(place)}` | `{variable}` | {shown} | {field.description} |"


if __name__ == "__main__":
    sys.stdout.write(settings_table())
