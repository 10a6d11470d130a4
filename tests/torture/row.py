"""One row of the table: what was done, what came of it, and whether that is as promised."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Row:
    """`wrong` names what is not as promised, for whoever has to find out why."""

    name: str
    done: str
    figure: str
    passed: bool
    wrong: list[str] = field(default_factory=list)
