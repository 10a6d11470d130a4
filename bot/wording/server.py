"""What moderators read of the rules of their server, and members of those that hold for them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import discord

from bot.content import ContentFilter
from bot.errors import (
    AboveCeiling,
    BadRule,
    Blocked,
    Ceiling,
    ModelNotHere,
    OtherChannels,
    RoleNeeded,
    RuleFault,
    WordKeptOut,
)
from bot.rules import Grant, Rules
from bot.servers import Block, Deed, Entry, LogPage
from bot.wording.answers import COLOUR
from bot.wording.text import EMBED_LIMIT, Plural, choice, duration, escape, listing, moment, quote, shorten
from generation import Allowance

_ROOM = 80  # characters for how much is left out, and for the command that changes it
_FIELD_LIMIT = 1024 - _ROOM  # characters of an embed's field
_LISTED = 10  # channels and roles in one sentence
_MODELS_SHOWN = 600  # characters
_LOGGED = 3  # words and models in one line of the log
_WORD_SHOWN = 60
_WORD_LOGGED = 30
_REASON_SHOWN = 100

# What a member is refused with.
_BLOCKED = "The moderators of this server have blocked you from drawing here."
_OTHER_CHANNELS = "In this server pictures are drawn in {channels} only."
_ROLE_NEEDED = "In this server drawing is for {roles} only."
_MODEL_NOT_HERE = "The model {model} does not draw in this server: choose {models}."
_ABOVE = {
    Ceiling.STEPS: "In this server a picture has at most {limit} steps, and this one would have {value}.",
    Ceiling.SIDE: "In this server pictures have at most {limit} pixels on a side, and this one would be {value}.",
}
_KEPT_OUT = "This server keeps “{word}” out of prompts: please say it in another way."
_SOMETHING_KEPT_OUT = "This server keeps a word of that prompt out: please say it in another way."

_FAULTS = {
    RuleFault.NOTHING_LOOKS: "Whoever runs this bot has switched the content filter off, so that nothing is "
    "flagged that a server could treat more strictly.",
    RuleFault.NO_WORD: "{value} has no letter and no digit: give words, with commas between them.",
    RuleFault.LONG_WORD: "{value} is too long: a word of the filter has at most {limit} characters.",
    RuleFault.TOO_MANY_WORDS: "The filter holds {limit} words: remove one first.",
    RuleFault.NOT_KEPT_OUT: "{value} is not in the filter: /server words shows what is.",
    RuleFault.TOO_MANY_ROLES: "{limit} roles are on the list, as many as it holds: remove one first.",
    RuleFault.NO_SUCH_ROLE: "That role is not on the list: /server show has it.",
    RuleFault.NOT_BLOCKED: "That member is not blocked: /server show has who is.",
    RuleFault.MODERATES: "Whoever may manage this server can always draw in it, so a block would not hold.",
    RuleFault.CANNOT_POST: "I may not post pictures there: give me {value} in that channel first.",
    RuleFault.DEFAULT_NOT_ALLOWED: "{value} is not among the models that may draw here: allow it first.",
    RuleFault.NO_WORDS_DRAWN: "{value} draws nothing from words alone: choose a model that does.",
    RuleFault.SIDE_TOO_LOW: "{value} would draw for whoever names no model, and its pictures have at least "
    "{limit} pixels on a side: the ceiling cannot be lower.",
    RuleFault.STEPS_TOO_LOW: "{value} would draw for whoever names no model, and its pictures have at least "
    "{limit} steps: the ceiling cannot be lower.",
    RuleFault.TOO_MANY_SECONDS: "A role has at most {limit} seconds of drawing time at once: whoever runs this "
    "bot has set that.",
    RuleFault.TOO_MANY_AN_HOUR: "A role gets at most {limit} seconds of drawing time back every hour: whoever "
    "runs this bot has set that.",
}

# What holds.
_TITLE = "What holds in this server"
_EVERYWHERE = "Pictures are drawn in every channel."
_ONLY_IN = "Pictures are drawn in {channels} only, and in their threads."
_ALL_MODELS = "All models may draw."
_ONLY_MODELS = "Only {models} may draw."
_NO_DEFAULT = "Whoever names no model gets the one that whoever runs this bot has chosen."
_DEFAULT = "Whoever names no model gets {model}."
_NO_CEILING_OF_STEPS = "Steps have no ceiling but the model's."
_STEPS = "A picture has at most {limit} steps."
_NO_CEILING_OF_SIDE = "Sizes have no ceiling but the model's."
_SIDE = "Pictures have at most {limit} pixels on a side."
_NO_WORDS = "No word is kept out."
_WORDS = "Kept out of prompts: {words}"
_FLAGGED = {
    ContentFilter.REFUSE: "What the content filter flags, nobody gets.",
    ContentFilter.SPOILER: "What the content filter flags is a spoiler.",
    ContentFilter.AGE_RESTRICTED: "What the content filter flags is shown in channels for adults only.",
    ContentFilter.OFF: "Nothing looks for what to flag.",
}
_FLAGGED_BY_OPERATOR = "{told} That is how whoever runs this bot has it."
_FLAGGED_TOO = "{told} {operator} Of the two the stricter holds."
_OPERATOR_TOO = {
    ContentFilter.REFUSE: "Whoever runs this bot has set that nobody gets it.",
    ContentFilter.SPOILER: "Whoever runs this bot has set that it is a spoiler.",
    ContentFilter.AGE_RESTRICTED: "Whoever runs this bot has set that it is shown in channels for adults only.",
}
_NO_SPOILER, _SPOILER = "Other pictures are shown openly.", "Every picture is a spoiler."
_NO_SHOWCASE = "There is no showcase for starred pictures."
_SHOWCASE = "Starred pictures are posted in {channel}, each once."
_EVERYBODY = "Everybody may draw: {allowance}."
_ROLES = "Only whoever has one of these roles may draw:"
_GRANT = "{role}: {allowance}"
_ALLOWANCE = "{seconds} of drawing time at once, {per_hour} back every hour"
_NOBODY = "Nobody is blocked."
_BLOCK = "{member}, {when}"
_BLOCK_FOR = "{member}, {when}: {reason}"
_MORE = Plural(one="and one more", more="and {count} more")
_HINT = "Moderators draw in every channel and without a role; everything else holds for them too."

# What to type to change it, by the title of its field.
_COMMANDS = {
    "Channels": "`/server channels`",
    "Models": "`/server models`",
    "Ceilings": "`/server limits`",
    "Words": "`/server words`",
    "Content": "`/server content`",
    "Roles": "`/server role`",
    "Showcase": "`/server showcase`",
    "Blocked": "`/server block` `/server unblock`",
}

# What was done.
_UNBLOCKED = "{member} may draw here again."
_BLOCKED_NOW = "{member} is blocked from drawing here."
_STOPPED = Plural(one="One waiting picture was cancelled.", more="{count} waiting pictures were cancelled.")
_CHANNELS_ASKED = "Choose the channels that pictures are drawn in; a category stands for all of its channels."
_MODELS_ASKED = "Choose the models that may draw."
_SHOWCASE_ASKED = "Choose the channel where starred pictures are posted."

_LOG_TITLE = "What was done here"
_LOG_EMPTY = "Nothing was set or done yet."
_EASEL, _SOMEBODY = "Easel", "somebody who is forgotten"
_LIFTED = {
    Deed.CHANNELS: "{when} {actor} let pictures be drawn in every channel",
    Deed.MODELS: "{when} {actor} let all models draw",
    Deed.DEFAULT_MODEL: "{when} {actor} left the first choice to whoever runs this bot",
    Deed.STEPS: "{when} {actor} lifted the ceiling of steps",
    Deed.SIDE: "{when} {actor} lifted the ceiling of sizes",
    Deed.CONTENT_FILTER: "{when} {actor} left flagged pictures to whoever runs this bot",
    Deed.SPOILER: "{when} {actor} let pictures be shown openly",
    Deed.SHOWCASE: "{when} {actor} closed the showcase",
    Deed.ROLE_GONE: "{when} {actor} took the last role off the list, since it was deleted: everybody may draw",
}
_DEEDS = {
    Deed.CHANNELS: "{when} {actor} let pictures be drawn in {value} only",
    Deed.MODELS: "{when} {actor} let only {value} draw",
    Deed.DEFAULT_MODEL: "{when} {actor} made {value} the first choice",
    Deed.STEPS: "{when} {actor} set the ceiling of steps to {value}",
    Deed.SIDE: "{when} {actor} set the ceiling of sizes to {value} pixels",
    Deed.CONTENT_FILTER: "{when} {actor} set flagged pictures to {value}",
    Deed.SPOILER: "{when} {actor} made every picture a spoiler",
    Deed.SHOWCASE: "{when} {actor} set the showcase to {value}",
    Deed.NOT_SHOWN: "{when} {actor} could not post a starred picture in the showcase: may it still write there?",
    Deed.ROLE_GONE: "{when} {actor} took a role off the list of roles, since it was deleted",
}
_NOTICED = {Deed.NOT_SHOWN, Deed.ROLE_GONE}  # by Easel itself
_BLOCKED_BY = "{when} {actor} blocked {subject}"
_BLOCKED_FOR = "{when} {actor} blocked {subject}: {reason}"
_UNBLOCKED_BY = "{when} {actor} unblocked {subject}"
_MODERATED = {
    Deed.CANCEL: Plural(
        one="{when} {actor} cancelled a picture of {subject}",
        more="{when} {actor} cancelled {count} pictures of {subject}",
    ),
    Deed.DELETE: Plural(
        one="{when} {actor} deleted a picture of {subject}",
        more="{when} {actor} deleted {count} pictures of {subject}",
    ),
}
_WORDS_CAME = "{when} {actor} kept {came} out of prompts"
_WORDS_WENT = "{when} {actor} let {went} into prompts again"
_WORDS_CHANGED = "{when} {actor} kept {came} out of prompts, and let {went} into prompts again"
_ROLE_WENT = "{when} {actor} took {role} off the list of roles"
_ROLE_CAME = "{when} {actor} let {role} draw, with the usual allowance"
_ROLE_CAME_WITH = (
    "{when} {actor} let {role} draw, with {seconds} of drawing time at once, {per_hour} back every hour"
)
_ROLE_CAME_WITH_SECONDS = "{when} {actor} let {role} draw, with {seconds} of drawing time at once"
_ROLE_CAME_WITH_PER_HOUR = "{when} {actor} let {role} draw, with {per_hour} of drawing time back every hour"


def server_error(error: BaseException) -> str:  # noqa: PLR0911  (one return an error)
    """One sentence for what a server's rules refuse, or for a rule that cannot be set."""
    match error:
        case Blocked():
            return _BLOCKED
        case OtherChannels(channels=channels):
            return _OTHER_CHANNELS.format(channels=_mentions("#", channels))
        case RoleNeeded(roles=roles):
            return _ROLE_NEEDED.format(roles=_mentions("@&", roles))
        case ModelNotHere(model=model, models=models):
            return _MODEL_NOT_HERE.format(model=shorten(model, _WORD_SHOWN), models=choice(models))
        case AboveCeiling(ceiling=ceiling, value=value, limit=limit):
            return _ABOVE[ceiling].format(limit=limit, value=value)
        case WordKeptOut(word=None):
            return _SOMETHING_KEPT_OUT
        case WordKeptOut(word=str(word)):
            return _KEPT_OUT.format(word=shorten(word, _WORD_SHOWN))
        case BadRule(fault=fault, value=value, limit=limit):
            return _FAULTS[fault].format(value=shorten(value, _WORD_SHOWN), limit=limit)
        case _:
            raise TypeError(f"{type(error).__name__} is of no server's rules")


