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
from db import DatabaseError, DatabaseUnusable, Reason
from generation import GenerationError
from tests.unit.bot.test_wording_requests import REQUESTS

SENTENCES = [
    *REQUESTS,
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
