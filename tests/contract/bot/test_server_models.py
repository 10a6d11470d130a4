"""What a server has pictures drawn with: its models, the first choice among them, and its ceilings."""

from dataclasses import replace
from pathlib import Path

from bot.place import Viewer
from bot.playground import Person
from bot.playground.cast import STUDIO_ID
from generation import Family, Range, Use
from tests.contract.bot.conftest import Start, result, results
from tests.contract.bot.test_server import chosen, server, told, turned
from tests.recipes import a_model


async def test_ceilings_refuse_what_was_asked_and_lower_what_was_not(
    start: Start, ada: Person, grace: Person
) -> None:
    async with start() as running:
        ada.slash("imagine", prompt="an old cat", steps=40, size="512x768")
        old = await result(ada, "an old cat")
        question = await ada.answer(ada.slash("compare", prompt="a fox", steps="20, 30"))
        settings = await ada.answer(ada.slash("settings"))
        opened = ada.press(settings, "Numbers and privacy")
        await ada.modal(opened)
        ada.submit_modal(opened, {"steps": "100"})
        await turned(ada, settings, "**100**")
        set_now = (await server(grace, "limits", steps=10, size=384)).text
        assert "at most 10 steps" in set_now
        assert "at most 384 pixels" in set_now
        for asked, ceiling in (
            (ada.slash("imagine", prompt="a cat", steps=11), "at most 10 steps, and this one would have 11"),
            (ada.slash("imagine", prompt="a cat", size="512x256"), "at most 384 pixels on a side"),
            (ada.press(old, "Re-roll"), "at most 10 steps"),
            (ada.press(question, "Draw"), "at most 10 steps"),
            (ada.slash("compare", prompt="a fox", steps="9, 12"), "at most 10 steps"),
        ):
            assert ceiling in await told(ada, asked)
        ada.slash("imagine", prompt="a small cat", size="portrait")
        drawn = await result(ada, "a small cat")
        recipe = await told(ada, ada.press(drawn, "Recipe"))
        assert "steps: 10" in recipe  # the member's own hundred, lowered
        assert "size: 256x384" in recipe
        sizes = await ada.suggestions("imagine", "size")
        assert [each["name"] for each in sizes if each["value"] == "square"] == ["square (384x384)"]
        lifted = (await server(grace, "limits", steps=0, size=0)).text
        assert lifted.count("no ceiling") == 2
        assert running.studio.servers.of(STUDIO_ID).steps is None
        ada.press(old, "Re-roll")
        await ada.wait_for(lambda: len(results(ada)) == 3 or None)


async def test_models_are_those_of_the_server_and_so_is_the_first_choice(
    start: Start, ada: Person, grace: Person, tmp_path: Path
) -> None:
    (tmp_path / "third").mkdir()
    third = a_model(name="third", title="Third", source=str(tmp_path / "third"))
    async with start(others=(third,)) as running:
        menu = await server(grace, "models")
        only = "Only **small-model** and **third** may draw"
        menu = await chosen(grace, menu, "Models", ["small-model", "third"], only)
        models = {each["value"] for each in await ada.suggestions("imagine", "model")}
        assert models == {"small-model", "third"}
        shown = await told(ada, ada.slash("models"))
        assert "some-model" not in shown
        assert "small-model" in shown
        refused = await told(ada, ada.slash("imagine", prompt="a cat", model="some-model"))
        assert "some-model does not draw in this server: choose small-model or third" in refused
        ada.slash("imagine", prompt="a first cat")
        assert "small-model" in (await result(ada, "a first cat")).text
        offered = [each["value"] for each in await grace.suggestions("server models", "default")]
        assert offered[0] == "none"
        assert "third" in offered
        assert "not among the models" in (await server(grace, "models", default="some-model")).text
        assert "gets **third**" in (await server(grace, "models", default="third")).text
        ada.slash("imagine", prompt="a second cat")
        assert "third" in (await result(ada, "a second cat")).text
        settings = await ada.answer(ada.slash("settings"))
        opened = ada.press(settings, "Model and look")
        await ada.modal(opened)
        ada.submit_modal(opened, {"model": ["small-model"]})
        await turned(ada, settings, "**small-model**")
        ada.slash("imagine", prompt="my own cat")  # a member's own choice comes before the server's
        assert "small-model" in (await result(ada, "my own cat")).text
        menu = await chosen(grace, menu, "Models", ["third"], "Only **third** may draw")
        ada.slash("imagine", prompt="no longer my own cat")
        mine = await result(ada, "no longer my own cat")
        assert "third" in mine.text
        before = next(message for message in results(ada) if "a first cat" in message.text)
        ada.send("a hat", reply_to=before)  # nobody has named the model that drew it
        assert "third" in (await result(ada, "a hat")).text
        assert "small-model does not draw" in await told(ada, ada.press(before, "Re-roll"))
        assert "nowhere/some-model" not in await told(ada, ada.slash("info"))
        grace.press(menu, "All models")
        await turned(grace, menu, "All models may draw")
        assert "whoever runs this bot has chosen" in (await server(grace, "models", default="none")).text
        assert running.studio.servers.of(STUDIO_ID).default_model is None


