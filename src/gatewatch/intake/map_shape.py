"""The shape of JSON records that a user's map describes."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.intake.json_shape import Framed, Interest, JsonShape, Objects


@dataclass(frozen=True, slots=True)
class MapShape:
    """Objects that match all of *regexes*; records have ``map:<name>`` as their program."""

    name: str
    regexes: tuple[str, ...]

    @property
    def regex(self) -> str:
        """What every object of the shape matches."""
        return self.regexes[0]

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:
        """Make a record of each object that matches them all."""
        ours = objects.text.str.contains(self.regexes[0])
        for regex in self.regexes[1:]:
            ours &= objects.text.str.contains(regex)
        framed = JsonShape(self.name, "").frame(objects.filter(ours), interest)
        framed.left = objects.filter(~ours)
        return framed
