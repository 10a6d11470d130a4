"""The training: its optimiser, its autoencoder, its checkpoints."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from torch import nn

from generation.storybook import vocabulary
from generation.storybook.autoencoder import (
    NATIVE,
    AutoencoderTraining,
    Pictures,
    build_autoencoder,
    draw_pictures,
    learning_rate,
    normalise,
)
from generation.storybook.captions import known_words
from generation.storybook.denoiser import REPAINT_TIMES, DenoiserTraining, Pool, Repaints, build_scheduler
from generation.storybook.optimizer import Muon, orthogonal
from generation.storybook.palette import COLOUR_NAMES
from generation.storybook.preview import PreviewTraining
from generation.storybook.scenes import SHAPES, Layout, repaint, scene_of, seeded
from generation.storybook.turbo import STEPS, TurboTraining, ddim, wanted
from generation.storybook.vocabulary import build_tokenizer

CPU = torch.device("cpu")
WEIGHTS = Path(vocabulary.__file__).parent / "weights"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return draw_pictures(tmp_path_factory.mktemp("work") / "p.npy", count=16, seed=1, said=lambda _: None)


def test_pictures_are_drawn_once(tmp_path: Path) -> None:
    file = tmp_path / "pictures.npy"
    first = draw_pictures(file, count=3, seed=1, said=lambda _: None)
    changed = file.stat().st_mtime_ns
    again = draw_pictures(file, count=3, seed=1, said=lambda _: None)
    assert file.stat().st_mtime_ns == changed
    assert np.array_equal(first, again)
    assert first.shape == (3, NATIVE, NATIVE, 3)


@pytest.mark.parametrize("shape", [(128, 512), (64, 64), (256, 96)])
def test_orthogonal_brings_singular_values_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape), rounds=6))
    assert values.max() < 1.3
    assert values.median() > 0.6


def test_muon_solves_a_linear_problem() -> None:
    torch.manual_seed(0)
    wanted, model = nn.Linear(16, 16), nn.Linear(16, 16)
    optimizer = Muon(model)
    given = torch.randn(256, 16)
    losses = []
    for step in range(200):
        loss = (model(given) - wanted(given)).square().mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step(0.02 * (1 - step / 200))
    assert losses[-1] < losses[0] / 100


def test_rate_rises_then_falls() -> None:
    rates = [learning_rate(share, highest=1.0) for share in (0.0, 0.005, 0.01, 0.7, 1.0)]
    assert rates[0] < rates[1] < rates[2]
    assert rates[2] > rates[3] > rates[4] > 0


def test_autoencoder_gets_better_within_a_few_steps(pictures: Pictures) -> None:
    training = AutoencoderTraining(pictures=pictures, device=CPU, seed=1)
    losses = [training.step(0.1) for _ in range(6)]
    assert losses[-1] < 0.9 * losses[0]


def test_reference_channels_stay_as_they_are(pictures: Pictures) -> None:
    training = AutoencoderTraining(pictures=pictures, device=CPU, seed=1)
    before = training.model.decoder.conv_in.bias[:2].clone()
    training.step(0.5)
    assert torch.equal(before, training.model.decoder.conv_in.bias[:2])
    assert not training.model.decoder.conv_norm_out.weight[:2].any()


def test_normalising_changes_the_latents_and_not_the_pictures(pictures: Pictures) -> None:
    torch.manual_seed(0)
    model = build_autoencoder()
    given = torch.rand(1, 3, NATIVE, NATIVE) * 2 - 1
    with torch.no_grad():
        before = model.decode(model.encode(given).latent_dist.mode()).sample
        normalise(model, pictures, CPU)
        after = model.decode(model.encode(given).latent_dist.mode()).sample
        latents = model.encode(torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2) / 127.5 - 1).latent_dist.mean
    assert torch.allclose(before, after, atol=1e-3)
    assert latents.mean().abs() < 0.05
    assert abs(float(latents.std()) - 1) < 0.05


def test_settled_autoencoder_keeps_its_latents(pictures: Pictures) -> None:
    training = AutoencoderTraining(pictures=pictures, device=CPU, seed=1)
    training.step(0.1)
    training.settle()
    resumed = AutoencoderTraining(pictures=pictures, device=CPU, seed=1)
    resumed.restore(training.state())
    given = torch.rand(1, 3, NATIVE, NATIVE)
    before = training.average.encode(given).latent_dist.mean
    resumed.step(0.1)
    after = resumed.average.encode(given).latent_dist.mean
    assert torch.allclose(before, after, atol=1e-5)


def denoiser(*, batch: int = 2) -> DenoiserTraining:
    """A training on blank latents of all shapes, `batch` of them a step; those of repaints are all ones."""
    pools = {}
    for shape in SHAPES:
        scenes = [scene_of(seed, shape) for seed in range(40)]
        (first, *_) = [index for index, scene in enumerate(scenes) if scene.layout is Layout.ALONE]
        blank = torch.zeros(len(scenes), 4, shape[1] * 2, shape[0] * 2)
        painted = Repaints(
            of=[first], scenes=[repaint(scenes[first], seeded(1))], latents=torch.ones_like(blank[:1])
        )
        pools[shape] = Pool(scenes=scenes, latents=blank, repaints=painted)
    tokenizer = build_tokenizer(known_words())
    return DenoiserTraining(pools=pools, tokenizer=tokenizer, device=CPU, seed=1, batch=batch)


def test_training_begins_with_the_weights_of_a_model_folder(pictures: Pictures) -> None:
    kept = StableDiffusionPipeline.from_pretrained(WEIGHTS, dtype=torch.float32, safety_checker=None)
    autoencoder, begun = AutoencoderTraining(pictures=pictures, device=CPU, seed=1), denoiser()
    autoencoder.start_from(WEIGHTS)
    begun.start_from(WEIGHTS)
    encoder = kept.vae.encoder.conv_in.weight
    autoencoder.settle()
    autoencoder.step(0.5)
    assert torch.equal(autoencoder.average.encoder.conv_in.weight, encoder)
    assert torch.equal(begun.average["unet"].conv_in.weight, kept.unet.conv_in.weight)
    assert begun.tokenizer.get_vocab() == kept.tokenizer.get_vocab()


def test_some_lessons_are_repaints_and_say_their_new_colour() -> None:
    training = denoiser(batch=20)
    for _ in range(5):
        batch = training.batch_of()
        wanted, given = batch.clean.mean((1, 2, 3)), batch.given.mean((1, 2, 3))
        repaints = wanted == 1
        assert not given[~repaints].any()
        assert (given[repaints] < 1).any()
        first, last = REPAINT_TIMES
        assert ((first <= batch.times[repaints]) & (batch.times[repaints] < last)).all()
        for tokens in batch.tokens[repaints]:
            words = training.tokenizer.decode(tokens, skip_special_tokens=True)
            assert any(name in words for names in COLOUR_NAMES.values() for name in names)


def test_resumed_denoiser_goes_on_as_if_never_stopped() -> None:
    first, second = denoiser(), denoiser()
    first.step(0.2)
    second.restore(first.state())
    assert second.step(0.3) == pytest.approx(first.step(0.3), rel=1e-2)


def test_wanted_prediction_leads_where_it_should() -> None:
    scheduler = build_scheduler()
    noisy, reached = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    for time, after in ((999, 749), (249, -1)):
        made = wanted(scheduler, noisy, reached, time, after)
        assert torch.allclose(ddim(scheduler, noisy, made, time, after), reached, atol=1e-4)


def test_step_of_turbo_is_the_step_of_a_plain_pipeline() -> None:
    scheduler = build_scheduler()
    scheduler.set_timesteps(STEPS)
    noisy, made = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    times = [*scheduler.timesteps.tolist(), -1]
    for time, after in pairwise(times):
        theirs = scheduler.step(made, time, noisy).prev_sample
        assert torch.allclose(ddim(scheduler, noisy, made, time, after), theirs, atol=1e-5)


def test_turbo_learns_its_lessons_and_goes_on() -> None:
    first = TurboTraining(denoiser(), seed=1)
    losses = [first.step(0.3) for _ in range(STEPS + 1)]
    assert np.isfinite(losses).all()
    second = TurboTraining(denoiser(), seed=1)
    second.restore(first.state())
    assert second.steps == first.steps
    assert all(
        torch.equal(one, other)
        for one, other in zip(first.model.parameters(), second.model.parameters(), strict=True)
    )


def test_preview_decoder_gets_better_within_a_few_steps(pictures: Pictures) -> None:
    training = PreviewTraining(autoencoder=build_autoencoder(), pictures=pictures, device=CPU, seed=1)
    losses = [training.step(0.1) for _ in range(12)]
    assert np.mean(losses[-3:]) < 0.9 * losses[0]


def test_noise_leaves_nothing_of_the_picture_at_its_end() -> None:
    assert build_scheduler().alphas_cumprod[-1] < 1e-4