def server_rules(
    rules: Rules, *, usual: Allowance, operator: ContentFilter, blocks: Sequence[Block]
) -> discord.Embed:
    """Everything that holds in a server, with what to type to change it."""
    embed = discord.Embed(title=_TITLE, colour=COLOUR)
    told = {
        "Channels": channels_told(rules),
        "Models": models_told(rules),
        "Ceilings": limits_told(rules),
        "Words": words_told(rules),
        "Content": content_told(rules, operator),
        "Roles": roles_told(rules, usual),
        "Showcase": showcase_told(rules),
        "Blocked": _fitting(map(_block, blocks)) if blocks else _NOBODY,
    }
    for title, text in told.items():
        embed.add_field(name=title, value=f"{text}\n-# {_COMMANDS[title]}", inline=False)
    return embed.set_footer(text=_HINT)


def channels_told(rules: Rules) -> str:
    if not rules.channels:
        return _EVERYWHERE
    return _ONLY_IN.format(channels=_mentions("#", sorted(rules.channels)))


def channels_asked(rules: Rules) -> str:
    return f"{channels_told(rules)}\n{_CHANNELS_ASKED}"


def models_told(rules: Rules) -> str:
    names = tuple(map(_name, sorted(rules.models)))
    every = listing(names, len(names))
    listed = every if len(every) <= _MODELS_SHOWN else _fitting(names, _MODELS_SHOWN, between=", ")
    models = _ONLY_MODELS.format(models=listed) if names else _ALL_MODELS
    default = rules.default_model
    return f"{models}\n{_NO_DEFAULT if default is None else _DEFAULT.format(model=_name(default))}"


