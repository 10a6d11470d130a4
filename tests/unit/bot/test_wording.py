"""Every error has its sentence, and nothing that a member types breaks what is shown."""

import ast
import errno
import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest
from discord import Embed
from hypothesis import given, settings
from hypothesis import strategies as st

import bot.errors
import generation.errors
from bot import wording
from bot.acknowledge import told
from bot.board import QueuedJob
from bot.comparison import Comparison, Side
from bot.content import ContentFilter
from bot.errors import (
    AboveCeiling,
    AlreadyRunning,
    BackupFault,
    BackupNotWritten,
    BadBackup,
    BadComparison,
    BadFlag,
    BadRule,
    BadSetting,
    BadToken,
    Blocked,
    Ceiling,
    CommandsRefused,
    ComparisonFault,
    DrawingFailed,
    EaselError,
    FlagValue,
    FolderUnusable,
    ModelNotHere,
    NoDiscord,
    NoRecipe,
    NoRoom,
    NoSeedToKeep,
    NotAllowed,
    NotDescribed,
    NotErased,
    NotFound,
    NothingToBackUp,
    NotReplaced,
    NotWritten,
    OneOfTwo,
    OtherChannels,
    PortTaken,
    ReservedName,
    RoleNeeded,
    RuleFault,
    SourceNotYours,
    StraySetting,
    Unseen,
    WordKeptOut,
)
from bot.flags import read_flags
from bot.history import Generation
from bot.ledger import AllowanceState
from bot.rules import Grant, Rules
from bot.servers import Block, Deed, Entry, LogPage
from bot.source import Correction
from bot.studio import WorkerStatus
from bot.updates import Drawing, Waiting
from bot.wording.text import Plural, about, choice, duration, escape, expected_time, listing, quote, shorten
from db import DatabaseError, DatabaseUnusable, Reason, Totals
from generation import (
    PROMPT_LIMIT,
    Allowance,
    AllowanceSpent,
    BadPicture,
    BadPrompt,
    BadSize,
    EmptyText,
    Environment,
    Estimate,
    Failure,
    FailureKind,
    GenerationError,
    HubUnreachable,
    JobState,
    Mode,
    ModelUnavailable,
    NeedsPicture,
    NotFetched,
    NotForThisModel,
    NotThisMode,
    NotThisScheduler,
    OutOfRange,
    PictureFault,
    PromptFault,
    QueueFull,
    Scheduler,
    Size,
    StylesUnreadable,
    TooLong,
    UnknownChoice,
    WorkerDied,
    WorkerState,
)
from generation.errors import WorkerBusy
from tests.recipes import a_generation, a_model, a_recipe

