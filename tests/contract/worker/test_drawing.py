"""What a real worker process draws with small random models."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from generation import Finished, Model, Scheduler, metadata
from tests.contract.worker.conftest import COMMIT
from tests.contract.worker.process import WorkerProcess

Models = dict[str, Model]
FOLDERS = ("sd1", "sd2", "sdxl")
FILES = {"sd1-file": "sd1", "sd2-file": "sd2", "sdxl-file": "sdxl", "sd1-checkpoint": "sd1"}


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """A source image, twice as wide as it is high."""
    image = Image.new("RGB", (128, 64), "navy")
    ImageDraw.Draw(image).ellipse((40, 8, 88, 56), fill="gold")
    image.save(tmp_path / "gold.png")
    return tmp_path / "gold.png"


@pytest.mark.parametrize("kind", [*FOLDERS, *FILES])
def test_every_kind_of_model_draws_from_a_text_and_from_a_source(
    worker: WorkerProcess, models: Models, gold: Path, kind: str
) -> None:
    from_text = worker.draw(worker.order(models[kind], job="text"))
    from_source = worker.draw(worker.order(models[kind], job="source", source_file=gold))

    assert isinstance(from_text, Finished)
    assert isinstance(from_source, Finished)
    assert len(set(worker.pixels("text.png"))) > 20
    assert worker.pixels("text.png") != worker.pixels("source.png")


@pytest.mark.parametrize(("file", "folder"), FILES.items())
def test_a_single_file_draws_what_its_folder_draws(
    worker: WorkerProcess, models: Models, file: str, folder: str
) -> None:
    for kind in (file, folder):
        worker.draw(worker.order(models[kind], job=kind, scheduler=Scheduler.DDIM))

    assert worker.pixels(f"{file}.png") == worker.pixels(f"{folder}.png")


def test_a_hub_model_is_drawn_with_from_what_is_on_this_machine(worker: WorkerProcess, models: Models) -> None:
    worker.draw(worker.order(models["sd1"], job="folder"))
    finished = worker.draw(worker.order(replace(models["sd1"], source="nobody/small-model"), job="hub"))

    assert isinstance(finished, Finished)
    assert finished.recipe.environment is not None
    assert finished.recipe.environment.model_revision == COMMIT
    assert worker.pixels("hub.png") == worker.pixels("folder.png")


def test_a_single_file_takes_its_tokenizer_from_the_hub_models_on_this_machine(
    worker: WorkerProcess, models: Models, tmp_path: Path
) -> None:
    lonely = shutil.copy(models["sd1-file"].source, tmp_path / "lonely.safetensors")
    worker.draw(worker.order(models["sd1"], job="folder"))
    worker.draw(worker.order(replace(models["sd1-file"], source=str(lonely)), job="lonely"))

    assert worker.pixels("lonely.png") == worker.pixels("folder.png")


def test_the_same_recipe_gives_the_same_pixels_and_another_seed_others(
    worker: WorkerProcess, models: Models, gold: Path
) -> None:
    for source in (None, gold):
        worker.draw(worker.order(models["sd1"], job="first", source_file=source, seeds=(0,)))
        worker.draw(worker.order(models["sd2"], job="between", source_file=source))
        worker.draw(worker.order(models["sd1"], job="again", source_file=source, seeds=(0,)))
        worker.draw(worker.order(models["sd1"], job="other", source_file=source, seeds=(1,)))

        assert worker.pixels("again.png") == worker.pixels("first.png")
        assert worker.pixels("other.png") != worker.pixels("first.png")


def test_each_picture_of_a_job_is_the_one_that_its_seed_gives_alone(worker: WorkerProcess, models: Models) -> None:
    finished = worker.draw(
        worker.order(models["sd1"], job="four", seeds=(4, 5, 6, 7), scheduler=Scheduler.EULER_A)
    )
    worker.draw(worker.order(models["sd1"], job="alone", seeds=(6,), scheduler=Scheduler.EULER_A))

    assert isinstance(finished, Finished)
    assert [picture.path for picture in finished.pictures] == [
        "four.png",
        "four-2.png",
        "four-3.png",
        "four-4.png",
    ]
    assert [picture.seed for picture in finished.pictures] == [4, 5, 6, 7]
    assert worker.pixels("four-3.png") == worker.pixels("alone.png")


@pytest.mark.parametrize("scheduler", Scheduler)
def test_every_scheduler_draws_and_tells_the_steps_that_it_takes(
    worker: WorkerProcess, models: Models, gold: Path, scheduler: Scheduler
) -> None:
    taken = []
    for source in (None, gold):
        order = worker.order(
            models["sd2"], source_file=source, scheduler=scheduler, num_inference_steps=4, seeds=(1, 2)
        )
        assert isinstance(worker.draw(order), Finished)
        steps = worker.progress[0].steps
        assert [progress.step for progress in worker.progress] == list(range(1, steps + 1))
        assert {progress.steps for progress in worker.progress} == {steps}
        taken.append(steps)

    # Of two pictures; strength 0.7 of 4 steps leaves 2 to run. PLMS begins with one more, Heun and
    # DPM2 take most twice.
    twice = scheduler is Scheduler.HEUN or scheduler.startswith("DPM2")
    assert taken == ([10, 6] if scheduler is Scheduler.PLMS else [14, 6] if twice else [8, 4])


@pytest.mark.parametrize("scheduler", Scheduler)
def test_one_step_is_enough_for_every_scheduler(
    worker: WorkerProcess, models: Models, scheduler: Scheduler
) -> None:
    order = worker.order(models["sd1"], scheduler=scheduler, num_inference_steps=1)

    assert isinstance(worker.draw(order), Finished)


def test_lcm_takes_more_steps_than_it_was_made_for(worker: WorkerProcess, models: Models) -> None:
    order = worker.order(models["sd1"], scheduler=Scheduler.LCM, num_inference_steps=60)

    assert isinstance(worker.draw(order), Finished)
    assert worker.progress[-1].steps == 60


@pytest.mark.parametrize("kind", ["sd1", "sdxl"])
def test_guidance_of_zero_and_one_are_honoured(worker: WorkerProcess, models: Models, kind: str) -> None:
    negatives = {"negative_prompt": "green"}
    for guidance in (0.0, 1.0, 5.0):
        worker.draw(worker.order(models[kind], job=f"bare{guidance}", guidance_scale=guidance))
        worker.draw(worker.order(models[kind], job=f"negative{guidance}", guidance_scale=guidance, **negatives))

    # Without guidance there is nothing that a negative prompt could do; with it there is.
    assert worker.pixels("bare0.0.png") == worker.pixels("negative0.0.png") == worker.pixels("bare1.0.png")
    assert worker.pixels("bare5.0.png") != worker.pixels("bare1.0.png")
    assert worker.pixels("bare5.0.png") != worker.pixels("negative5.0.png")


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_a_strength_that_leaves_no_step_gives_the_source_back(
    worker: WorkerProcess, models: Models, gold: Path, strength: float
) -> None:
    finished = worker.draw(worker.order(models["sd1"], job="kept", source_file=gold, strength=strength))

    assert isinstance(finished, Finished)
    assert worker.progress == []
    # The middle of the source, since the picture is square.
    with Image.open(gold) as image:
        assert worker.pixels("kept.png") == image.crop((32, 0, 96, 64)).tobytes()


def test_full_strength_takes_every_step(worker: WorkerProcess, models: Models, gold: Path) -> None:
    finished = worker.draw(worker.order(models["sd1"], source_file=gold, strength=1.0))

    assert isinstance(finished, Finished)
    assert worker.progress[-1].step == worker.progress[-1].steps == finished.recipe.num_inference_steps


def test_less_strength_keeps_more_of_the_source(worker: WorkerProcess, models: Models, gold: Path) -> None:
    def distance(strength: float) -> int:
        worker.draw(
            worker.order(
                models["sd1"],
                job="drawn",
                source_file=gold,
                strength=strength,
                num_inference_steps=10,
                guidance_scale=1.0,
            )
        )
        worker.draw(worker.order(models["sd1"], job="kept", source_file=gold, strength=0.0))
        pairs = zip(worker.pixels("drawn.png"), worker.pixels("kept.png"), strict=True)
        return sum(abs(a - b) for a, b in pairs)

    assert distance(0.0) == 0 < distance(0.2) != distance(0.9)


def test_weights_count_and_long_prompts_are_read_to_the_end(worker: WorkerProcess, models: Models) -> None:
    long = "a red cat on the beach " * 8  # one token a letter: three times what the text encoder reads at once
    prompts = {
        "plain": "a red cat",
        "heavier": "a (red:1.5) cat",
        "neutral": "a (red:1.0) cat",
        "long": long,
        "longer": f"{long} at night",
    }
    for kind in ("sd1", "sdxl"):
        for job, prompt in prompts.items():
            order = worker.order(models[kind], job=job, prompt=prompt, negative_prompt="fog")
            assert isinstance(worker.draw(order), Finished)

        assert worker.pixels("neutral.png") == worker.pixels("plain.png")
        assert worker.pixels("heavier.png") != worker.pixels("plain.png")
        assert worker.pixels("longer.png") != worker.pixels("long.png")


def test_a_size_other_than_native_is_drawn(worker: WorkerProcess, models: Models, gold: Path) -> None:
    for source in (None, gold):
        finished = worker.draw(worker.order(models["sdxl"], job="wide", source_file=source, width=104, height=40))
        assert isinstance(finished, Finished)
        assert (finished.pictures[0].width, finished.pictures[0].height) == (104, 40)
        with Image.open(worker.folder / "wide.png") as image:
            assert image.size == (104, 40)


def test_a_picture_tells_its_recipe_and_where_it_was_drawn(worker: WorkerProcess, models: Models) -> None:
    order = worker.order(models["sd1"], job="told", seeds=(3, 4), negative_prompt="fog")
    finished = worker.draw(order)

    assert isinstance(finished, Finished)
    environment = finished.recipe.environment
    assert environment is not None
    assert (environment.device, environment.dtype, environment.threads, environment.batch_size) == (
        "cpu",
        worker.ready.dtype,
        1,
        1,
    )
    assert environment.versions.keys() == {"torch", "diffusers", "transformers"}
    inside = metadata.read(worker.folder / "told-2.png")
    assert inside is not None
    assert inside.seeds == (4,)
    assert inside.environment == environment
    for picture in finished.pictures:
        assert picture.sha256 == hashlib.sha256((worker.folder / picture.path).read_bytes()).hexdigest()
    assert sorted(path.name for path in worker.folder.iterdir()) == ["told-2.png", "told.png"]


def test_the_revision_tells_models_apart(worker: WorkerProcess, models: Models) -> None:
    revisions = set()
    for kind in ("sd1", "sd2", "sd1-file"):
        finished = worker.draw(worker.order(models[kind]))
        assert isinstance(finished, Finished)
        assert finished.recipe.environment is not None
        revisions.add(finished.recipe.environment.model_revision)

    assert len(revisions) == 3
