"""A message before it is one: what the bot's body asks for, held to Discord's rules that no schema can tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import empty_message, invalid_form, too_large
from .files import Upload
from .messages import LINK_BUTTON, SELECTS, Component, Flag, Message, walk

Json = dict[str, Any]

MAX_CONTENT = 2000
MAX_EMBEDS_TEXT = 6000
MAX_ROWS = 5
MAX_IN_ROW = 5
MAX_COMPONENTS = 40
MAX_V2_TEXT = 4000
MAX_FILES = 10
MAX_OPTIONS = 25
SETTABLE = Flag.SUPPRESS_EMBEDS | Flag.SUPPRESS_NOTIFICATIONS | Flag.COMPONENTS_V2
# What an embed counts towards its 6,000 characters.
EMBED_TEXTS = ("title", "description")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A body that was read. `given` names the fields that it has; an edit leaves the others as they are.

    `files` are the new uploads by their number in `files[n]`; `attachments` says which uploads and which old
    attachments are wanted, None meaning that the body does not tell.
    """

    given: frozenset[str]
    content: str
    embeds: tuple[Json, ...]
    components: tuple[Json, ...]
    flags: Flag
    attachments: tuple[Json, ...] | None
    files: Mapping[int, Upload]
    allowed_mentions: Json | None
    reference: Json | None
    nonce: str | int | None
    enforce_nonce: bool
    tts: bool

    @property
    def empty(self) -> bool:
        return not (self.content or self.embeds or self.components or self.files or self.attachments)


def read_draft(
    body: Json,
    files: Mapping[int, Upload],
    *,
    file_limit: int,
    ephemeral_allowed: bool = False,
    editing: Message | None = None,
) -> Draft:
    """Read a body that was sent with `files`; ApiError 50035 or 40005 where Discord would refuse it.

    `editing` is the message that the body changes: once it is laid out by components it remains so.
    """
    content = body.get("content")
    if content is not None and not isinstance(content, str):
        raise invalid_form("content", "BASE_TYPE_BAD_STRING", "Could not interpret as string.")
    if content is not None and len(content) > MAX_CONTENT:
        raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CONTENT} or fewer in length.")
    embeds = tuple(body.get("embeds") or ())
    components = tuple(body.get("components") or ())
    allowed = SETTABLE | (Flag.EPHEMERAL if ephemeral_allowed else Flag(0))
    flags = Flag(int(body.get("flags") or 0)) & allowed
    attachments = body.get("attachments")
    _check_files(files, attachments, file_limit=file_limit)
    _check_embeds(embeds)
    if Flag.COMPONENTS_V2 in (flags if editing is None else flags | editing.flags):
        _check_layout(components, legacy=bool(content or embeds))
    else:
        _check_rows(components)
    return Draft(
        given=frozenset(body),
        content=content or "",
        embeds=embeds,
        components=components,
        flags=flags,
        attachments=None if attachments is None else tuple(attachments),
        files=files,
        allowed_mentions=body.get("allowed_mentions"),
        reference=body.get("message_reference"),
        nonce=body.get("nonce"),
        enforce_nonce=bool(body.get("enforce_nonce")),
        tts=bool(body.get("tts")),
    )


def require_something(draft: Draft) -> None:
    """Refuse a new message with nothing in it (50006)."""
    if draft.empty:
        raise empty_message()


def _check_files(files: Mapping[int, Upload], attachments: list[Json] | None, *, file_limit: int) -> None:
    if len(files) > MAX_FILES or len(attachments or ()) > MAX_FILES:
        raise invalid_form("attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FILES} or fewer in length.")
    if any(len(upload.data) > file_limit for upload in files.values()):
        raise too_large()