SENTENCES = [
    (EmptyText(), "The prompt is empty: say in a few words what to draw."),
    (EmptyText("name"), "The name is empty: give it at least one letter."),
    (
        TooLong("prompt", length=5000, limit=1500),
        "The prompt has 5,000 characters and at most 1,500 fit: please shorten it.",
    ),
    (OutOfRange("strength", 2, minimum=0.0, maximum=1.0), "strength cannot be 2: it goes from 0 to 1."),
    (
        OutOfRange("num_inference_steps", 0, minimum=1, maximum=150),
        "steps cannot be 0: it goes from 1 to 150.",
    ),
    (
        UnknownChoice("model", "sd15", choices=("storybook", "sd-1.5")),
        "There is no model called sd15: did you mean sd-1.5?",
    ),
    (
        UnknownChoice("scheduler", "???", choices=("DDIM", "Euler", "Heun")),
        "There is no scheduler called ???: choose DDIM, Euler or Heun.",
    ),
    (
        UnknownChoice("LoRA", "inc", choices=("ink", "wool")),
        "There is no LoRA called inc: did you mean ink?",
    ),
    (UnknownChoice("embedding", "inc", choices=()), "There is no embedding called inc: none is installed here."),
    (
        OutOfRange("weight of a LoRA", 11.0, minimum=-10.0, maximum=10.0),
        "weight of a LoRA cannot be 11: it goes from -10 to 10.",
    ),
    (
        NotForThisModel("clip_skip", model="sdxl"),
        "The model sdxl has no use for clip skip: leave it out, or choose another model.",
    ),
    (
        NotThisScheduler(Scheduler.DDIM, model="flux-schnell", choices=("Euler", "Heun", "DPM++ 2M")),
        "The model flux-schnell cannot be drawn with DDIM: choose Euler, Heun or DPM++ 2M.",
    ),
    (
        BadPrompt("prompt", "[cat|dog]", fault=PromptFault.ALTERNATION),
        (
            "In the prompt, [cat|dog] takes turns between words, which Easel does not do; two prompts are mixed "
            'as ("red cat", "blue dog").blend(0.7, 0.3).'
        ),
    ),
    (
        BadPrompt("negative_prompt", "<lora:ink>", fault=PromptFault.TAG_NOT_HERE),
        "In the negative_prompt, <lora:ink> stands in the negative prompt; LoRAs belong in the prompt.",
    ),
    (
        BadSize("500x500", closest="496x496", grid=16, minimum=128, maximum=512),
        (
            "The size 500x500 cannot be drawn by this model: sides go from 128 to 512 pixels in steps of 16, and "
            "the closest is 496x496."
        ),
    ),
    (
        NotForThisModel("strength", model="storybook"),
        "strength says how far to leave a picture: attach an image as well, or leave strength out.",
    ),
    (
        NotForThisModel("mask", model="storybook"),
        "A mask is for inpainting a picture: attach an image as well, and leave mode out.",
    ),
    (
        BadPicture(PictureFault.TOO_LONG, name="wide.png", value=Size(width=30000, height=2), limit=16384),
        "wide.png has 30000x2 pixels and no side may be over 16,384: scale it down first.",
    ),
    (
        QueueFull(waiting=200, limit=200, own=False),
        "The queue is full with 200 pictures: please try again in a few minutes.",
    ),
    (
        QueueFull(waiting=20, limit=20, own=True),
        "You have 20 pictures waiting, as many as one member may: let one be drawn first.",
    ),
    (
        QueueFull(waiting=1, limit=1, own=True),
        "You have 1 picture waiting, as many as one member may: let it be drawn first.",
    ),
    (
        AllowanceSpent(cost=30.0, left=4.0, enough_at=None),
        "This would take 30 s of drawing time and you have 4 s left, which does not refill here.",
    ),
    (ModelUnavailable("sdxl", "No file is there."), "The model sdxl cannot be used: No file is there."),
    (HubUnreachable("sdxl", "Nobody answers."), "The model sdxl cannot be used: Nobody answers."),
    (WorkerDied(-9), "The drawing process ended by itself; the log has its last words."),
    (WorkerBusy("draw"), "Drawing is not possible: draw."),
    (
        NotFound("generation", "abc"),
        "There is no picture with the id abc that you may see; /history shows yours.",
    ),
    (NotFound("seed", "cosy"), "You have no seed called cosy; /seed list shows yours."),
    (
        NotFound("source", "0" * 64),
        "The picture that this one started from is no longer on this machine: attach it again.",
    ),
    (NotFound("message", "1"), "That message is gone, or I may not read it."),
    (NotAllowed("cancel"), "Only the member who asked for it, or a moderator, may cancel this one."),
    (
        NotAllowed("delete"),
        "Only the member who asked for it, or a moderator, may delete this one, and only once it has ended.",
    ),
    (BadFlag("strenght", closest="strength"), "There is no flag --strenght: did you mean --strength?"),
    (BadFlag("seed", value_missing=True), "--seed needs a value after it, as in “--seed 7”."),
    (BadFlag("seed", repeated=True), "--seed stands there more than once: give it once."),
    (
        BadFlag("steps", value="many", expected=FlagValue.WHOLE_NUMBER),
        "--steps cannot be many: it takes a whole number, as in “--steps 30”.",
    ),
    (
        BadFlag("guidance", value="much", expected=FlagValue.NUMBER),
        "--guidance cannot be much: it takes a number, as in “--guidance 7”.",
    ),
    (
        SourceNotYours(strength=0.6, steps=20),
        (
            "This one started from another member's picture: keep strength at 0.6 or above and steps at 20 or "
            "above, or attach an image of your own."
        ),
    ),
    (
        ReservedName("same"),
        "A seed cannot be called same: numbers, new and same mean something else where a seed is asked.",
    ),
    (NoSeedToKeep(), "--seed same needs a picture that I drew: for any other one, give a number."),
    (
        BadSetting("device", "abacus", "it is none of auto, cpu"),
        "The setting device cannot be abacus: it is none of auto, cpu.",
    ),
    (
        AlreadyRunning("data"),
        "Another Easel is running on data: stop it first, or set EASEL_DATA_DIR to another folder.",
    ),
    (
        FolderUnusable("data", "Permission denied"),
        (
            "The data folder data cannot be used (Permission denied): let this user write to it, or set "
            "EASEL_DATA_DIR to another folder."
        ),
    ),
    (
        PortTaken(8765, "Address already in use"),
        (
            "The playground's port 8765 cannot be opened (Address already in use): stop the program that has it, "
            "or set EASEL_PLAYGROUND_PORT to another one, such as 0 for any that is free."
        ),
    ),
    (
        BadToken(),
        (
            "Discord does not know this token: copy it again from the Bot page of your application, and set "
            "EASEL_DISCORD_TOKEN."
        ),
    ),
    (
        NoDiscord("https://discord.com/api/v10", "refused"),
        (
            "Discord does not answer at https://discord.com/api/v10 (refused): check the network and "
            "EASEL_DISCORD_API_URL."
        ),
    ),
    (CommandsRefused("Nope."), "Discord did not take the commands, so the bot cannot start: Nope."),
    (
        BadComparison(ComparisonFault.TOO_MANY_CELLS, count=1200, limit=16),
        "That would be 1,200 pictures and a sheet holds 16: shorten a list.",
    ),
    (OneOfTwo(both=True), "An image and an id are two pictures: give one of them."),
    (
        OneOfTwo(both=False),
        "Which picture? Attach an image, or give the id of one; it stands below each picture.",
    ),
    (StraySetting("16:9"), "16:9 has no place among the settings: write “--steps 30”, for instance."),
    (
        SourceNotYours(strength=None, steps=None),
        (
            "This one started from another member's picture, which can only be used as it was: leave mode, mask "
            "and size as they are, or attach an image of your own."
        ),
    ),
    (
        NotThisMode("edges", model="sd-1.5", control="canny-sd15"),
        (
            "The model sd-1.5 needs a ControlNet for the mode edges; whoever runs this bot adds one by "
            "easel models add canny-sd15."
        ),
    ),
    (
        NotThisMode("edges", model="sd-1.5", control="canny-sd15", others=("sdxl",)),
        (
            "The model sd-1.5 needs a ControlNet for the mode edges; whoever runs this bot adds one by "
            "easel models add canny-sd15. These have one: sdxl."
        ),
    ),
    (
        NotThisMode("depth", model="storybook", others=("sd-2-depth",)),
        "The model storybook is not made for the mode depth; made for it: sd-2-depth.",
    ),
    (
        NotThisMode("depth", model="storybook"),
        "The model storybook is not made for the mode depth, and no other one here is.",
    ),
    (
        NotFetched("sdxl"),
        (
            "The model sdxl is not on this machine: choose another one, or ask whoever runs this bot to fetch it "
            "with easel models add sdxl."
        ),
    ),
    (
        NotThisMode("text_to_image", model="lanczos"),
        "The model lanczos does not draw from words alone: attach an image, or choose another model.",
    ),
    (
        NeedsPicture("mask", mode="inpaint", model="storybook"),
        "Inpainting draws what a mask shows white: attach one, or a picture with transparent parts.",
    ),
    (
        NeedsPicture("image", mode="depth", model="storybook"),
        "The mode depth starts from a picture: attach an image as well.",
    ),
    (
        NeedsPicture("image", mode="upscale", model="lanczos"),
        "The model lanczos makes pictures larger: attach an image, or choose another model.",
    ),
    (NoRecipe("cat.png"), "cat.png tells nothing of how it was made: say what to draw in words."),
    (
        NotDescribed(Unseen.NOBODY_LOOKS),
        (
            "Nothing is installed here that puts pictures into words, and this one does not tell what it was "
            "drawn from; whoever runs this bot can add that by easel models add blip."
        ),
    ),
    (
        NotDescribed(Unseen.NO_WORDS),
        "I looked at this picture and found no words for it. It cost nothing.",
    ),
    (
        NotDescribed(Unseen.SET_ASIDE),
        ("Looking at this picture took the drawing process down twice, so it was set aside. It cost nothing."),
    ),
    (
        NotDescribed(Unseen.FAILED),
        ("Looking at this picture failed; whoever runs this bot finds the reason in the log. It cost nothing."),
    ),
    (
        NotDescribed(Unseen.WITHDRAWN),
        (
            "This picture was still waiting when you had everything about you deleted, so it was not looked at. "
            "It cost nothing."
        ),
    ),
    (NotDescribed(Unseen.FAILED, "blip cannot be read: ask."), "blip cannot be read: ask. It cost nothing."),
    (DrawingFailed(None), "Cancelled; it cost nothing."),
    (
        StylesUnreadable("[ink] in styles.toml needs a prompt"),
        "A style cannot be used: [ink] in styles.toml needs a prompt.",
    ),
    (
        NotWritten("out.png", reason="Read-only file system", kept="data/a.png"),
        "The picture could not be written to out.png (Read-only file system): it is kept at data/a.png.",
    ),
    (NothingToBackUp("data"), "There is nothing to back up in data: check EASEL_DATA_DIR."),
    (
        NotReplaced("letter.txt"),
        "letter.txt is there and no backup of Easel, so it stays as it is: name another file.",
    ),
    (
        BackupNotWritten("x/y", "No space left on device"),
        "The backup could not be written to x/y (No space left on device): name a place with room for it.",
    ),
    (
        BadBackup("b", BackupFault.HOSTILE, "../evil\x1b"),
        (
            "b holds what no backup of Easel does (../evil\\x1b), so nothing was changed: somebody may have "
            "tampered with it."
        ),
    ),
    (
        NoRoom("data", needed=3_400_000_000, free=1_250_000),
        "The backup needs 3.4 GB and data has 1.2 MB free: make room there first. Nothing was changed.",
    ),
    (
        NotErased(),
        (
            "You asked for new pictures all the while, so nothing was deleted: try again when nothing of yours "
            "waits."
        ),
    ),
    (Blocked(), "The moderators of this server have blocked you from drawing here."),
    (OtherChannels((1, 2)), "In this server pictures are drawn in <#1> and <#2> only."),
    (RoleNeeded((3,)), "In this server drawing is for <@&3> only."),
    (ModelNotHere("sdxl", ("a", "b")), "The model sdxl does not draw in this server: choose a or b."),
    (
        AboveCeiling(Ceiling.STEPS, 50, limit=30),
        "In this server a picture has at most 30 steps, and this one would have 50.",
    ),
    (
        AboveCeiling(Ceiling.SIDE, "1024x512", limit=768),
        "In this server pictures have at most 768 pixels on a side, and this one would be 1024x512.",
    ),
    (WordKeptOut("fog"), "This server keeps “fog” out of prompts: please say it in another way."),
    (WordKeptOut(None), "This server keeps a word of that prompt out: please say it in another way."),
    (
        BadRule(RuleFault.CANNOT_POST, value="Send Messages, Attach Files"),
        "I may not post pictures there: give me Send Messages, Attach Files in that channel first.",
    ),
]


