"""A word that a server keeps out is not drawn, however it is written, and nobody else hears of it."""

import pytest

from bot import wording
from bot.playground import Person
from bot.playground.cast import STUDIO_ID
from generation import Family, Use
from tests.contract.bot.conftest import Start, answer_of, result, results
from tests.contract.bot.test_server import kept, server, told
from tests.contract.bot.test_sources import told_in
from tests.recipes import a_model


async def test_a_word_is_kept_out_of_prompts_and_told_to_its_member_alone(
    start: Start, ada: Person, grace: Person
) -> None:
    async with start():
        ada.slash("imagine", prompt="a cat")
        drawn = await result(ada, "a cat")
        assert "fog · red cat" in (await server(grace, "words", add="fog, red cat, FOG")).text
        for prompt in ("a FÓG bank", "f\u200bog", "a {fog|fog} bank", "(red:1.2) cat"):
            answer = await answer_of(ada, ada.slash("imagine", prompt=prompt))
            assert answer.ephemeral
            assert "out of prompts" in answer.text
        ada.send("a fog bank", reply_to=drawn)
        public = await ada.message(lambda message: "a word of that prompt" in message.text)
        assert "fog" not in public.text
        ada.slash("imagine", prompt="a clear day", negative_prompt="fog, red cat")
        await result(ada, "a clear day")
        assert [each["value"] for each in await grace.suggestions("server words", "remove", "re")] == ["red cat"]
        assert "not in the filter" in (await server(grace, "words", remove="mist")).text
        assert "no letter" in (await server(grace, "words", add="…")).text
        assert "No word is kept out" in (await server(grace, "words", remove="fog, red cat")).text
        ada.slash("imagine", prompt="a red cat in fog")
        await result(ada, "a red cat in fog")


@pytest.mark.parametrize("prompt", ["a fo()g bank", "a (f:1)(o:1)(g:1)", "fog\u200bbank", "fog1 bank"])
async def test_what_a_model_would_read_as_a_word_that_is_kept_out_is_not_drawn(
    start: Start, ada: Person, grace: Person, prompt: str
) -> None:
    async with start() as running:
        await server(grace, "words", add="fog")
        before = await kept(running)
        assert "out of prompts" in await told(ada, ada.slash("imagine", prompt=prompt))
        assert await kept(running) == before


async def test_a_word_is_kept_out_once_and_let_in_again_however_it_is_typed(start: Start, grace: Person) -> None:
    async with start() as running:

        def words() -> tuple[str, ...]:
            return running.studio.servers.of(STUDIO_ID).words

        await server(grace, "words", add="fóg, fog, f\u200bog, fog*, red cat, red  CAT, mist")
        assert words() == ("fóg", "fog*", "red cat", "mist")
        offered = [each["value"] for each in await grace.suggestions("server words", "remove", "mist, FOG, re")]
        assert offered == ["mist, FOG, red cat"]
        await server(grace, "words", remove="FOG, Mïst")
        assert words() == ("fog*", "red cat")


async def test_a_word_that_nobody_typed_refuses_no_picture_and_is_left_out(
    start: Start, ada: Person, grace: Person
) -> None:
    pixels = a_model(name="pixels", family=Family.LANCZOS, source="", can=(Use.UPSCALE,))
    async with start(others=(pixels,)):
        ada.slash("imagine", prompt="a fog bank")
        drawn = await result(ada, "a fog bank")
        await server(grace, "words", add="fog")
        for asked in (
            lambda: ada.press(drawn, "Upscale"),
            lambda: ada.slash("upscale", image=told_in("a (fo)()g bank, fog")),
            lambda: ada.slash("outpaint", image=told_in("a fog bank"), direction="right"),
        ):
            there = len(results(ada))
            asked()
            await ada.wait_for(lambda there=there: len(results(ada)) > there or None)
            made = max(results(ada), key=lambda message: message.id)
            assert wording.WORDS_LEFT_OUT in made.text
            assert "fog" not in made.text
        typed = ada.slash("upscale", image=told_in("a cat"), prompt="fog")
        assert "out of prompts" in await told(ada, typed)
        assert "out of prompts" in await told(ada, ada.press(drawn, "Re-roll"))
