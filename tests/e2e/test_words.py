"""Words that would format, ping, turn or overflow what is shown: harmless wherever they come up again."""

from dataclasses import replace
from typing import Any

import pytest

from bot.playground import Message, Person, Playground, Upload
from tests.e2e.conftest import answer_of, draw, generation_id, images, result_after, seen_by
from tests.e2e.test_browsing import history, row

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = {
    "mentions": "@everyone @here <@1100000000000000103> <@&1100000000000000011> <#1100000000000000031> walrus",
    "markdown": "# **walrus** `x` ||spoiler|| ```block``` > [link](https://example.org) ~~gone~~ __under__ -# s",
    "from the right": "\u202ewalrus\u202c \u2067\u05d7\u05ea\u05d5\u05dc\u2069 \u200f\u0642\u0637 walrus",
    "zero width": "wal\u200brus \u200d\u2060 walrus\ufeff",
    "long": "walrus " * 214,
    "without a space": "walrus" * 250,
    "symbols": "🐈‍⬛👩🏽‍🚀 walrus " * 80,
    "braces": "walrus {} {0} {prompt} %s %(x)s \\{ \\} \\",
}


def harmless(message: Message) -> bool:
    """Nobody is pinged, and nothing turns what stands around it; a recipe in a block of code is told as it is.

    Whether it is too long is checked where it is received.
    """
    turned = set("\u202e\u2067") & set(message.text) and "```" not in message.text
    return not message.mention_everyone and not message.mentions and not turned


@pytest.mark.parametrize("name", WORDS)
async def test_what_a_member_typed_is_shown_harmlessly_everywhere(
    ada: Person, linus: Person, playground: Playground, name: str
) -> None:
    prompt = WORDS[name]
    before = len(playground.violations)
    drawn = await draw(ada, prompt, steps=1, count=2, negative_prompt=prompt)
    wanted = generation_id(drawn)
    answers = [drawn]

    async def ask(person: Person, command: str, **options: Any) -> Message:
        answers.append(await answer_of(person, person.slash(command, **options)))
        return answers[-1]

    page = await history(ada, search="walrus")
    answers.append(page)
    answers.append(await answer_of(ada, ada.select(page, "easel:open", [wanted])))
    answers.append(await answer_of(ada, ada.press(page, row(page, "source", drawn))))
    await ask(ada, "show", id=wanted)
    await ask(linus, "show", id=prompt[:100])
    await ask(ada, "history", search=prompt)
    await ask(ada, "seed save", name="walrus", seed=prompt[:100])
    await ask(ada, "seed delete", name=prompt[:100])
    await ask(ada, "imagine", prompt="a cat", style=prompt[:100])
    await ask(ada, "imagine", prompt="a cat", size=prompt[:100])
    await ask(ada, "imagine", prompt="a cat", model=prompt[:100])
    await ask(ada, "compare", prompt=prompt, steps="1, 2")
    await ask(ada, "compare", prompt=prompt, scheduler=prompt[:100])
    await ask(ada, "verify", image=Upload(filename="found.png", data=ada.download(drawn.attachments[0])))
    pressed = [linus.press(drawn, button) for button in ("Recipe", "Star", "2")]
    pressed += [linus.context_menu(drawn, menu) for menu in ("Describe", "Show recipe")]
    answers += [await answer_of(linus, each) for each in pressed]
    offered = await ada.suggestions("show", "id", "walrus")
    assert wanted in {choice["value"] for choice in offered}
    opened = ada.press(drawn, "Edit prompt")
    assert str(await ada.modal(opened)).count("walrus") >= 1
    seen = seen_by(ada)
    ada.submit_modal(opened, {"settings": "--steps 1 --count 1"})
    again = await result_after(ada, seen)
    family = await ask(ada, "show", id=wanted)
    assert len(family.attachments) == 3  # two pictures and their family
    answers.append(await answer_of(ada, ada.press(again, "Delete")))
    assert [message.text for message in answers if not harmless(message)] == []
    assert [message.text for message in answers if "went wrong" in message.text] == []
    assert len(playground.violations) == before


async def test_a_reply_is_shown_as_harmlessly(ada: Person) -> None:
    drawn = await draw(ada, "a plain walrus", steps=1)
    seen = seen_by(ada)
    ada.send("\u202e@everyone **walrus** --steps 1 --no `fog` <@1100000000000000103>", reply_to=drawn)
    redrawn = await result_after(ada, seen)
    assert redrawn.mentions == (ada.user.id,)  # who is answered
    assert harmless(replace(redrawn, mentions=()))
    assert len(images(ada, redrawn)) == 1
    said = ada.send("a walrus --stepz @everyone", reply_to=drawn)
    told = await ada.message(lambda message: message.id > said.id and "--stepz" in message.text)
    assert harmless(told)


async def test_a_dozen_waiting_prompts_of_any_length_fit_into_the_queue(
    ada: Person, playground: Playground
) -> None:
    before = len(playground.violations)
    for number in range(12):
        await ada.acknowledged(ada.slash("imagine", prompt=f"herd {number}: " + "*walrus* " * 160, steps=100), 3)
    await ada.message(lambda message: "herd 11:" in message.text)
    queue = await answer_of(ada, ada.slash("queue"))
    assert all(f"herd {number}:" in queue.text for number in range(1, 12))
    for button in [button["custom_id"] for button in queue.buttons]:
        await ada.acknowledged(ada.press(queue, button), 3)
    await ada.wait_for(lambda: ((now := ada.now(queue)) is not None and "herd" not in now.text) or None, 60)
    assert len(playground.violations) == before