def _check_embeds(embeds: tuple[Json, ...]) -> None:
    if len(embeds) > MAX_FILES:
        raise invalid_form("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FILES} or fewer in length.")
    total = 0
    for embed in embeds:
        total += sum(len(embed.get(name) or "") for name in EMBED_TEXTS)
        total += len((embed.get("footer") or {}).get("text") or "")
        total += len((embed.get("author") or {}).get("name") or "")
        total += sum(
            len(item.get("name") or "") + len(item.get("value") or "") for item in embed.get("fields") or ()
        )
    if total > MAX_EMBEDS_TEXT:
        message = f"Embed size exceeds maximum size of {MAX_EMBEDS_TEXT}"
        raise invalid_form("embeds", "MAX_EMBED_SIZE_EXCEEDED", message)


def _check_rows(components: tuple[Json, ...]) -> None:
    if len(components) > MAX_ROWS:
        raise invalid_form("components", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_ROWS} or fewer in length.")
    for index, row in enumerate(components):
        if row.get("type") != Component.ACTION_ROW:
            message = f'Value of field "type" must be one of ({Component.ACTION_ROW.value},).'
            raise invalid_form(f"components.{index}.type", "UNION_TYPE_CHOICES", message)
    _check_interactive(components)


def _check_layout(components: tuple[Json, ...], *, legacy: bool) -> None:
    if legacy:
        raise invalid_form(
            "",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2",
        )
    parts = list(walk(components))
    if len(parts) > MAX_COMPONENTS:
        message = f"Total number of components cannot exceed {MAX_COMPONENTS}"
        raise invalid_form("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    text = sum(len(part.get("content") or "") for part in parts if part["type"] == Component.TEXT_DISPLAY)
    if text > MAX_V2_TEXT:
        message = (
            f"The total displayable text size in message components exceeds the maximum size of {MAX_V2_TEXT}"
        )
        raise invalid_form("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)
    _check_interactive(components)


def _check_interactive(components: tuple[Json, ...]) -> None:
    seen: set[str] = set()
    for part in walk(components):
        kind = part["type"]
        if kind == Component.ACTION_ROW:
            _check_row_width(part)
        elif kind == Component.BUTTON:
            _check_button(part)
        elif kind in SELECTS:
            _check_select(part)
        custom_id = part.get("custom_id")
        if custom_id is None:
            continue
        if custom_id in seen:
            message = "Component custom id cannot be duplicated"
            raise invalid_form("components", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        seen.add(custom_id)


def _check_row_width(row: Json) -> None:
    inner = row.get("components") or []
    selects = sum(part.get("type") in SELECTS for part in inner)
    if not inner or len(inner) > MAX_IN_ROW:
        raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_IN_ROW} in length.")
    if selects and len(inner) > 1:
        raise invalid_form(
            "components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width"
        )


def _check_button(button: Json) -> None:
    if button.get("style") == LINK_BUTTON:
        if not button.get("url") or button.get("custom_id"):
            raise invalid_form(
                "components", "BUTTON_COMPONENT_INVALID_URL", "A link button needs a url and no custom id"
            )
        return
    _check_custom_id(button)
    if button.get("url"):
        raise invalid_form("components", "BUTTON_COMPONENT_INVALID_URL", "Only a link button has a url")
    if not button.get("label") and not button.get("emoji"):
        raise invalid_form(
            "components", "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A label or emoji is required"
        )


def _check_select(select: Json) -> None:
    _check_custom_id(select)
    least, most = select.get("min_values"), select.get("max_values")
    if (1 if least is None else least) > (1 if most is None else most):
        raise invalid_form("components", "BASE_TYPE_BAD_INT", "min_values must not be larger than max_values")
    defaults = select.get("default_values") or []
    if defaults and not (1 if least is None else least) <= len(defaults) <= (1 if most is None else most):
        message = "The number of default values must be in the range of min_values and max_values"
        raise invalid_form("components", "SELECT_COMPONENT_INVALID_DEFAULT_VALUES", message)
    if select["type"] == Component.STRING_SELECT:
        options = select.get("options") or []
        if not 1 <= len(options) <= MAX_OPTIONS:
            raise invalid_form(
                "components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_OPTIONS} in length."
            )
        values = [option.get("value") for option in options]
        if len(set(values)) < len(values):
            raise invalid_form(
                "components",
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )


def _check_custom_id(part: Json) -> None:
    custom_id = part.get("custom_id")
    if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= 100:
        raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
