"""What is said while looking through what was drawn: a page of the history, one picture, and its family."""

import discord

import db
from bot.history import Family, Filter, Generation, Page
from bot.lineage import Change, Changed, Field, Reworded, changes
from bot.wording.answers import COLOUR
from bot.wording.results import failed, result, seeds, title, titled, unended
from bot.wording.text import listing, moment, number, quote, shorten
from generation import JobState, Mode

_PROMPT_SHOWN = 200  # characters of a prompt in a row
_SEARCH_SHOWN = 100
_NAME_SHOWN = 60
_EDIT_SHOWN = 80  # characters of the words that were put in, and of those that were taken out
_CHANGES_SHOWN = 300  # characters of the changes from a parent
_CHILDS_CHANGES_SHOWN = 110

HISTORY_EMPTY = "You have drawn nothing here yet: try /imagine."
HISTORY_NONE = "No picture fits: {filter}."
HISTORY_END = "There is nothing older."
HISTORY_NO_WORD = "There is no word to look for in {search}: try one of the prompt's."
MEMBER_EMPTY = "{member} has drawn nothing that you may see here."

_OWN = "**Your pictures**"
_ANOTHERS = "**Pictures of {member}**"
_SEARCHED = "“{search}”"
_STARRED = "starred by you"
_PRIVATE = "private"
_ASKED_FOR = "Asked for {moment}"
_FROM_PARENT = "**From its parent** `{id}`: {changes}"
_TO_CHILD = "**To child {place}** `{id}`: {changes}"
_OLDER_CHILDREN = "It has older children, which are not shown here."
_OF_MODEL = "drawn by {model}"

_MODES = {
    Mode.TEXT_TO_IMAGE: "words alone",
    Mode.IMAGE_TO_IMAGE: "a picture",
    Mode.INPAINT: "a part of a picture",
    Mode.OUTPAINT: "a picture that grows",
    Mode.DEPTH: "the depth of a picture",
    Mode.EDGES: "the edges of a picture",
    Mode.SKETCH: "a sketch",
    Mode.POSE: "the poses of a picture",
    Mode.UPSCALE: "a picture with more pixels",
    Mode.BLEND: "two pictures",
}
_CHANGED = {
    Field.PROMPT: "another prompt",
    Field.NEGATIVE_PROMPT: "keeps out {after} instead of {before}",
    Field.MODEL: "model {before} → {after}",
    Field.STYLE: "style {before} → {after}",
    Field.MODE: "made from {after}",
    Field.SOURCE: "another source",
    Field.MASK: "another mask",
    Field.CONTROL: "ControlNet {before} → {after}",
    Field.STRENGTH: "strength {before} → {after}",
    Field.SEED: "seed {before} → {after}",
    Field.VARIATION: "variation {before} → {after}",
    Field.COUNT: "count {before} → {after}",
    Field.SIZE: "size {before} → {after}",
    Field.SCALE: "scale {before} → {after}",
    Field.BLEND: "blend {before} → {after}",
    Field.STEPS: "steps {before} → {after}",
    Field.GUIDANCE: "guidance {before} → {after}",
    Field.SCHEDULER: "scheduler {before} → {after}",
    Field.CLIP_SKIP: "clip skip {before} → {after}",
}
_CAME = {
    Field.NEGATIVE_PROMPT: "keeps out {after}",
    Field.STYLE: "style {after}",
    Field.SOURCE: "a source",
    Field.MASK: "a mask",
    Field.CONTROL: "ControlNet {after}",
    Field.STRENGTH: "strength {after}",
    Field.VARIATION: "variation {after}",
    Field.SCALE: "scale {after}",
    Field.BLEND: "blend {after}",
}
_WENT = {
    Field.NEGATIVE_PROMPT: "keeps nothing out",
    Field.STYLE: "no style",
    Field.SOURCE: "no source",
    Field.MASK: "no mask",
    Field.CONTROL: "no ControlNet",
    Field.STRENGTH: "no strength",
    Field.VARIATION: "no variation",
    Field.SCALE: "no scale",
    Field.BLEND: "no blend",
}
_REWORDED = {Field.PROMPT: "prompt: {edits}", Field.NEGATIVE_PROMPT: "negative prompt: {edits}"}
_NO_CHANGE = "the same again"


