"""Every error and every fault has one sentence that says what would be right, and nothing that is not meant to."""

import errno
import inspect
from pathlib import Path

import pytest

import bot.errors
import generation.errors
from bot import wording
from bot.acknowledge import told
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
from bot.source import Correction
from db import DatabaseError, DatabaseUnusable, Reason
from generation import (
    AllowanceSpent,
    BadPicture,
    BadPrompt,
    BadSize,
    EmptyText,
    Failure,
    FailureKind,
    GenerationError,
    HubUnreachable,
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
)
from generation.errors import WorkerBusy

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