def models_asked(rules: Rules) -> str:
    return f"{models_told(rules)}\n{_MODELS_ASKED}"


def limits_told(rules: Rules) -> str:
    steps = _NO_CEILING_OF_STEPS if rules.steps is None else _STEPS.format(limit=rules.steps)
    side = _NO_CEILING_OF_SIDE if rules.side is None else _SIDE.format(limit=rules.side)
    return f"{steps}\n{side}"


def words_told(rules: Rules, limit: int = _FIELD_LIMIT) -> str:
    """All words that are kept out, as many as fit; for moderators' eyes alone."""
    if not rules.words:
        return _NO_WORDS
    words = _fitting((quote(word, _WORD_SHOWN) for word in rules.words), limit, between=" · ")
    return _WORDS.format(words=words)


def content_told(rules: Rules, operator: ContentFilter) -> str:
    if rules.content_filter is None or operator is ContentFilter.OFF:  # then a server's own has nothing to go by
        flagged = _FLAGGED_BY_OPERATOR.format(told=_FLAGGED[operator])
    else:
        told = _FLAGGED[rules.content_filter]
        same = rules.content_filter is operator
        flagged = told if same else _FLAGGED_TOO.format(told=told, operator=_OPERATOR_TOO[operator])
    return f"{flagged}\n{_SPOILER if rules.spoiler else _NO_SPOILER}"