@pytest.mark.parametrize(("error", "words"), SENTENCES, ids=lambda value: type(value).__name__)
def test_an_error_is_one_sentence_that_says_what_would_be_valid(error: Exception, words: str) -> None:
    assert wording.sentence(error) == words


def leaves(module: object, root: type[Exception]) -> set[type[Exception]]:
    classes = {one for _, one in inspect.getmembers(module, inspect.isclass) if issubclass(one, root)}
    return {one for one in classes if not any(other is not one and issubclass(other, one) for other in classes)}


def test_no_class_of_error_is_without_words() -> None:
    covered = {type(error) for error, _ in SENTENCES}
    assert leaves(generation.errors, GenerationError) | leaves(bot.errors, EaselError) <= covered


@pytest.mark.parametrize("fault", PictureFault)
@pytest.mark.parametrize("name", ["cat.png", ""])
def test_every_fault_of_an_upload_has_words(fault: PictureFault, name: str) -> None:
    words = wording.sentence(BadPicture(fault, name=name, value=Size(width=9, height=9), limit=7))
    assert words.endswith((".", "!"))
    assert name in words


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_says_that_it_cost_nothing(kind: FailureKind) -> None:
    words = wording.failure_sentence(Failure(kind=kind, detail="Traceback: secret/path"))
    assert words.endswith("It cost nothing.")
    assert ("secret" in words) is (kind is FailureKind.UNFIT)  # whose detail is written for everybody


