"""Modals: what the bot may open, and what a person fills in."""

from collections.abc import Callable, Mapping
from typing import Any

from .errors import NotPossible, invalid_form
from .files import Upload
from .messages import SELECTS, Component, numbered, walk

Json = dict[str, Any]

MOST_ROWS = 5
LONGEST_TITLE = 45
LONGEST_TEXT = 4000


def checked_modal(data: Json) -> Json:
    """The modal as the person's app shows it, with numbered components; ApiError 50035 where it is not allowed."""
    components = data.get("components") or []
    if not 1 <= len(components) <= MOST_ROWS:
        raise invalid_form(
            "data.components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MOST_ROWS} in length."
        )
    if not 1 <= len(str(data.get("title") or "")) <= LONGEST_TITLE:
        raise invalid_form(
            "data.title", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {LONGEST_TITLE} in length."
        )
    ids = [part["custom_id"] for part in walk(components) if part.get("custom_id") is not None]
    if len(set(ids)) < len(ids):
        message = "Component custom id cannot be duplicated"
        raise invalid_form("data.components", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
    for part in walk(components):
        value, most = part.get("value"), part.get("max_length")
        most = LONGEST_TEXT if most is None else most
        if part["type"] == Component.TEXT_INPUT and value is not None and len(value) > most:
            raise invalid_form("data.components", "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
    return {**data, "components": numbered(components)}


def filled_modal(modal: Json, values: Mapping[str, object], keep: Callable[[Upload], str]) -> Json:
    """The data of a submission. `values` go by custom id or label; `keep` stores an upload and gives its id.

    A field that is not named keeps what it shows. NotPossible where the app would not send it.
    """
    known: dict[str, str] = {}
    for part in walk(modal["components"]):
        inner = part.get("component") if part["type"] == Component.LABEL else part
        custom_id = (inner or {}).get("custom_id")
        if custom_id is not None:
            known[custom_id] = custom_id
            if part.get("label"):
                known.setdefault(part["label"], custom_id)
    unknown = [name for name in values if name not in known]
    if unknown:
        raise NotPossible(f"the modal has no field {unknown[0]!r}, only {list(known)}")
    given = {known[name]: value for name, value in values.items()}
    return {
        "custom_id": modal["custom_id"],
        "components": [_filled(part, given, keep) for part in modal["components"]],
    }


def _filled(part: Json, given: Mapping[str, object], keep: Callable[[Upload], str]) -> Json:
    body: Json = {"type": part["type"], "id": part["id"]}
    if part["type"] == Component.ACTION_ROW:
        body["components"] = [_filled(inner, given, keep) for inner in part["components"]]
    elif part["type"] == Component.LABEL:
        body["component"] = _filled(part["component"], given, keep)
    elif part["type"] == Component.TEXT_INPUT:
        body |= {"custom_id": part["custom_id"], "value": _text(part, given.get(part["custom_id"]))}
    elif part["type"] in SELECTS | {Component.CHECKBOX_GROUP, Component.FILE_UPLOAD}:
        body |= {"custom_id": part["custom_id"], "values": _several(part, given.get(part["custom_id"]), keep)}
    elif part["type"] == Component.RADIO_GROUP:
        chosen = _several({**part, "max_values": 1}, given.get(part["custom_id"]), keep)
        body |= {"custom_id": part["custom_id"], "value": chosen[0] if chosen else None}
    elif part["type"] == Component.CHECKBOX:
        ticked = given.get(part["custom_id"], part.get("default"))
        body |= {"custom_id": part["custom_id"], "value": bool(ticked)}
    return body


def _text(part: Json, value: object) -> str:
    if value is None:
        value = part.get("value") or ""
    name = part["custom_id"]
    if not isinstance(value, str):
        raise NotPossible(f"{name} must be text, not {value!r}")
    required = part.get("required") is not False
    least = part.get("min_length")
    least = (1 if required else 0) if least is None else least
    most = part.get("max_length")
    most = LONGEST_TEXT if most is None else most
    if (value or required) and not least <= len(value) <= most:
        raise NotPossible(f"{name} must have {least} to {most} characters, not {len(value)}")
    return value


def _several(part: Json, value: object, keep: Callable[[Upload], str]) -> list[str]:
    name = part["custom_id"]
    options = part.get("options")
    if value is None:
        chosen: list[object] = [option["value"] for option in options or () if option.get("default")]
    else:
        chosen = list(value) if isinstance(value, list | tuple) else [value]
    required = part.get("required") is not False
    least, most = part.get("min_values"), part.get("max_values")
    least = (1 if required else 0) if least is None else least
    most = 1 if most is None else most
    if (chosen or required) and not least <= len(chosen) <= most:
        raise NotPossible(f"{name} takes {least} to {most} values, not {len(chosen)}")
    if part["type"] == Component.FILE_UPLOAD:
        uploads = [upload for upload in chosen if isinstance(upload, Upload)]
        if len(uploads) < len(chosen):
            raise NotPossible(f"{name} takes files, not {chosen!r}")
        return [keep(upload) for upload in uploads]
    texts = [str(one) for one in chosen]
    if options is not None:
        allowed = [option["value"] for option in options]
        if any(text not in allowed for text in texts):
            raise NotPossible(f"{name} must be of {allowed}, not {texts}")
    return texts
