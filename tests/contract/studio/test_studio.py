"""The studio's laws: what is accepted is answered, what is not drawn costs nothing, private stays private."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

import db
from bot.errors import Blocked, NotAllowed, NotFound
from bot.ledger import Route
from bot.place import OPERATOR_ID, Address, Viewer
from bot.updates import Drawing, Ended, Update, Waiting
from bot.wording import notice
from generation import (
    AllowanceSpent,
    FailureKind,
    InvalidRequest,
    JobState,
    NotFetched,
    QueueFull,
    Recipe,
    Request,
    UnknownChoice,
)
from tests.contract.studio.conftest import Clock, Open, Opened
from tests.fixture_worker import Gate

ANN = Viewer(member_id=1, guild_id=10, channel_id=100)
BEN = Viewer(member_id=2, guild_id=10, channel_id=100)
MODERATOR = Viewer(member_id=3, guild_id=10, channel_id=100, moderator=True)
ELSEWHERE = Viewer(member_id=4, guild_id=11, channel_id=110, moderator=True)
OPERATOR = Viewer(member_id=OPERATOR_ID)
ADDRESS = Address(channel_id=100, application_id=9, interaction_token="token", interaction_expires_at=2e9)
A_CAT = Request(prompt="a red cat", seed=0)


async def ended(opened: Opened, generation_id: str) -> Ended:
    async with asyncio.timeout(30):
        updates = [update async for update in opened.studio.follow(generation_id)]
    assert isinstance(updates[-1], Ended)
    return updates[-1]


async def drawing_begun(opened: Opened, generation_id: str) -> None:
    async with asyncio.timeout(30):
        async for update in opened.studio.follow(generation_id):
            if isinstance(update, Drawing) and update.step:
                return


async def left(opened: Opened, viewer: Viewer = ANN) -> float:
    return (await opened.studio.allowance(viewer)).left


async def rows(opened: Opened, table: str) -> int:
    async with opened.database.reading() as connection:
        found = await connection.execute_fetchall(f"SELECT count(*) FROM {table}")  # noqa: S608 (a table of ours)
        return int(next(iter(found))[0])


async def test_a_finished_job_is_on_record_and_costs_what_it_took(open_studio: Open) -> None:
    async with open_studio() as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED
        generation = await opened.history.recall(accepted.generation_id, ANN)
        assert generation.recipe.seeds == (0,)
        assert [picture.name for picture in generation.pictures] == [f"{accepted.generation_id}.png"]
        # The fixture's worker says that it took a quarter of a second; a first guess is far above that.
        assert accepted.cost > 1
        assert await left(opened) == pytest.approx(1000 - 0.25, abs=0.01)


async def test_a_lora_that_is_not_there_is_refused_and_costs_nothing(open_studio: Open, tmp_path: Path) -> None:
    async with open_studio() as opened:
        for prompt, argument in (("a cat <lora:inc>", "LoRA"), ("a cat, <sketchy>", "embedding")):
            with pytest.raises(UnknownChoice) as caught:
                await opened.studio.submit(Request(prompt=prompt), viewer=ANN, address=None)
            assert caught.value.argument == argument
        assert await rows(opened, "generations") == 0
        assert await left(opened) == 1000

        file = tmp_path / "models" / "loras" / "inc.safetensors"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"the fixture's worker does not look")
        accepted = await opened.studio.submit(Request(prompt="a cat <lora:inc>"), viewer=ANN, address=None)
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED


async def test_a_model_that_is_not_here_is_refused_to_members_and_costs_nothing(open_studio: Open) -> None:
    elsewhere = Request(prompt="a red cat", model="elsewhere")
    async with open_studio() as opened:
        with pytest.raises(NotFetched) as caught:
            await opened.studio.submit(elsewhere, viewer=ANN, address=None)
        assert "easel models add elsewhere" in notice(caught.value)
        assert await rows(opened, "generations") == 0
        assert await left(opened) == 1000

        # What the operator asks for may be fetched, and the default one is the operator's own choice.
        by_operator = await opened.studio.submit(elsewhere, viewer=OPERATOR, address=None)
        by_default = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        named = replace(A_CAT, model="some-model")
        by_name = await opened.studio.submit(named, viewer=ANN, address=None)
        for accepted in (by_operator, by_default, by_name):
            assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED


async def test_models_that_are_here_are_offered_and_no_others(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        assert [model.name for model in opened.studio.recipes.models_here()] == ["some-model", "here"]
        here = Request(prompt="a red cat", model="here")
        assert (await opened.studio.submit(here, viewer=ANN, address=None)).recipe.model == "here"


async def test_what_was_learned_predicts_the_next_cost(open_studio: Open) -> None:
    async with open_studio() as opened:
        first = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        await ended(opened, first.generation_id)
        second = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        assert second.cost == pytest.approx(0.25)


@pytest.mark.parametrize("how", ["waits_for_cancel", "ignores_cancel"])
async def test_a_cancelled_job_costs_nothing(open_studio: Open, how: str) -> None:
    async with open_studio(how, cancel_grace=0.2) as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        await drawing_begun(opened, accepted.generation_id)
        assert await left(opened) < 1000
        assert await opened.studio.cancel(accepted.generation_id, ANN)
        assert (await ended(opened, accepted.generation_id)).state is JobState.CANCELLED
        assert await left(opened) == pytest.approx(1000)
        assert not await opened.studio.cancel(accepted.generation_id, ANN)


async def test_a_waiting_job_is_cancelled_without_disturbing_the_one_that_is_drawn(open_studio: Open) -> None:
    async with open_studio("waits_for_cancel") as opened:
        first = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        second = await opened.studio.submit(A_CAT, viewer=BEN, address=None)
        await drawing_begun(opened, first.generation_id)
        assert await opened.studio.cancel(second.generation_id, BEN)
        assert (await ended(opened, second.generation_id)).state is JobState.CANCELLED
        assert opened.studio.queue()[0].generation_id == first.generation_id


async def test_a_cancelled_job_does_not_come_back_while_the_records_are_read(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        reading = asyncio.create_task(opened.studio.watch(interval=0))
        for _ in range(60):
            accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
            assert await opened.studio.cancel(accepted.generation_id, ANN)
        await asyncio.sleep(0.05)  # another reading
        reading.cancel()
        assert opened.studio.queue() == ()


async def test_a_job_whose_records_are_gone_is_cancelled_and_others_are_drawn(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        gone = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        other = await opened.studio.submit(A_CAT, viewer=BEN, address=None)
        async with opened.database.transaction() as connection:
            await db.members.erase(connection, ANN.member_id)
        drawing = asyncio.create_task(opened.studio.run())
        assert (await ended(opened, gone.generation_id)).state is JobState.CANCELLED
        assert (await ended(opened, other.generation_id)).state is JobState.FINISHED
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)


async def test_only_its_owner_and_a_moderator_of_its_server_cancel_a_job(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        with pytest.raises(NotAllowed):
            await opened.studio.cancel(accepted.generation_id, BEN)
        with pytest.raises(NotFound):
            await opened.studio.cancel(accepted.generation_id, ELSEWHERE)
        assert await opened.studio.cancel(accepted.generation_id, MODERATOR)


async def test_only_what_a_member_was_told_of_is_noted_as_told(open_studio: Open) -> None:
    async def put_into_the_history() -> str:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        await ended(opened, accepted.generation_id)
        await opened.studio.delivered(accepted.generation_id, route=Route.HISTORY, message_id=None)
        return accepted.generation_id

    async with open_studio() as opened:
        first = await put_into_the_history()
        finished, failed = await opened.studio.unseen(ANN.member_id)
        assert (finished, failed) == ([first], [])
        second = await put_into_the_history()
        await opened.studio.note_unseen(finished)
        assert await opened.studio.unseen(ANN.member_id) == ([second], [])


async def test_a_clock_that_was_ahead_keeps_nobody_waiting_after_a_start(open_studio: Open, clock: Clock) -> None:
    clock.now += 365 * 86400
    row = db.AllowanceRow(member_id=ANN.member_id, balance=0.0, updated_at=clock.now)
    async with open_studio(running=False) as opened, opened.database.transaction() as connection:
        await db.allowances.put(connection, row)
    clock.now -= 365 * 86400
    async with open_studio(running=False, capacity=60.0) as opened:
        assert await left(opened) == pytest.approx(0, abs=0.01)
        clock.now += 1800.0
        assert await left(opened) == pytest.approx(50, abs=0.01)


async def test_a_block_holds_for_a_request_that_is_read_meanwhile(open_studio: Open) -> None:
    there = replace(BEN, resident=True)

    async def block(recipe: Recipe) -> tuple[str, ...]:
        del recipe
        assert await opened.studio.block(replace(MODERATOR, resident=True), there.member_id, None) == 0
        return ()

    async with open_studio(running=False) as opened:
        with pytest.raises(Blocked):
            await opened.studio.submit(A_CAT, viewer=there, address=None, notes_on=block)
        assert opened.studio.queue() == ()


async def test_a_block_leaves_nothing_of_what_is_asked_at_the_same_moment(open_studio: Open) -> None:
    there, moderator = replace(BEN, resident=True), replace(MODERATOR, resident=True)
    async with open_studio(running=False) as opened:
        for moment in range(20):
            asked = [opened.studio.submit(A_CAT, viewer=there, address=None) for _ in range(3)]
            tasks = [asyncio.create_task(each) for each in asked]
            await asyncio.sleep(moment * 0.0005)
            stopped = await opened.studio.block(moderator, there.member_id, None)
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            refused = [each for each in answers if isinstance(each, Blocked)]
            assert (opened.studio.queue(), stopped + len(refused)) == ((), 3)
            await opened.studio.servers.unblock(moderator, there.member_id)


async def test_a_job_that_kills_the_worker_twice_is_set_aside_and_others_are_drawn(open_studio: Open) -> None:
    async with open_studio("dies_while_drawing") as opened:
        poison = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        end = await ended(opened, poison.generation_id)
        assert end.failure is not None
        assert end.failure.kind is FailureKind.SET_ASIDE
        assert await left(opened) == pytest.approx(1000)
        async with opened.database.reading() as connection:
            job = await db.jobs.find(connection, poison.generation_id)
        assert job is not None
        assert job.attempts == 2


async def test_a_job_whose_worker_died_once_is_drawn_by_the_next_one(open_studio: Open) -> None:
    async with open_studio("dies_once") as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED


async def test_without_a_worker_a_job_fails_in_words_and_costs_nothing(
    open_studio: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.drawing.STARTS", 1)
    async with open_studio("dies_at_start") as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        end = await ended(opened, accepted.generation_id)
        assert end.failure is not None
        assert end.failure.kind is FailureKind.WORKER_UNAVAILABLE
        assert "abacus" in end.failure.detail
        assert await left(opened) == pytest.approx(1000)


async def test_what_waited_at_the_end_waits_again_after_a_restart(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        accepted = [
            (await opened.studio.submit(A_CAT, viewer=viewer, address=ADDRESS)).generation_id
            for viewer in (ANN, ANN, BEN)
        ]
    async with open_studio() as opened:
        assert [waiting for waiting, _ in await opened.studio.waiting_deliveries()] == accepted
        for generation_id in accepted:
            assert (await ended(opened, generation_id)).state is JobState.FINISHED


async def test_what_was_being_drawn_at_the_end_is_drawn_after_a_restart(open_studio: Open) -> None:
    async with open_studio("waits_for_cancel") as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        await drawing_begun(opened, accepted.generation_id)
    async with open_studio(running=False) as opened:
        async with opened.database.reading() as connection:
            job = await db.jobs.find(connection, accepted.generation_id)
        assert job is not None
        assert (job.state, job.attempts) == ("queued", 0)  # a clean stop is not the job's fault
    async with open_studio() as opened:
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED


async def test_what_another_process_wrote_beside_is_taken_in_and_drawn(open_studio: Open) -> None:
    async with open_studio() as running, open_studio(running=False) as beside:
        watching = asyncio.create_task(running.studio.watch(interval=0.01))
        accepted = await beside.studio.submit(A_CAT, viewer=OPERATOR, address=None)
        async with asyncio.timeout(30):
            while not (await beside.history.recall(accepted.generation_id, OPERATOR)).state.ended:  # noqa: ASYNC110 (two processes have no event in common)
                await asyncio.sleep(0)
        generation = await beside.history.recall(accepted.generation_id, OPERATOR)
        watching.cancel()
    assert generation.state is JobState.FINISHED


async def test_the_operator_has_no_allowance_to_run_out_of(open_studio: Open) -> None:
    async with open_studio(running=False, capacity=1) as opened:
        for _ in range(5):
            await opened.studio.submit(A_CAT, viewer=OPERATOR, address=None)
        assert await rows(opened, "charges") == 0
        await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        with pytest.raises(AllowanceSpent):
            await opened.studio.submit(A_CAT, viewer=ANN, address=None)


async def test_limits_survive_a_restart(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        before = await left(opened)
    async with open_studio(running=False) as opened:
        assert await left(opened) == pytest.approx(before, abs=0.01)
        assert before < 1000


async def test_many_submissions_at_once_never_overdraw_by_one(open_studio: Open) -> None:
    async with open_studio(running=False, limit=2000) as opened:
        cost = (await opened.studio.submit(A_CAT, viewer=BEN, address=None)).cost
        room = int(1000 // cost)
        asked = [opened.studio.submit(A_CAT, viewer=ANN, address=None) for _ in range(100)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, AllowanceSpent)]
        assert len(answers) - len(refused) == room
        assert all(error.enough_at is not None for error in refused)


@pytest.mark.parametrize(
    "request_values",
    [
        {"model": "sd-9"},
        {"size": "123x456"},
        {"scheduler": "Oiler"},
        {"num_inference_steps": 9999},
        {"guidance_scale": -1.0},
        {"strength": 0.5},
    ],
)
async def test_a_refused_request_leaves_no_trace(open_studio: Open, request_values: dict[str, object]) -> None:
    async with open_studio(running=False) as opened:
        with pytest.raises(InvalidRequest):
            await opened.studio.submit(
                Request(prompt="a red cat", **request_values),  # type: ignore[arg-type]
                viewer=ANN,
                address=ADDRESS,
            )
        for table in ("generations", "jobs", "charges", "deliveries", "allowances"):
            assert await rows(opened, table) == 0


async def test_a_missing_source_and_a_missing_parent_are_refused(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        with pytest.raises(NotFound):
            await opened.studio.submit(Request(prompt="a cat", source="ab"), viewer=ANN, address=None)
        with pytest.raises(NotFound):
            await opened.studio.submit(A_CAT, viewer=ANN, address=None, parent_id="nothing")
        assert await rows(opened, "generations") == 0


async def test_a_full_queue_refuses_and_charges_nothing(open_studio: Open) -> None:
    async with open_studio(running=False, limit=1) as opened:
        await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        with pytest.raises(QueueFull):
            await opened.studio.submit(A_CAT, viewer=BEN, address=None)
        assert await left(opened, BEN) == 1000


async def test_places_are_told_and_move_up(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        first = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        second = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        assert (first.place, second.place) == (1, 2)
        assert second.expected.likely > first.expected.likely
        seen: list[Update] = []
        following = asyncio.create_task(collect(opened, second.generation_id, seen))
        await asyncio.sleep(0)
        await opened.studio.cancel(first.generation_id, ANN)
        await opened.studio.cancel(second.generation_id, ANN)
        await asyncio.wait_for(following, 10)
        places = [update.place for update in seen if isinstance(update, Waiting)]
        assert places == sorted(places, reverse=True)
        assert isinstance(seen[-1], Ended)


async def collect(opened: Opened, generation_id: str, seen: list[Update]) -> None:
    seen.extend([update async for update in opened.studio.follow(generation_id)])


@pytest.mark.parametrize("address", [ADDRESS, None])
async def test_previews_are_made_where_a_message_waits_for_them(
    open_studio: Open, tmp_path: Path, address: Address | None
) -> None:
    async with open_studio(preview_every=0.0) as opened:
        gate = Gate(tmp_path / "pictures" / "drawn")
        gate.close()
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=address)
        closed, seen = True, False
        async with asyncio.timeout(30):
            async for update in opened.studio.follow(accepted.generation_id):
                if isinstance(update, Drawing) and update.step:
                    seen = seen or update.preview is not None
                    if closed and seen is (address is not None):
                        closed = False
                        await gate.open()
        assert seen is (address is not None)


async def test_an_ending_is_told_until_it_is_delivered(open_studio: Open) -> None:
    async with open_studio() as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        await ended(opened, accepted.generation_id)
    async with open_studio() as opened:
        assert await anext(opened.studio.endings()) == accepted.generation_id
        assert await opened.studio.address(accepted.generation_id) == ADDRESS
        await opened.studio.delivered(accepted.generation_id, route=Route.CHANNEL, message_id=77)
        assert await opened.studio.address(accepted.generation_id) is None
    async with open_studio() as opened, opened.database.reading() as connection:
        assert await db.deliveries.due(connection) == []


async def test_private_is_private_for_everybody_else_and_for_its_descendants(open_studio: Open) -> None:
    async with open_studio() as opened:
        secret = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS, private=True)
        await ended(opened, secret.generation_id)
        for stranger in (BEN, MODERATOR, ELSEWHERE):
            with pytest.raises(NotFound):
                await opened.history.recall(secret.generation_id, stranger)
            with pytest.raises(NotFound):
                await opened.studio.submit(A_CAT, viewer=stranger, address=None, parent_id=secret.generation_id)
        child = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS, parent_id=secret.generation_id)
        assert (await opened.history.recall(child.generation_id, ANN)).private


async def test_what_is_asked_in_a_direct_message_is_private(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        alone = Viewer(member_id=1, channel_id=500)
        accepted = await opened.studio.submit(A_CAT, viewer=alone, address=None)
        assert (await opened.history.recall(accepted.generation_id, ANN)).private
        with pytest.raises(NotFound):
            await opened.history.recall(accepted.generation_id, Viewer(member_id=2, channel_id=501))


async def test_an_id_is_long_enough_not_to_be_guessed_and_never_comes_twice(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        ids = {
            (await opened.studio.submit(A_CAT, viewer=viewer, address=None)).generation_id
            for viewer in (ANN, BEN, MODERATOR)
        }
        assert len(ids) == 3
        assert all(len(generation_id) == 10 for generation_id in ids)