@pytest.mark.parametrize("fault", ComparisonFault)
def test_every_fault_of_a_comparison_has_one_sentence(fault: ComparisonFault) -> None:
    words = wording.sentence(BadComparison(fault, option="steps", value="a {b}", count=3, limit=2))
    assert words.endswith(".")
    assert "{option}" not in words
    assert len(words) < 120


@pytest.mark.parametrize("fault", RuleFault)
def test_every_rule_that_cannot_be_set_has_one_sentence(fault: RuleFault) -> None:
    sentence = wording.sentence(BadRule(fault, value="sdxl", limit=25))
    assert sentence.endswith(".")
    assert "{" not in sentence


@pytest.mark.parametrize(("error", "mention"), [(OtherChannels((1,)), "<#1>"), (RoleNeeded((3,)), "<@&3>")])
def test_channels_and_roles_are_shown_as_such(error: EaselError, mention: str) -> None:
    assert mention in wording.notice(error)


@pytest.mark.parametrize("fault", BackupFault)
def test_every_fault_of_a_backup_has_words(fault: BackupFault) -> None:
    words = wording.sentence(BadBackup("kept.easel", fault, "where"))
    assert words.startswith("kept.easel ")
    assert words.endswith(".")


@pytest.mark.parametrize("correction", Correction)
def test_every_correction_is_told(correction: Correction) -> None:
    assert wording.corrected(correction).endswith(".")


def test_what_is_no_error_of_ours_is_not_dressed_up_as_one() -> None:
    with pytest.raises(TypeError):
        wording.sentence(KeyError("prompt"))


def test_members_are_not_told_of_the_databases_files() -> None:
    assert "/srv" not in wording.notice(DatabaseError("the disk at /srv/easel is full"))


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnusable(Path("easel.db"), Reason.FULL, "database or disk is full"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
    ],
)
def test_a_full_disk_is_told_as_one(error: Exception) -> None:
    assert told(error, 7) == wording.DISK_FULL


