"""What the bot sends, held against Discord's own OpenAPI document."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A body that Discord's document does not allow; `error` says where in it and why."""

    method: str
    path: str
    error: str


class SchemaCheck:
    """Validators by route, made when a route is first used; every violation is kept in `violations`.

    The document writes snowflakes as strings only, while Discord also reads them from numbers and discord.py sends
    some of them so; both are let through. So are fields that the document does not name, which Discord ignores.
    """

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        self._schemas: Json = document["components"]["schemas"]
        pattern = self._schemas["SnowflakeType"]["pattern"]
        either = [{"type": "string", "pattern": pattern}, {"type": "integer", "minimum": 0}]
        self._schemas["SnowflakeType"] = {"anyOf": either}
        self._paths: Json = document["paths"]
        keywords = {"$ref": self._refer, "oneOf": self._union("oneOf"), "anyOf": self._union("anyOf")}
        self._kind: Any = extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
        self._validator = cache(self._made)
        self.violations: list[Violation] = []

    def check(self, method: str, template: str, body: object) -> Violation | None:
        """The violation of this body, kept as well; None where there is none, or the route takes no body."""
        validator = self._validator(method, template)
        error = None if validator is None else best_match(validator.iter_errors(body))
        if error is None:
            return None
        where = "/".join(str(part) for part in error.absolute_path)
        violation = Violation(method=method, path=template, error=f"{where or 'body'}: {error.message}")
        self.violations.append(violation)
        return violation

    def _made(self, method: str, template: str) -> Any:
        operation = self._paths.get(template, {}).get(method.lower())
        content = (operation or {}).get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return None
        return self._kind(content["application/json"]["schema"])

    def _refer(self, validator: Any, reference: str, value: object, _schema: Json) -> Iterator[ValidationError]:
        """Every reference of the document names one of its schemas, so that no lookup by address is needed."""
        yield from validator.descend(value, self._schemas[reference.removeprefix(SCHEMAS)])

    def _union(self, keyword: str) -> Any:
        """The keyword, but variants that the value's `type` field or its being null rule out are left aside.

        What remains is mostly one variant, whose own errors then say more than that none of many fits, and sooner.
        """
        usual = Draft202012Validator.VALIDATORS[keyword]

        def check(validator: Any, variants: list[Json], value: object, schema: Json) -> Iterator[ValidationError]:
            fitting = [variant for variant in variants if self._may_fit(variant, value)]
            if len(fitting) == 1:
                yield from validator.descend(value, fitting[0])
            else:
                yield from usual(validator, fitting or variants, value, schema)

        return check

    def _may_fit(self, variant: Json, value: object) -> bool:
        if variant.get("type") == "null":
            return value is None
        reference = variant.get("$ref", "")
        if value is None or not reference.startswith(SCHEMAS):
            return value is not None
        if not isinstance(value, dict) or "type" not in value:
            return True
        named = self._schemas[reference.removeprefix(SCHEMAS)].get("properties", {}).get("type", {})
        return "enum" not in named or value["type"] in named["enum"]
