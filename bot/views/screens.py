"""The screens that one turns between: the help, the models and the styles. Their buttons outlive restarts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from typing import Any, TypeVar

import discord

from bot import wording
from bot.acknowledge import take_note
from bot.desk import desk_of, viewer_of
from bot.samples import PROMPT
from bot.views.buttons import LastingItem, View
from bot.wording import labels
from generation import find_model

T = TypeVar("T")
_MODELS, _STYLES = 4, 6  # on a page
_SHEET = "styles.jpg"

Turned = dict[str, Any]  # what a message needs, by discord.py's names


class ScreenButton(
    LastingItem[discord.ui.Button[View]],
    template=r"easel:screen:(?P<screen>help|models|styles):(?P<page>\d{1,3})",
):
    """Turns to a page of a screen, in place."""

    def __init__(self, screen: str, page: int | str, *, label: str = "", here: bool = False) -> None:
        super().__init__(
            discord.ui.Button(
                label=label or screen,
                style=discord.ButtonStyle.primary if here else discord.ButtonStyle.secondary,
                custom_id=f"easel:screen:{screen}:{page}",
                disabled=here,
            )
        )
        self._screen = screen
        self._page = int(page)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        turned = await SCREENS[self._screen](interaction, self._page)
        files = turned.pop("files", [])
        await interaction.edit_original_response(**turned, attachments=files)


async def help_screen(interaction: discord.Interaction[Any], page: int = 0) -> Turned:
    """A screen of the help, with a button for each of them."""
    screens = list(wording.Screen)
    shown = screens[page % len(screens)]
    user = interaction.client.user
    view = View(timeout=None)
    for number, screen in enumerate(screens):
        view.add_item(ScreenButton("help", number, label=labels.HELP[screen], here=screen is shown))
    return {"embeds": [wording.manual(shown, None if user is None else user.id)], "view": view}


async def model_screen(interaction: discord.Interaction[Any], page: int = 0) -> Turned:
    """A page of the models that may draw there: the first choice, then those that are on this machine."""
    recipes, viewer = desk_of(interaction).studio.recipes, viewer_of(interaction)
    rules = recipes.servers.over(viewer)
    allowed = [model for model in recipes.catalogue.values() if rules.allows(model)]
    here = await asyncio.to_thread(lambda: {model.name for model in allowed if find_model(model)})
    default = await recipes.default_model(viewer)
    models = sorted(allowed, key=lambda model: (model.name != default, model.name not in here))
    shown, page, pages = _page(models, page, _MODELS)
    embed = wording.model_page(shown, default=default, here=here, page=page + 1, pages=pages)
    return {"embeds": [embed], "view": _turns("models", page, pages)}


async def style_screen(interaction: discord.Interaction[Any], page: int = 0) -> Turned:
    """A page of the styles, with what is there of their samples."""
    desk = desk_of(interaction)
    shown, page, pages = _page(list(desk.studio.styles.values()), page, _STYLES)
    sheet = await desk.samples.sheet(shown)
    embed = wording.style_page(
        shown,
        model=desk.studio.catalogue.find(None),
        prompt=PROMPT,
        coming=sheet.coming,
        sheet=None if sheet.picture is None else _SHEET,
        page=page + 1,
        pages=pages,
    )
    files = [] if sheet.picture is None else [discord.File(BytesIO(sheet.picture), filename=_SHEET)]
    return {"embeds": [embed], "files": files, "view": _turns("styles", page, pages)}


def _page(items: Sequence[T], page: int, size: int) -> tuple[Sequence[T], int, int]:
    """The items of a page, which page that is (the last where `page` is beyond it), and how many there are."""
    pages = max(1, -(-len(items) // size))
    page = min(page, pages - 1)
    return items[page * size : (page + 1) * size], page, pages


def _turns(screen: str, page: int, pages: int) -> View:
    view = View(timeout=None)
    if page:
        view.add_item(ScreenButton(screen, page - 1, label=labels.BACK))
    if page < pages - 1:
        view.add_item(ScreenButton(screen, page + 1, label=labels.MORE))
    return view


SCREENS: dict[str, Callable[[discord.Interaction[Any], int], Awaitable[Turned]]] = {
    "help": help_screen,
    "models": model_screen,
    "styles": style_screen,
}