def test_what_is_left_comes_back_at_a_time_that_discord_shows() -> None:
    words = wording.notice(AllowanceSpent(cost=30.0, left=0.4, enough_at=1_700_000_000.2))
    assert words == (
        "This would take 30 s of drawing time and you have under a second left: there is enough again "
        "<t:1700000001:R>."
    )


def test_a_value_that_was_typed_is_shown_letter_by_letter() -> None:
    words = wording.notice(UnknownChoice("model", "**@everyone** <@1>", choices=("DDIM",)))
    assert "@everyone" not in words
    assert "**" not in words
    assert "\\<@" in words


# Limits ----------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(max_size=PROMPT_LIMIT) | st.sampled_from(
    ["*" * 1500, "`" * 1500, "@everyone " * 150, "https://a.b/c " * 100, "<@1>" * 375, "🐈" * 1500, "\n" * 1500]
)


def a_queued_job(prompt: str) -> QueuedJob:
    return QueuedJob(
        generation_id="abcdefghjk",
        member_id=7,
        place=1,
        expected=Estimate.sure(1.0),
        running=False,
        private=False,
        prompt=prompt,
        model="storybook",
    )


@settings(max_examples=50)
@given(ANY_TEXT)
def test_no_prompt_makes_a_message_too_long_or_pings_anybody(prompt: str) -> None:
    generation = a_generation(prompt)
    texts = [
        wording.result(generation),
        wording.shown(generation),
        wording.waiting(Waiting(place=3, expected=Estimate.sure(9999.0)), prompt),
        wording.drawing(Drawing(step=1, steps=2, remaining=7.0), prompt),
        wording.failed(a_generation(prompt, state=JobState.CANCELLED)),
        wording.starred(generation, set_now=True),
    ]
    for text in texts:
        assert len(text) <= 1900  # room for what was done to an upload
        assert "@everyone" not in text
        assert "<@1>" not in text.replace("\\<", "")
        assert "://" not in text.replace("\\://", "")
    assert len(wording.alternative_text(generation.recipe)) <= 1024


@settings(max_examples=25)
@given(ANY_TEXT, st.integers(min_value=1, max_value=200))
def test_no_queue_is_too_long(prompt: str, length: int) -> None:
    job = a_queued_job(prompt)
    embed = wording.queue_list([job] * length, 7)
    assert len(embed) <= 6000
    assert isinstance(embed, Embed)
    assert embed.description is not None
    assert len(embed.description) <= 4096


@given(ANY_TEXT)
def test_no_text_ends_its_code_block(text: str) -> None:
    assert wording.code_block(text)[3:-3].count("```") == 0


@given(ANY_TEXT, st.integers(min_value=2, max_value=300))
def test_shortening_keeps_to_its_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert "\n" not in short
    assert len(quote(text, limit)) <= 3 * limit


def test_a_short_text_stays_as_it_is() -> None:
    assert shorten("a red  cat\non the beach", 100) == "a red cat on the beach"
    assert shorten("a red cat on the beach", 15) == "a red cat on…"


def test_escaping_shows_what_was_typed() -> None:
    assert escape("a_b *c* https://x.y") == "a\\_b \\*c\\* https\\://x.y"


# Plain words -----------------------------------------------------------------------------------------------


def test_a_result_says_what_it_is_and_whose() -> None:
    generation = a_generation()
    assert wording.result(generation) == (
        "**a red cat**\n-# storybook · seeds 7 to 8 · 256x256 · 3.1 s · `abcdefghjk` · <@7>"
    )


def test_zero_is_a_value() -> None:
    recipe = a_recipe(strength=0.0, guidance_scale=0.0, seeds=(0,), source="f" * 64)
    generation = a_generation(recipe=recipe)
    assert "strength 0 ·" in wording.result(generation)
    assert "seed 0 ·" in wording.result(generation)
    text = wording.recipe_text(generation)
    for line in ("strength: 0", "guidance: 0", "seed: 0"):
        assert line in text.splitlines()


@given(st.text(max_size=PROMPT_LIMIT), st.lists(st.text(min_size=1, max_size=100), min_size=2, max_size=16))
@settings(max_examples=50, deadline=None)
def test_no_comparison_makes_a_message_too_long_or_pings_anybody(prompt: str, values: list[str]) -> None:
    sides = tuple(Side(option=option, values=tuple(values)) for option in ("scheduler", "seed"))
    comparison = Comparison(prompt=prompt, sides=sides, recipes=(a_recipe(),) * 16)
    failure = Failure(kind=FailureKind.UNFIT, detail=prompt[:100])
    missing = [
        a_generation(prompt, state=JobState.FAILED, failure=failure),
        a_generation(state=JobState.CANCELLED),
    ]
    allowance = AllowanceState(left=5.0, capacity=600.0, per_hour=600.0, full_at=None)
    for text in (
        wording.comparison_asked(comparison, 1000.0, allowance),
        wording.comparison_waiting(comparison, 3, Estimate.sure(1000.0)),
        wording.comparison_result(comparison, {1: a_generation()}, member_id=7, missing=missing),
        wording.comparison_failed(comparison, missing),
        wording.comparison_deleted(comparison),
    ):
        assert len(text) <= wording.CONTENT_LIMIT
        assert "@everyone" not in text


