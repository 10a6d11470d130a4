"""What `/help` says: a few screens of examples that work as they stand."""

from enum import StrEnum

import discord

from bot.wording.answers import COLOUR


class Screen(StrEnum):
    """A screen of the help, in the order in which one would read them."""

    START = "start"
    REPLY = "reply"
    FURTHER = "further"
    SEEDS = "seeds"
    PROMPTS = "prompts"
    LIMITS = "limits"


_TITLES = {
    Screen.START: "How to draw",
    Screen.REPLY: "Redraw a picture by replying to it",
    Screen.FURTHER: "More of a picture",
    Screen.SEEDS: "The same picture again, or a little different",
    Screen.PROMPTS: "Say it more exactly",
    Screen.LIMITS: "What it costs, and who sees it",
}

_SCREENS: dict[Screen, dict[str, str]] = {
    Screen.START: {
        "From words": "`/imagine prompt: a red cat on the beach`\n"
        "`/imagine prompt: a blue house in the snow size: landscape count: 2`",
        "In a style": "`/imagine prompt: a lighthouse style: watercolour`\n"
        "`/styles` shows all styles, `/models` all models.",
        "Below every picture": "**Re-roll** draws another one, **Edit prompt** changes the words, "
        "**Recipe** tells how it was made. Of several pictures the numbers pick one.",
        "Yours": "`/history` has everything that you drew, and finds it by its words; `/settings` keeps what you "
        "always want.",
    },
    Screen.REPLY: {
        "Reply and say what it should become": "Reply to any picture, mention {mention}, and write for instance\n"
        "`a blue cat in the snow`",
        "With flags in the text": "`a blue cat --strength 0.4` stays close to the picture, "
        "`--strength 0.8` goes far from it.\n`a castle --no fog --size 16:9 --style ink --count 2`",
        "With a picture of your own": "Attach it to a message that mentions {mention}, "
        "or give it to the command:\n`/imagine prompt: a house in the snow image: …`",
    },
    Screen.FURTHER: {
        "Neighbours": "**Vary** draws four that are a little different. `/vary id: … amount: 0.6` goes further.",
        "Larger and wider": "**Upscale** makes it larger, and `/upscale image: …` any picture. "
        "`/outpaint id: … direction: right` lets it grow.",
        "A part drawn anew": "`/imagine prompt: a red hat image: … mask: …` draws only where the mask is white. "
        "With `mode: inpaint` and no mask it draws where the image is transparent.",
        "Side by side": "`/compare prompt: a fox steps: 5, 10, 20 guidance: 3, 7` draws one sheet; it tells first "
        "what that costs.",
        "Between two": "`/blend image1: … image2: …` draws a picture between two.",
        "Any picture here": "The menu of its message, under Apps, has **Use as source**, **Show recipe**, "
        "**Upscale** and **Describe**. `/describe image: …` gives words for a picture, and "
        "`/verify image: …` tells whether it was made here.",
    },
    Screen.SEEDS: {
        "A seed decides what chance makes of your words": "`/imagine prompt: a fox in a forest seed: 7`\n"
        "The same words with the same seed are the same picture.",
        "Again": "`/reroll id: … seed: same` draws the very same picture, `seed: new` another one.\n"
        "`/reroll id: … seed: same prompt: a wolf in a forest` keeps the seed and changes the words.",
        "Names": "`/seed save name: cosy seed: 7` keeps a seed; from then on `seed: cosy` works everywhere.",
    },
    Screen.PROMPTS: {
        "More and less": "`a (red:1.4) cat, [clouds]` has a redder cat and fewer clouds.",
        "One of several": "`a {red|blue|green} boat` is one of the three, as the seed decides. "
        "With `count: 4` each picture chooses for itself.",
        "Keep something out": "`/imagine prompt: a street at night negative_prompt: people, cars`",
        "Between two pictures": '`("a red cat", "a blue dog").blend(0.7, 0.3)`',
    },
    Screen.LIMITS: {
        "Drawing time": "A picture takes some seconds of drawing time. `/info` says how much you have left "
        "and when more comes. What fails or is cancelled costs nothing.",
        "The queue": "Whoever was served least is next: ten pictures of one member never stand before the "
        "first of another. `/queue` tells your place.",
        "Private": "With `private: True`, and in a direct message, a picture is for you alone. Nobody else "
        "finds it, not by its id, a button or a search.",
        "For moderators": "Whoever may manage a server decides there with `/server` who draws, where, with what "
        "and how much; `/server show` tells all of it.",
        "Yours to delete": "**Delete** below a picture removes it for good. Pictures are drawn on the machine "
        "of whoever runs this bot, and go nowhere but here. `/mydata` gives you all that is kept about you, or "
        "deletes it.",
    },
}


def manual(screen: Screen, bot_id: int | None) -> discord.Embed:
    """One screen of the help; `bot_id` is who has to be mentioned."""
    mention = "me" if bot_id is None else f"<@{bot_id}>"
    embed = discord.Embed(title=_TITLES[screen], colour=COLOUR)
    for name, text in _SCREENS[screen].items():
        embed.add_field(name=name, value=text.replace("{mention}", mention), inline=False)
    return embed
