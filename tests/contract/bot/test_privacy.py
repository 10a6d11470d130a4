"""What was drawn in private is its member's alone, also where its buttons or its id have got to somebody else."""

from dataclasses import replace

import pytest

from bot.playground import Message, Person, Playground
from tests.contract.bot.conftest import Start, answer_of, labels, result
from tests.contract.bot.test_comparing import rows_of
from tests.contract.bot.test_delivery import generation_of

WORDS = "a clandestine fox"


async def drawn_in_private(member: Person) -> Message:
    member.slash("imagine", prompt=WORDS, private=True, count=2)
    return await result(member, WORDS)


def knows(stranger: Person) -> list[Message]:
    """What somebody sees that has the words or a picture."""
    return [message for message in stranger.see() if "clandestine" in message.text or message.attachments]


async def test_its_buttons_tell_nobody_else_anything_wherever_they_stand(
    start: Start, playground: Playground, ada: Person, linus: Person, grace: Person
) -> None:
    async with start() as running:
        own = await drawn_in_private(ada)
        copied = replace(own, content="look", attachments=(), only_for=None, interaction=None, application_id=None)
        playground.world.put(copied)
        for stranger in (linus, grace):  # a moderator is as much of a stranger
            for button in sorted(str(label) for label in labels(own)):
                answer = await answer_of(stranger, stranger.press(copied, button))
                assert answer.only_for == stranger.user.id
            assert knows(stranger) == []
        assert await rows_of(running, "generations") == 1
        assert await rows_of(running, "stars") == 0
        answer = await answer_of(ada, ada.press(copied, "Recipe"))
        assert WORDS in answer.text
        assert answer.only_for == ada.user.id


@pytest.mark.parametrize(
    ("command", "option", "others"),
    [
        ("show", "id", {}),
        ("reroll", "id", {"seed": "same"}),
        ("vary", "id", {}),
        ("upscale", "id", {}),
        ("outpaint", "id", {"direction": "right"}),
        ("seed save", "seed", {"name": "mine"}),
    ],
)
async def test_its_id_tells_nobody_else_anything(
    start: Start, ada: Person, linus: Person, command: str, option: str, others: dict[str, str]
) -> None:
    async with start() as running:
        generation_id = generation_of(await drawn_in_private(ada))
        await answer_of(linus, linus.slash(command, **others | {option: generation_id}))
        assert knows(linus) == []
        assert await rows_of(running, "generations") == 1
        assert await rows_of(running, "seeds") == 0
