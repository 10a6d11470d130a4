"""What `/models`, `/styles` and `/settings` say."""

from collections.abc import Collection, Sequence

import discord

from bot.preferences import Defaults
from bot.wording.answers import COLOUR
from bot.wording.text import Plural, escape, number, quote
from generation import Model, Style, Use

NOT_SET = "not set"
_NEGATIVE_SHOWN = 200  # characters
_TEMPLATE_SHOWN = 120

_NAME_SHOWN = 60
_TITLE_SHOWN = 60

_USES = {
    Use.TEXT: "Draws from words",
    Use.IMAGE: "Redraws pictures",
    Use.INPAINT: "Changes parts of pictures",
    Use.DEPTH: "Keeps the depth of pictures",
    Use.UPSCALE: "Enlarges pictures",
}

_SETTINGS = "These are taken wherever you leave something open, unless the model that draws cannot take them."


def model_page(
    models: Sequence[Model], *, default: str, here: Collection[str], page: int, pages: int
) -> discord.Embed:
    """Some models of the catalogue; `here` are the names of those that can draw at once. Pages count from 1."""
    embed = discord.Embed(title="Models", colour=COLOUR)
    for model in models:
        named = quote(model.name, _NAME_SHOWN)
        lines = [
            quote(model.title, _TITLE_SHOWN),
            " · ".join(_USES[use] for use in model.can),
            (_GATED_LICENCE if model.gated else _LICENCE).format(licence=quote(model.licence, _TITLE_SHOWN)),
            _HERE if model.name in here else _NOT_HERE,
        ]
        if Use.TEXT in model.can:
            lines.insert(2, f"At its best in {model.size.native} with {number(model.steps.default)} steps")
        name = f"{named} · the default" if model.name == default else named
        embed.add_field(name=name, value="\n".join(lines), inline=False)
    embed.add_field(name="Choose one", value=f"`/imagine prompt: a lighthouse model: {default}`", inline=False)
    return embed.set_footer(text=_PAGE.format(page=page, pages=pages)) if pages > 1 else embed


_HERE = "Ready to draw."
_NOT_HERE = "Not on this machine: it draws once whoever runs this bot has added it."
_LICENCE = "Licence: {licence}"
_GATED_LICENCE = "Licence: {licence}, which has to be agreed to"
_PAGE = "Page {page} of {pages}"
_COMING = Plural(
    one="One is being drawn for this page; open it again in a minute.",
    more="{count} are being drawn for this page; open it again in a minute.",
)


def style_page(
    styles: Sequence[Style], *, model: Model, prompt: str, coming: int, sheet: str | None, page: int, pages: int
) -> discord.Embed:
    """Some styles with what each makes of a prompt.

    `sheet` is the attached picture of `prompt` in them, drawn by `model`, if there is one; `coming` is how many
    are still being drawn for it.
    """
    lines = [
        f"**{escape(style.name)}** · {quote(style.title, _TITLE_SHOWN)}\n-# {_template(style)}" for style in styles
    ]
    embed = discord.Embed(title="Styles", colour=COLOUR, description="\n".join(lines))
    embed.add_field(name="Try one", value=f"`/imagine prompt: a lighthouse style: {styles[0].name}`", inline=False)
    if coming:
        embed.add_field(name="Examples", value=_COMING.of(coming), inline=False)
    if sheet is not None:
        drawn = (
            f"“{escape(prompt)}”, drawn by {quote(model.title, _TITLE_SHOWN)}. Other models draw them differently."
        )
        embed.add_field(name="What they look like", value=drawn, inline=False)
        embed.set_image(url=f"attachment://{sheet}")
    if pages > 1:
        embed.set_footer(text=_PAGE.format(page=page, pages=pages))
    return embed


def _template(style: Style) -> str:
    return quote(style.prompt.replace("{prompt}", "…"), _TEMPLATE_SHOWN)


def settings(defaults: Defaults) -> discord.Embed:
    """A member's own defaults."""
    values = {
        "Model": defaults.model,
        "Style": defaults.style,
        "Size": defaults.size,
        "Steps": defaults.num_inference_steps,
        "Guidance": defaults.guidance_scale,
        "Scheduler": defaults.scheduler,
        "Pictures": defaults.count,
        "Private": None if defaults.private is None else YES if defaults.private else NO,
    }
    embed = discord.Embed(title="Your settings", colour=COLOUR, description=_SETTINGS)
    for name, value in values.items():
        shown = NOT_SET if value is None else f"**{escape(number(value))}**"
        embed.add_field(name=name, value=shown)
    kept_out = defaults.negative_prompt
    embed.add_field(
        name="What to keep out", value=quote(kept_out, _NEGATIVE_SHOWN) if kept_out else NOT_SET, inline=False
    )
    return embed


YES, NO = "yes", "no"
