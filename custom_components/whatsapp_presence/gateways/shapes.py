"""The shape of what a gateway sent, without anything of what it said.

Nobody has shown some of the bodies that gateways send (UNKNOWN in docs/gateways.md).
One that is not understood can be reported safely: as its structure, in which every
value is replaced by its type, and every key that may be somebody's by a mark.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import json
import re
from typing import Any, Final

MAX_DEPTH: Final = 6
MAX_KEYS: Final = 30
MAX_ITEMS: Final = 3
MAX_NODES: Final = 200
MAX_SHAPES: Final = 8

HIDDEN_KEY: Final = "<key>"
CUT: Final = "…"

# A field's name as programs write them: not a name of somebody, a number or an id.
_FIELD: Final = re.compile(
    r"[_$]?[a-z][A-Za-z_$-]{0,39}\d{0,2}|[A-Z]{1,4}|\d{1,3}", re.ASCII
)

type Structure = str | dict[str, Structure] | list[Structure]
"""A value's type, or the structures of what is in it."""


def structure_of(value: Any) -> Structure:
    """Replace every value by its type, as far as `MAX_DEPTH` and `MAX_NODES` go.

    Keys stay only if they look like names of fields. Of a list, each structure is told
    once, the first few of them. What is left out is marked with an ellipsis.
    """
    return _Shaper().shape(value, MAX_DEPTH)


class _Shaper:
    """Counts what it has told, since a body may be large."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def shape(self, value: Any, depth: int) -> Structure:
        self._left -= 1
        if isinstance(value, Mapping):
            return self._mapping(value, depth) if self._goes_on(depth) else {CUT: CUT}
        if isinstance(value, (list, tuple)):
            return self._items(value, depth) if self._goes_on(depth) else [CUT]
        return _type_of(value)

    def _goes_on(self, depth: int) -> bool:
        return depth > 0 and self._left > 0

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Structure]:
        found: dict[str, Structure] = {}
        for index, (key, item) in enumerate(value.items()):
            if index >= MAX_KEYS or self._left <= 0:
                found[CUT] = CUT
                break
            name = key if isinstance(key, str) and _FIELD.fullmatch(key) else HIDDEN_KEY
            found.setdefault(name, self.shape(item, depth - 1))
        return found

    def _items(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Structure]:
        found: list[Structure] = []
        for index, item in enumerate(value):
            if len(found) >= MAX_ITEMS or index >= MAX_KEYS or self._left <= 0:
                found.append(CUT)
                break
            if (shape := self.shape(item, depth - 1)) not in found:
                found.append(shape)
        return found


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "float"
    return "string" if isinstance(value, str) else "other"


@dataclass(slots=True)
class _Shape:
    """One shape, and how many times it came."""

    kind: str
    structure: Structure
    count: int = 1


class Capture:
    """The last odd bodies of one gateway, as their structures, each of them once."""

    def __init__(self) -> None:
        """Begin with none."""
        self._shapes: dict[str, _Shape] = {}

    def note(self, kind: str, body: Any) -> None:
        """Keep the structure of a body; `kind` is a fixed phrase for what was odd."""
        structure = structure_of(body)
        key = json.dumps([kind, structure], sort_keys=True)
        known = self._shapes.pop(key, None)
        if known is not None:
            known.count += 1
        self._shapes[key] = known or _Shape(kind, structure)
        while len(self._shapes) > MAX_SHAPES:
            del self._shapes[next(iter(self._shapes))]

    def as_list(self) -> list[dict[str, Any]]:
        """Tell them for a report, the one that came last at the end."""
        return [
            {"kind": shape.kind, "structure": shape.structure, "count": shape.count}
            for shape in self._shapes.values()
        ]