def history_heading(page: Page) -> str:
    """Whose pictures, and which of them."""
    member = page.filter.member_id
    whose = _OWN if member is None else _ANOTHERS.format(member=f"<@{member}>")
    facts = _filter(page.filter)
    return f"{whose}\n-# {facts}" if facts else whose


def history_nothing(page: Page) -> str:
    """The sentence in place of a page with nothing on it."""
    wanted = page.filter
    if page.newer is not None:
        return HISTORY_END
    if wanted.search and not db.search.searchable(wanted.search):
        return HISTORY_NO_WORD.format(search=quote(wanted.search, _SEARCH_SHOWN))
    facts = _filter(wanted)
    if facts:
        return HISTORY_NONE.format(filter=facts)
    return HISTORY_EMPTY if wanted.member_id is None else MEMBER_EMPTY.format(member=f"<@{wanted.member_id}>")


def history_row(generation: Generation) -> str:
    """What stands beside a thumbnail."""
    recipe = generation.recipe
    star = "⭐ " if generation.starred else ""
    facts = [quote(recipe.model, _NAME_SHOWN), seeds(recipe), str(recipe.size), f"`{generation.id}`"]
    if recipe.style is not None:
        facts.insert(1, quote(recipe.style.name, _NAME_SHOWN))
    if generation.private:
        facts.append(_PRIVATE)
    facts.append(moment(generation.created_at))
    return f"{star}**{quote(titled(title(recipe)), _PROMPT_SHOWN)}**\n-# {' · '.join(facts)}"


def thumbnail_name(generation: Generation) -> str:
    return f"{generation.id}-small.jpg"


def shown(generation: Generation) -> str:
    """The lines of `/show`: as with the result, and when it was asked for."""
    match generation.state:
        case JobState.FINISHED:
            line = result(generation)
        case JobState.FAILED | JobState.CANCELLED:
            line = failed(generation)
        case _:
            line = unended(generation)
    return f"{line}\n-# {_ASKED_FOR.format(moment=moment(generation.created_at, 'f'))}"


def family_embed(family: Family, *, picture: str | None) -> discord.Embed:
    """What changed from each parent to each child, with the picture that is attached as `picture`, if one is."""
    lines = []
    if family.parent is not None:
        told = changed(family.parent, family.itself)
        lines.append(_FROM_PARENT.format(id=family.parent.id, changes=told))
    for place, child in enumerate(family.children, start=1):
        told = changed(family.itself, child, _CHILDS_CHANGES_SHOWN)
        lines.append(_TO_CHILD.format(place=place, id=child.id, changes=told))
    if family.more:
        lines.append(_OLDER_CHILDREN)
    embed = discord.Embed(title="Family", colour=COLOUR, description="\n".join(lines))
    return embed if picture is None else embed.set_image(url=f"attachment://{picture}")


def changed(parent: Generation, child: Generation, limit: int = _CHANGES_SHOWN) -> str:
    """What differs from a parent to its child: "seed 7 → 9, guidance 7.5 → 5, prompt: + at night"."""
    told = tuple(map(phrase, changes(parent.recipe, child.recipe)))
    return quote(", ".join(told), limit) if told else _NO_CHANGE


def _filter(wanted: Filter) -> str:
    facts = []
    if wanted.search:
        facts.append(_SEARCHED.format(search=quote(wanted.search, _SEARCH_SHOWN)))
    if wanted.starred:
        facts.append(_STARRED)
    if wanted.model is not None:
        facts.append(_OF_MODEL.format(model=quote(wanted.model, _NAME_SHOWN)))
    return listing(tuple(facts))


def phrase(change: Change) -> str:
    """One change in a few words, without formatting."""
    match change:
        case Reworded(field=field, added=added, removed=removed):
            edits = [f"+ {shorten(', '.join(added), _EDIT_SHOWN)}"] if added else []
            edits += [f"- {shorten(', '.join(removed), _EDIT_SHOWN)}"] if removed else []
            return _REWORDED[field].format(edits=" ".join(edits))
        case Changed(field=field, before=before, after=after):
            special = _CAME if before is None else _WENT if after is None else _CHANGED
            template = special.get(field, _CHANGED[field])
            return template.format(before=_value(before), after=_value(after))


def _value(value: str | float | None) -> str:
    match value:
        case None:
            return ""
        case Mode():
            return _MODES[value]
        case str():
            return shorten(value, _NAME_SHOWN)
        case int():
            return str(value)  # a seed is typed without commas
        case _:
            return number(value)
