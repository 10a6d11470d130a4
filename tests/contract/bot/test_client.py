"""The connection: it comes back by itself, and what cannot start says so."""

import pytest

from bot.errors import CommandsRefused
from bot.playground import Failure, Fault, Person, Playground
from tests.contract.bot.conftest import Start, answer_of, result

SYNC = r"/applications/\d+/commands"


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_lost_gateway_is_found_again_at_the_same_address(
    start: Start, playground: Playground, ada: Person, *, resumable: bool
) -> None:
    async with start() as running:
        await playground.gateway.drop(resumable=resumable)
        await ada.wait_for(lambda: playground.gateway.online or None, 20)
        ada.slash("imagine", prompt="a cat that came back")
        await result(ada, "a cat that came back")
        assert not running.bot.is_closed()


async def test_a_passing_fault_at_the_start_passes(start: Start, playground: Playground, ada: Person) -> None:
    playground.faults.add(Fault(mishap=Failure(status=503), method="PUT", path=SYNC))
    async with start():
        assert (await answer_of(ada, ada.slash("help"))).ephemeral
        assert playground.faults.happened


async def test_commands_that_discord_does_not_take_end_the_start(start: Start, playground: Playground) -> None:
    playground.faults.add(Fault(mishap=Failure(status=503), method="PUT", path=SYNC, count=10))
    with pytest.raises(CommandsRefused):
        async with start():
            pass


async def test_every_command_may_be_taken_along(start: Start, playground: Playground, ada: Person) -> None:
    async with start():
        for command in ada.offered():
            assert sorted(command["integration_types"]) == [0, 1]
            assert sorted(command["contexts"]) == [0, 1, 2]
        names = [command["name"] for command in ada.at(playground.channel("lounge")).offered()]
        menus = {"Describe", "Show recipe", "Upscale", "Use as source"}
        drawing = {"blend", "compare", "describe", "imagine", "outpaint", "reroll", "seed", "upscale", "vary"}
        looking = {"help", "history", "info", "models", "mydata", "queue", "settings", "show", "styles", "verify"}
        assert set(names) == menus | drawing | looking
        assert sorted(command["name"] for command in ada.direct().offered()) == sorted(names)
