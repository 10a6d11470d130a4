"""A request that cannot be drawn, or was not, is told in words that say why and show what was typed as it is."""

import pytest

from bot import wording
from bot.errors import DrawingFailed
from bot.source import Correction
from generation import (
    AllowanceSpent,
    BadPicture,
    BadPrompt,
    BadSize,
    EmptyText,
    Failure,
    FailureKind,
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

# The errors of `generation` with their sentences; test_wording_errors has every error's, and holds them to it.
REQUESTS = [
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
    (
        StylesUnreadable("[ink] in styles.toml needs a prompt"),
        "A style cannot be used: [ink] in styles.toml needs a prompt.",
    ),
]


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


@pytest.mark.parametrize("correction", Correction)
def test_every_correction_is_told(correction: Correction) -> None:
    assert wording.corrected(correction).endswith(".")


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