def test_others_are_not_shown_what_one_asked_for() -> None:
    job = a_queued_job("fox")
    assert "fox" in str(wording.queue_list([job], 7).description)
    assert "fox" not in str(wording.queue_list([job], 8).description)


HOURLY = "Every hour brings 10 min back."


@pytest.mark.parametrize(
    ("left", "full_at", "words"),
    [
        (600.0, 1.7e9, "All of your 10 min of drawing time."),
        (
            90.0,
            1.7e9,
            f"90 s of your 10 min of drawing time is left; all of it is back <t:1700000000:R>.\n{HOURLY}",
        ),
        (
            0.0,
            1.7e9,
            f"Nothing of your 10 min of drawing time is left; all of it is back <t:1700000000:R>.\n{HOURLY}",
        ),
        (90.0, None, "90 s of your 10 min of drawing time is left."),
    ],
)
def test_an_allowance_explains_itself(left: float, full_at: float | None, words: str) -> None:
    state = AllowanceState(left=left, capacity=600.0, per_hour=600.0, full_at=full_at)
    status = WorkerStatus(state=WorkerState.IDLE)
    embed = wording.information(status, a_model(), state, Totals(generations=0, pictures=0, seconds=0.0), 0)
    assert words in {field.value for field in embed.fields}


@pytest.mark.parametrize("state", WorkerState)
def test_whatever_the_drawing_process_does_is_told(state: WorkerState) -> None:
    left = AllowanceState(left=1.0, capacity=600.0, per_hour=600.0, full_at=None)
    totals = Totals(generations=0, pictures=0, seconds=0.0)
    assert wording.information(WorkerStatus(state=state), a_model(), left, totals, 0).fields


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "under a second"), (1.0, "1 s"), (11.2, "12 s"), (100, "2 min"), (3601, "61 min"), (7200, "2 h")],
)
def test_spans_of_time_are_as_exact_as_one_cares_for(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "about 5 s"),
        (0.2, "about 5 s"),
        (5.1, "about 10 s"),
        (60.0, "about 60 s"),
        (60.1, "about 1 min 10 s"),
        (111.0, "about 2 min"),
        (289.0, "about 4 min 50 s"),
        (291.0, "about 5 min"),
        (301.0, "about 6 min"),
        (7200.0, "about 2 h"),
    ],
)
def test_a_guess_at_a_time_is_coarse(seconds: float, words: str) -> None:
    assert about(seconds) == words


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Estimate.sure(38.0), "about 40 s"),
        (Estimate(likely=38.0, least=30.0, most=50.0, learned=True), "about 40 s"),
        (Estimate(likely=38.0, least=20.0, most=70.0, learned=True), "20 s to 1 min 10 s"),
        (
            Estimate(likely=38.0, least=12.0, most=120.0, learned=False),
            "15 s to 2 min, a guess until it has run here",
        ),
        (Estimate(likely=0.2, least=0.1, most=0.6, learned=False), "about 5 s"),
    ],
)
def test_an_expected_time_says_how_sure_it_is(expected: Estimate, words: str) -> None:
    assert expected_time(expected) == words


def test_a_picture_that_is_nearly_done_is_said_to_be() -> None:
    assert wording.drawing(Drawing(step=9, steps=10, remaining=0.4), "a cat").endswith("nearly done")


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        (Totals(generations=0, pictures=0, seconds=0.0), "none yet"),
        (Totals(generations=1, pictures=1, seconds=0.2), "1 picture · 1 request · under a second of drawing"),
        (Totals(generations=2, pictures=5, seconds=30.0), "5 pictures · 2 requests · 30 s of drawing"),
    ],
)
def test_totals_are_counted_in_words(totals: Totals, words: str) -> None:
    state = AllowanceState(left=600.0, capacity=600.0, per_hour=600.0, full_at=None)
    embed = wording.information(WorkerStatus(state=WorkerState.IDLE), a_model(), state, totals, 0)
    assert words in {field.value for field in embed.fields}


