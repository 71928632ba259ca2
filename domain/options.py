"""Option classes are frozen dataclasses; the settings extend them, and `select_options` narrows a
section of the settings down to the options of one package."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol, TypeVar


class Options(Protocol):
    """A dataclass instance or class."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


T = TypeVar("T", bound=Options)


def select_options(kind: type[T], section: Options, **more: Any) -> T:
    """Returns an instance of `kind` with the values that `section` has for its fields.

    `more` holds values that are not in the section. Raises TypeError for a field without a value.
    """
    names = [one.name for one in fields(kind) if one.name not in more]
    values = {name: getattr(section, name) for name in names if hasattr(section, name)}
    return kind(**values, **more)