async def test_what_draws_nothing_from_words_is_nobodys_first_choice(
    start: Start, ada: Person, grace: Person
) -> None:
    pixels = a_model(name="pixels", family=Family.LANCZOS, source="", can=(Use.UPSCALE,))
    async with start(others=(pixels,)) as running:
        refused = await server(grace, "models", default="pixels")
        assert "pixels draws nothing from words alone" in refused.text
        assert running.studio.servers.of(STUDIO_ID).default_model is None
        assert "pixels" not in [each["value"] for each in await grace.suggestions("server models", "default")]
        # Nor is one that was set before it could do less.
        await running.studio.servers.change(
            Viewer(member_id=grace.user.id, guild_id=STUDIO_ID, moderator=True, resident=True),
            lambda rules: replace(rules, default_model="pixels"),
        )
        ada.slash("imagine", prompt="a cat")
        await result(ada, "a cat")


async def test_no_ceiling_is_so_low_that_nobody_could_draw(start: Start, ada: Person, grace: Person) -> None:
    slow = a_model(name="slow-model", source="", family=Family.LANCZOS, steps=Range.of(5, 25, 150))
    async with start(default=slow) as running:
        for limits in ({"size": 1}, {"size": 255}, {"steps": 4}):
            refused = (await server(grace, "limits", **limits)).text
            assert "slow-model would draw for whoever names no model" in refused
            assert f"at least {256 if 'size' in limits else 5}" in refused
        assert running.studio.servers.of(STUDIO_ID).steps is None
        menu = await server(grace, "models")
        menu = await chosen(grace, menu, "Models", ["small-model"], "Only **small-model** may draw")
        await server(grace, "limits", size=64, steps=4)  # is enough for this one
        ada.slash("imagine", prompt="a cat")
        await result(ada, "a cat")
        for interaction in (grace.press(menu, "All models"), grace.select(menu, "Models", ["slow-model"])):
            assert "slow-model would draw" in await told(grace, interaction)
        assert running.studio.servers.of(STUDIO_ID).models == {"small-model"}


async def test_a_menu_of_models_sets_those_alone_that_it_shows(
    start: Start, grace: Person, tmp_path: Path
) -> None:
    long = a_model(name="x" * 120, title="Long", source=str(tmp_path / "long"))
    third = a_model(name="third", title="Third", source=str(tmp_path / "third"))
    for name in ("long", "third"):
        (tmp_path / name).mkdir()
    async with start(others=(long, third)) as running:
        menu = await server(grace, "models")
        await chosen(grace, menu, "Models", ["small-model", "third", "x" * 100], "and **x")
        assert running.studio.servers.of(STUDIO_ID).models == {"small-model", "third", "x" * 120}
        (tmp_path / "third").rmdir()
        menu = await server(grace, "models")
        (tmp_path / "third").mkdir()  # fetched again
        await chosen(grace, menu, "Models", ["small-model"], "Only **small-model** and **third** may draw")