@pytest.mark.parametrize("file", sorted(Path(wording.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_no_sentence_is_put_together_from_pieces_that_nobody_could_translate(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    within = {id(part) for each in ast.walk(tree) if isinstance(each, ast.JoinedStr) for part in each.values}
    constants = [
        each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and id(each) not in within
    ]
    # 1. None goes on from another: " and others", ", in private"
    pieces = [text for text in constants if isinstance(text, str) and re.match(r"[ ,;]+\w", text)]
    # 2. nor does one that begins with words of its own,
    for each in ast.walk(tree):
        if isinstance(each, ast.JoinedStr) and re.match(r"f['\"][ ,;]+\w", ast.unparse(each)):
            pieces.append(ast.unparse(each))
        # 3. and none is put to another by a sign.
        if isinstance(each, ast.BinOp | ast.AugAssign) and isinstance(each.op, ast.Add):
            added = (each.left, each.right) if isinstance(each, ast.BinOp) else (each.value,)
            strings = [ast.unparse(part) for part in added if isinstance(part, ast.Constant | ast.JoinedStr)]
            pieces += [text for text in strings if re.match(r"f?['\"].*\w\w", text)]
    assert not pieces


@pytest.mark.parametrize(("count", "told"), [(0, "0 cats"), (1, "a cat"), (2, "2 cats"), (1200, "1,200 cats")])
def test_one_is_spoken_of_otherwise_than_more(count: int, told: str) -> None:
    assert Plural(one="a cat", more="{count} cats").of(count) == told


def test_words_that_are_read_from_the_right_turn_nothing_around_them() -> None:
    turning = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
    assert quote(f"a{turning} cat", 80) == "a cat"
    assert quote("חתול אדום", 80) == "חתול אדום"  # a language is nobody's trick
    job = a_queued_job(f"{turning}cat")
    assert not set(turning) & set(wording.queue_list([job], 7).description or "")


def test_every_flag_that_was_understood_is_said() -> None:
    text = (
        "a cat --strength 0 --seed same --no *fog* --size 16:9 --steps 30 --guidance 7 --scheduler DDIM "
        "--model storybook --style ink --count 2 --mode auto"
    )
    flags = read_flags(text)
    assert wording.understood(flags.changes, flags.seed) == (
        (
            r"Understood: strength 0 · without \*fog\* · size 16:9 · steps 30 · guidance 7 · scheduler DDIM · "
            "model storybook · style ink · count 2 · mode auto · seed same"
        ),
    )
    assert wording.understood({"mode": Mode.INPAINT}, None) == ("Understood: mode inpaint",)
    assert wording.understood({}, None) == ()


def test_lists_read_as_people_write_them() -> None:
    assert listing(()) == ""
    assert listing(("a",)) == "a"
    assert listing(("a", "b", "c")) == "a, b and c"
    assert choice(("a", "b", "c")) == "a, b or c"
    assert choice(("a", "b", "c"), 2) == "a, b or another one"
    assert listing(("a", "b", "c"), limit=2) == "a, b and others"


@pytest.mark.parametrize("fault", PromptFault)
def test_every_fault_of_a_prompt_has_a_sentence_of_its_own(fault: PromptFault) -> None:
    said = wording.sentence(BadPrompt("prompt", "<x>", fault=fault))
    assert said.startswith("In the prompt, <x> ")
    others = [
        wording.sentence(BadPrompt("prompt", "<x>", fault=other)) for other in PromptFault if other is not fault
    ]
    assert said not in others


def test_what_does_not_fit_a_model_is_told_as_it_is_and_cannot_format_anything() -> None:
    failure = Failure(kind=FailureKind.UNFIT, detail="The LoRA *ink* is made for another kind of model than sd1.")
    assert wording.failure_sentence(failure) == (
        r"The LoRA \*ink\* is made for another kind of model than sd1. It cost nothing."
    )
    assert wording.sentence(DrawingFailed(failure)) == failure.detail


def drawn_with(*unknown: str) -> Generation:
    environment = Environment(
        device="cpu",
        dtype="float32",
        threads=1,
        batch_size=1,
        model_revision="1",
        versions={},
        unknown_words=unknown,
    )
    return a_generation(recipe=a_recipe(prompt=" ".join(("a red cat", *unknown))).drawn_in(environment))


def test_a_result_names_the_words_that_the_model_does_not_know() -> None:
    generation = drawn_with("dragon", "castle")
    assert wording.result(generation).endswith("\n-# storybook does not know: dragon, castle.")
    assert wording.drawn_in_shell(generation).endswith("\nstorybook does not know: dragon, castle.")
    assert "does not know" not in wording.result(drawn_with()) + wording.drawn_in_shell(drawn_with())


def test_words_that_a_style_has_put_in_are_nothing_for_its_member_to_mend() -> None:
    inked = drawn_with("dragon", "hatching")
    recipe = replace(inked.recipe, prompt="a dragon")
    assert wording.result(replace(inked, recipe=recipe)).endswith("\n-# storybook does not know: dragon.")


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=1500), min_size=7, max_size=300))
def test_unknown_words_take_a_line_however_many_and_long_they_are(words: list[str]) -> None:
    note = wording.result(drawn_with(*words)).splitlines()[-1]
    assert note.startswith("-# storybook does not know: ")
    assert note.endswith(" and others.")
    assert len(note) < 600


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=200))
@settings(max_examples=20)
def test_no_rules_make_a_message_too_long_or_pings_anybody(name: str, words: list[str]) -> None:
    many = range(10**18, 10**18 + 25)
    rules = Rules(
        channels=frozenset(many),
        models=frozenset(f"{name}{number}" for number in many),
        default_model=name,
        words=tuple(words),
        roles={role: Grant(seconds=60.0) for role in many},
        blocked=frozenset(many),
    )
    blocks = [Block(member_id=member, reason=name, at=1.7e9) for member in many]
    usual = Allowance(capacity=600, per_hour=600)
    embed = wording.server_rules(rules, usual=usual, operator=ContentFilter.REFUSE, blocks=blocks)
    assert len(embed) <= 6000
    assert all(len(field.value or "") <= 1024 for field in embed.fields)
    assert not re.search("(?<!\\\\)@(everyone|here)", str(embed.to_dict()))
    for message in (wording.channels_asked(rules), wording.models_asked(rules), wording.showcase_asked(rules)):
        assert len(message) <= wording.CONTENT_LIMIT
    assert len(wording.words_told(rules, wording.EMBED_LIMIT - 100)) <= wording.EMBED_LIMIT
    came = Entry(
        at=1.0, deed=Deed.WORDS, actor_id=1, subject_id=None, detail={"came": words or [name], "went": []}
    )
    block = Entry(at=1.0, deed=Deed.BLOCK, actor_id=1, subject_id=2, detail=200 * "*")
    page = wording.server_log(LogPage(entries=5 * (came, block), older=None, newer=None))
    assert len(page.description or "") <= wording.EMBED_LIMIT