def roles_told(rules: Rules, usual: Allowance) -> str:
    if not rules.roles:
        return _EVERYBODY.format(allowance=_allowance(Grant(), usual))
    lines = [
        _GRANT.format(role=_mention("@&", role), allowance=_allowance(grant, usual))
        for role, grant in rules.roles.items()
    ]
    return _fitting([_ROLES, *lines])


def showcase_told(rules: Rules) -> str:
    return _NO_SHOWCASE if rules.showcase is None else _SHOWCASE.format(channel=_mention("#", rules.showcase))


def showcase_asked(rules: Rules) -> str:
    return f"{showcase_told(rules)}\n{_SHOWCASE_ASKED}"


def blocked_now(member_id: int, stopped: int) -> str:
    """What a moderator is told whose block has `stopped` so many jobs."""
    told = _BLOCKED_NOW.format(member=_mention("@", member_id))
    return f"{told} {_STOPPED.of(stopped)}" if stopped else told


def unblocked(member_id: int) -> str:
    return _UNBLOCKED.format(member=_mention("@", member_id))


def server_log(page: LogPage) -> discord.Embed:
    """A page of who did what, newest first."""
    text = _fitting(map(_entry, page.entries), EMBED_LIMIT - _ROOM) or _LOG_EMPTY
    return discord.Embed(title=_LOG_TITLE, colour=COLOUR, description=text)


