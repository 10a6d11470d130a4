"""The text with which AUTOMATIC1111's program says how a picture was made, both ways."""

import re
from importlib.metadata import PackageNotFoundError, version

from generation.found import FoundRecipe, Gathered
from generation.recipe import Recipe
from generation.schedulers import Scheduler

_PROGRAM = "AUTOMATIC1111"
_NEGATIVE = "Negative prompt:"
_SETTING = re.compile(r'\s*(\w[\w \-/]{0,60}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_FEWEST = 3  # settings that make a line the line of settings, as that program counts

_NAMES = {
    "Steps": ("num_inference_steps", "steps"),
    "CFG scale": ("guidance_scale", "guidance"),
    "Seed": ("seed", "seed"),
    "Size": ("size", "size"),
    "Model": ("model", "model"),
    "Clip skip": ("clip_skip", "clip skip"),
}
_SILENT = {"Version", "Model hash", "Lora hashes", "TI hashes", "VAE hash", "Hashes", "User", "RNG", "NGMS"}

# As versions since 1.9 write it. "Automatic" is the schedule that such a sampler has there by itself.
_SCHEDULES = ("Karras", "Exponential")
_BY_ITSELF = {
    Scheduler.DPM2: "karras",
    Scheduler.DPM2_A: "karras",
    Scheduler.DPM_2M: "karras",
    Scheduler.DPM_SDE: "karras",
    Scheduler.DPM_2M_SDE: "exponential",
    Scheduler.DPM_3M_SDE: "exponential",
}


def write(recipe: Recipe) -> str:
    """`recipe` with its first seed, its style and choices spelled out: other programs know neither."""
    recipe = recipe.spelled_out()[0]
    sampler, schedule = _written(recipe.scheduler)
    settings = {
        "Steps": str(recipe.num_inference_steps),
        "Sampler": sampler,
        "Schedule type": schedule,
        "CFG scale": f"{recipe.guidance_scale:g}",
        "Seed": str(recipe.seeds[0]),
        "Size": str(recipe.size),
        "Model": recipe.model,
    }
    if recipe.strength is not None:
        settings["Denoising strength"] = f"{recipe.strength:g}"
    if recipe.clip_skip != 1:
        settings["Clip skip"] = str(recipe.clip_skip)
    settings["Version"] = f"Easel {_version()}"
    lines = [recipe.prompt]
    if recipe.negative_prompt:
        lines.append(f"{_NEGATIVE} {recipe.negative_prompt}")
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in settings.items()))
    return "\n".join(lines)


def read(text: str) -> FoundRecipe:
    """What such a text says. A text of any other form is a prompt and nothing else."""
    *lines, last = text.strip().split("\n")
    pairs = _SETTING.findall(last)
    if len(pairs) < _FEWEST:
        lines, pairs = [*lines, last], []
    settings = {name: _unquoted(value) for name, value in pairs}
    gathered = Gathered()
    # 1. The prompts, each of which may have several lines
    start = next((number for number, line in enumerate(lines) if line.startswith(_NEGATIVE)), len(lines))
    gathered.take("prompt", "prompt", "\n".join(lines[:start]))
    gathered.take("negative_prompt", "negative prompt", "\n".join(lines[start:]).removeprefix(_NEGATIVE))
    # 2. The settings that Easel has as well
    for name, (field, word) in _NAMES.items():
        gathered.take(field, word, settings.pop(name, None))
    sampler, schedule = settings.pop("Sampler", ""), settings.pop("Schedule type", "")
    if sampler:
        scheduler = scheduler_of(sampler, schedule)
        gathered.take("scheduler", "sampler", scheduler or f"{sampler} {schedule}".strip())
    # 3. A strength with an enlargement belongs to that, and not to a source
    enlarged = any(name.startswith("Hires") for name in settings)
    if not enlarged:
        gathered.take("strength", "denoising strength", settings.pop("Denoising strength", None))
    # 4. The others, by name
    for name, value in settings.items():
        if name not in _SILENT:
            gathered.leave(name, value)
    return FoundRecipe(program=_PROGRAM, options=gathered.options, not_taken=tuple(gathered.not_taken))


def scheduler_of(sampler: str, schedule: str) -> Scheduler | None:
    """The noise scheduler that a sampler and a schedule mean together, None if Easel has none such."""
    names = {str(known).casefold(): known for known in Scheduler}
    plain = names.get(sampler.strip().casefold())
    if plain is None:
        return None
    schedule = schedule.strip().casefold()
    if schedule in {"automatic", "auto"}:
        schedule = _BY_ITSELF.get(plain, "")
    if schedule in {"", "uniform", "normal"}:
        return plain
    return names.get(f"{plain} {schedule}".casefold())


def _written(scheduler: Scheduler) -> tuple[str, str]:
    """The sampler and the schedule that are this noise scheduler there."""
    for schedule in _SCHEDULES:
        if scheduler.endswith(f" {schedule}"):
            return scheduler.removesuffix(f" {schedule}"), schedule
    return str(scheduler), "Uniform" if scheduler in _BY_ITSELF else "Automatic"


def _quoted(value: str) -> str:
    # A comma or a colon would end the value for a program that reads this.
    if any(sign in value for sign in ',:\n"'):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return value


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) < 2 or not (value.startswith('"') and value.endswith('"')):
        return value
    signs = {"n": "\n"}
    return re.sub(r"\\(.)", lambda found: signs.get(found[1], found[1]), value[1:-1], flags=re.DOTALL)


def _version() -> str:
    try:
        return version("easel")
    except PackageNotFoundError:
        return "unknown"
