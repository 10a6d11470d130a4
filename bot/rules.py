"""What holds in a server, as its moderators set it: where, by whom, with what and how large pictures are drawn."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.content import ContentFilter
from bot.errors import AboveCeiling, Blocked, Ceiling, ModelNotHere, OtherChannels, RoleNeeded, WordKeptOut
from bot.place import Viewer
from bot.preferences import Defaults
from bot.words import found
from generation import (
    Allowance,
    BadSize,
    InvalidRequest,
    Mode,
    Model,
    Range,
    Recipe,
    Size,
    SizeBounds,
    Use,
    read_prompt,
)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a role brings, in seconds of compute as in Allowance; None is as the operator has it for all."""

    seconds: float | None = None
    per_hour: float | None = None

    def within(self, most: Allowance) -> "Grant":
        """The same, but no more than `most`."""
        return Grant(
            seconds=None if self.seconds is None else min(self.seconds, most.capacity),
            per_hour=None if self.per_hour is None else min(self.per_hour, most.per_hour),
        )


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of one server; what is empty or None is no rule.

    Moderators may draw whatever the channel and their roles, and cannot be blocked: they set who may and where,
    and have to try it. What may be drawn holds for them too, since those who see it are the same.
    """

    channels: frozenset[int] = frozenset()  # drawing is asked for in these alone, their threads included
    models: frozenset[str] = frozenset()
    default_model: str | None = None
    steps: int | None = None  # at most
    side: int | None = None  # pixels of the longer side, at most
    words: tuple[str, ...] = ()  # not to be in a prompt, as typed by moderators
    content_filter: ContentFilter | None = None  # beside the operator's: the stricter one holds
    spoiler: bool = False  # every picture is covered
    showcase: int | None = None  # the channel where starred pictures are posted
    roles: Mapping[int, Grant] = field(default_factory=dict)  # whoever has one of these may draw
    blocked: frozenset[int] = frozenset()

    def check_viewer(self, viewer: Viewer) -> None:
        """Raises Blocked, OtherChannels or RoleNeeded where the viewer may not draw there."""
        if viewer.moderator:
            return
        if viewer.member_id in self.blocked:
            raise Blocked
        if self.channels and not self.channels & {viewer.channel_id, *viewer.within}:
            raise OtherChannels(tuple(sorted(self.channels)))
        if self.roles and not self.roles.keys() & viewer.roles:
            raise RoleNeeded(tuple(sorted(self.roles)))

    def check(self, recipe: Recipe) -> None:
        """Raises ModelNotHere, AboveCeiling or WordKeptOut for what is not drawn in this server.

        The negative prompt is not looked through: it says what to keep out, for which it takes the same words.
        """
        if self.models and recipe.mode is not Mode.UPSCALE and recipe.model not in self.models:
            raise ModelNotHere(recipe.model, tuple(sorted(self.models)))
        if self.steps is not None and recipe.num_inference_steps > self.steps:
            raise AboveCeiling(Ceiling.STEPS, recipe.num_inference_steps, limit=self.steps)
        if self.side is not None and max(recipe.width, recipe.height) > self.side:
            raise AboveCeiling(Ceiling.SIDE, str(recipe.size), limit=self.side)
        drawn = (text for words in recipe.words for text in (words.text, words.prompt))
        word = found(self.words, _said(dict.fromkeys((recipe.prompt, *drawn)))) if self.words else None
        if word is not None:
            raise WordKeptOut(word)

    def allows(self, model: Model) -> bool:
        """Whether a model may draw; one that only enlarges is nobody's choice, and always may."""
        return not self.models or model.name in self.models or model.can == (Use.UPSCALE,)

    def allowance(self, viewer: Viewer, usual: Allowance) -> Allowance:
        """What the viewer may spend there, where the operator lets everybody spend the `usual`.

        Of several roles the most generous counts, for what is there at once and for what comes back each.
        """
        held = [grant for role, grant in self.roles.items() if role in viewer.roles]
        if not held:
            return usual
        return Allowance(
            capacity=max(usual.capacity if each.seconds is None else each.seconds for each in held),
            per_hour=max(usual.per_hour if each.per_hour is None else each.per_hour for each in held),
        )

    def lowered(self, model: Model) -> Model:
        """`model` as it draws within the ceilings: what it would do by itself keeps to them.

        A ceiling below what the model can do at all leaves its least, which `check` then refuses.
        """
        steps, size = model.steps, model.size
        if self.steps is not None:
            most = max(steps.minimum, min(steps.maximum, self.steps))
            steps = Range(minimum=steps.minimum, maximum=most, default=min(steps.default, most))
        if self.side is not None:
            most = max(size.minimum, min(size.maximum, self.side))
            size = replace(
                size,
                native=_fitting(size.native, size, most),
                maximum=most,
                trained=tuple(each for each in size.trained if max(each.width, each.height) <= most),
            )
        return model if (steps, size) == (model.steps, model.size) else replace(model, steps=steps, size=size)

    def eased(self, defaults: Defaults, model: Model) -> Defaults:
        """A member's own defaults for `model`, lowered to the ceilings: nobody asked for more just now."""
        steps = defaults.num_inference_steps
        if steps is not None and self.steps is not None:
            defaults = replace(defaults, num_inference_steps=min(steps, self.steps))
        if defaults.size is None or self.side is None:
            return defaults
        try:
            size = model.size.read(defaults.size)
        except BadSize:
            return defaults  # passed over anyway
        if max(size.width, size.height) <= self.side:
            return defaults
        return replace(defaults, size=str(_fitting(size, model.size, self.side)))


NO_RULES = Rules()


def _said(prompts: Iterable[str]) -> tuple[str, ...]:
    """Prompts as typed, with the names of LoRAs, and their text as it is drawn, without brackets and weights."""
    texts = []
    for prompt in prompts:
        texts.append(prompt)
        try:
            texts.append(read_prompt(prompt).words)
        except InvalidRequest:
            continue  # not drawn as it stands: a choice, or a prompt without its style
    return tuple(dict.fromkeys(texts))


def _fitting(size: Size, bounds: SizeBounds, longest: int) -> Size:
    """A size of the same shape with no side above `longest`, on the model's grid."""
    share = min(1.0, longest / max(size.width, size.height))

    def side(pixels: int) -> int:
        return max(bounds.minimum, int(pixels * share) // bounds.grid * bounds.grid)

    return Size(width=side(size.width), height=side(size.height))