def _entry(entry: Entry) -> str:  # noqa: PLR0911  (one return a kind of deed)
    value = entry.detail
    told = {
        "when": moment(entry.at, "f"),
        "actor": _EASEL if entry.deed in _NOTICED else _member(entry.actor_id),
        "subject": _member(entry.subject_id),
    }
    match entry.deed:
        case Deed.WORDS:
            came, went = (_words_logged(value[which]) for which in ("came", "went"))
            sentence = _WORDS_CHANGED if came and went else _WORDS_CAME if came else _WORDS_WENT
            return sentence.format(came=came, went=went, **told)
        case Deed.ROLES:
            return _role_logged(value["grant"], role=_mention("@&", value["role"]), **told)
        case Deed.BLOCK if value is not None:
            return _BLOCKED_FOR.format(reason=quote(value, _REASON_SHOWN), **told)
        case Deed.BLOCK:
            return _BLOCKED_BY.format(**told)
        case Deed.UNBLOCK:
            return _UNBLOCKED_BY.format(**told)
        case Deed.CANCEL | Deed.DELETE:
            return _MODERATED[entry.deed].of(1 if value is None else value, **told)
        case deed if deed in _LIFTED and not value:
            return _LIFTED[deed].format(**told)
        case deed:
            return _DEEDS[deed].format(value=_VALUES.get(deed, _name)(value), **told)


def _member(member_id: int | None) -> str:
    return _SOMEBODY if member_id is None else _mention("@", member_id)


def _words_logged(words: Iterable[str]) -> str:
    return listing(tuple(f"“{quote(word, _WORD_LOGGED)}”" for word in words), _LOGGED)


_VALUES: Mapping[Deed, Callable[[Any], str]] = {
    Deed.CHANNELS: lambda ids: _mentions("#", ids),
    Deed.SHOWCASE: lambda channel_id: _mention("#", channel_id),
    Deed.MODELS: lambda names: listing(tuple(map(_name, names)), _LOGGED),
    Deed.STEPS: str,
    Deed.SIDE: str,
}


def _block(block: Block) -> str:
    member, when = _mention("@", block.member_id), moment(block.at)
    if block.reason is None:
        return _BLOCK.format(member=member, when=when)
    return _BLOCK_FOR.format(member=member, when=when, reason=quote(block.reason, _REASON_SHOWN))


def _allowance(grant: Grant, usual: Allowance) -> str:
    seconds = usual.capacity if grant.seconds is None else grant.seconds
    per_hour = usual.per_hour if grant.per_hour is None else grant.per_hour
    return _ALLOWANCE.format(seconds=duration(seconds), per_hour=duration(per_hour))


def _role_logged(grant: Sequence[float | None] | None, **told: str) -> str:
    if grant is None:
        return _ROLE_WENT.format(**told)
    seconds, per_hour = ("" if each is None else duration(each) for each in grant)
    match bool(seconds), bool(per_hour):
        case True, True:
            sentence = _ROLE_CAME_WITH
        case True, False:
            sentence = _ROLE_CAME_WITH_SECONDS
        case False, True:
            sentence = _ROLE_CAME_WITH_PER_HOUR
        case _:
            sentence = _ROLE_CAME
    return sentence.format(seconds=seconds, per_hour=per_hour, **told)


def _name(value: object) -> str:
    return f"**{escape(shorten(str(value), _WORD_SHOWN))}**"


def _mention(kind: str, number: int) -> str:
    return f"<{kind}{number}>"


def _mentions(kind: str, numbers: Iterable[int]) -> str:
    return listing(tuple(_mention(kind, number) for number in numbers), _LISTED)


def _fitting(lines: Iterable[str], limit: int = _FIELD_LIMIT, *, between: str = "\n") -> str:
    """As many lines as there is room for, and how many more there are."""
    kept: list[str] = []
    every = list(lines)
    for line in every:
        if len(between.join([*kept, line])) > limit:
            return between.join([*kept, _MORE.of(len(every) - len(kept))])
        kept.append(line)
    return between.join(kept)