@pytest.mark.parametrize(
    ("deed", "detail", "words"),
    [
        (Deed.CHANNELS, [5, 6], "let pictures be drawn in <#5> and <#6> only"),
        (Deed.CHANNELS, [], "let pictures be drawn in every channel"),
        (Deed.MODELS, ["sdxl"], "let only **sdxl** draw"),
        (Deed.DEFAULT_MODEL, None, "left the first choice to whoever runs this bot"),
        (Deed.STEPS, 30, "set the ceiling of steps to 30"),
        (Deed.SIDE, None, "lifted the ceiling of sizes"),
        (Deed.WORDS, {"came": ["fog"], "went": ["sea"]}, "kept “fog” out of prompts, and let “sea” into"),
        (Deed.CONTENT_FILTER, "refuse", "set flagged pictures to **refuse**"),
        (Deed.SPOILER, True, "made every picture a spoiler"),
        (Deed.SPOILER, False, "let pictures be shown openly"),
        (Deed.SHOWCASE, 5, "set the showcase to <#5>"),
        (
            Deed.ROLES,
            {"role": 7, "grant": [60.0, None]},
            "let <@&7> draw, with 60 s of drawing time at once, as usual",
        ),
        (Deed.ROLES, {"role": 7, "grant": [None, None]}, "let <@&7> draw, with the usual allowance"),
        (Deed.ROLES, {"role": 7, "grant": None}, "took <@&7> off the list of roles"),
        (Deed.BLOCK, "spam", "blocked <@2>: spam"),
        (Deed.BLOCK, None, "blocked <@2>"),
        (Deed.UNBLOCK, None, "unblocked <@2>"),
        (Deed.CANCEL, None, "cancelled a picture of <@2>"),
        (Deed.DELETE, None, "deleted a picture of <@2>"),
        (Deed.NOT_SHOWN, None, "Easel could not post"),
    ],
)
def test_a_log_says_who_did_what(deed: Deed, detail: object, words: str) -> None:
    entry = Entry(at=1.7e9, deed=deed, actor_id=1, subject_id=2, detail=detail)
    line = wording.server_log(LogPage(entries=(entry,), older=None, newer=None)).description
    assert line is not None
    assert words in line
    assert ("<@1>" in line) == (deed is not Deed.NOT_SHOWN)
    assert "<t:1700000000:f>" in line


def test_every_deed_has_words() -> None:
    for deed in Deed:
        detail: object = {"came": [], "went": ["a"]} if deed is Deed.WORDS else {"role": 1, "grant": None}
        detail = detail if deed in {Deed.WORDS, Deed.ROLES} else None
        entry = Entry(at=1.0, deed=deed, actor_id=None, subject_id=None, detail=detail)
        assert wording.server_log(LogPage(entries=(entry,), older=None, newer=None)).description
