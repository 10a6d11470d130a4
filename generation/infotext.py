"""The text with which AUTOMATIC1111's program says how a picture was made, both ways."""

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from generation.controls import mode_named
from generation.found import FoundRecipe, Gathered
from generation.mode import Mode
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
    "Variation seed": ("variation_seed", "variation seed"),
    "Variation seed strength": ("variation", "variation seed strength"),
    "Clip skip": ("clip_skip", "clip skip"),
}
_SILENT = {"Version", "Model hash", "Lora hashes", "TI hashes", "VAE hash", "Hashes", "User", "RNG", "NGMS"}

# What comes closest to samplers that Easel does not have: of the same order, and with noise where they add some.
_CLOSE = {
    "dpm++ 2s a": Scheduler.DPM_SDE,
    "dpm fast": Scheduler.DPM_2M,
    "dpm adaptive": Scheduler.DPM_2M,
    "restart": Scheduler.HEUN,
}
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


# ControlNets as their extension, sd-webui-controlnet, writes them: what prepares the picture there, by mode.
_UNIT = re.compile(r"ControlNet \d+")
_MODULES = {
    Mode.EDGES: "canny",
    Mode.SKETCH: "scribble_xdog",
    Mode.POSE: "openpose",
    Mode.DEPTH: "depth_anything_v2",
}
_SHARE = {
    "Resize Mode": "Crop and Resize",
    "Guidance Start": "0.0",
    "Guidance End": "1.0",
    "Control Mode": "Balanced",
}
_MOST = 2.0  # weight, at strength 0
_HAS_ALL = {"guidance start": 0.0, "guidance end": 1.0}  # of the steps


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
    if recipe.variation_seeds:
        settings["Variation seed"] = str(recipe.variation_seeds[0])
        settings["Variation seed strength"] = f"{recipe.variation:g}"
    if recipe.strength is not None and recipe.control is None:
        settings["Denoising strength"] = f"{recipe.strength:g}"
    if recipe.clip_skip != 1:
        settings["Clip skip"] = str(recipe.clip_skip)
    if (unit := _unit(recipe)) is not None:
        settings["ControlNet 0"] = unit
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
        take_sampler(gathered, sampler, schedule)
    # 3. A strength with an enlargement belongs to that, and not to a source
    enlarged = any(name.startswith("Hires") for name in settings)
    if not enlarged:
        gathered.take("strength", "denoising strength", settings.pop("Denoising strength", None))
    # 4. One ControlNet, where nothing else takes a picture
    units = [name for name in settings if _UNIT.fullmatch(name)]
    if units and "strength" not in gathered.options:
        _take_unit(gathered, units[0], settings)
    # 5. The others, by name
    for name, value in settings.items():
        if name not in _SILENT:
            gathered.leave(name, value)
    return FoundRecipe(program=_PROGRAM, options=gathered.options, not_taken=tuple(gathered.not_taken))


def _unit(recipe: Recipe) -> str | None:
    """The ControlNet of `recipe`, None where there is none or its name cannot be written there."""
    if recipe.control is None or recipe.strength is None or recipe.mode not in _MODULES:
        return None
    if any(sign in recipe.control for sign in ',:"\n'):
        return None
    values = {
        "Module": _MODULES[recipe.mode],
        "Model": recipe.control,
        "Weight": f"{_MOST * (1 - recipe.strength):g}",
    }
    return ", ".join(f"{name}: {value}" for name, value in (values | _SHARE).items())


def _take_unit(gathered: Gathered, unit: str, settings: dict[str, str]) -> None:
    """Take a ControlNet out of `settings` if Easel draws with such a one."""
    pairs = (each.partition(":") for each in settings[unit].split(","))
    values = {name.strip().casefold(): value.strip() for name, _, value in pairs}
    model = re.sub(r" \[[0-9a-f]+\]$", "", values.get("model", ""))
    mode = mode_named(values.get("module", values.get("preprocessor", "")), model)
    weight = _number(values.get("weight"))
    if mode is None or weight is None or not 0.0 <= weight <= _MOST or not _has_its_full_say(values):
        return
    del settings[unit]
    gathered.take("mode", "mode", mode)
    gathered.take("control", "ControlNet", model)
    gathered.take("strength", "weight", round(1 - weight / _MOST, 6))


def _has_its_full_say(values: Mapping[str, str]) -> bool:
    """Whether it takes part in every step, and neither it nor the prompt goes before the other."""
    steps = all(_number(values.get(name, str(all_of_it))) == all_of_it for name, all_of_it in _HAS_ALL.items())
    return steps and values.get("control mode", "balanced").casefold() == "balanced"


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


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


def take_sampler(gathered: Gathered, sampler: str, schedule: str) -> None:
    """Take the noise scheduler that a sampler and a schedule mean together, or the closest one, which is told."""
    known, asked = scheduler_of(sampler, schedule), f"{sampler} {schedule}".strip()
    near = _nearest(sampler, schedule) if known is None else None
    if near is None:
        gathered.take("scheduler", "sampler", known or asked)
    else:
        gathered.options["scheduler"] = near
        gathered.leave("sampler", f"{asked} ({near} instead)")


def _nearest(sampler: str, schedule: str) -> Scheduler | None:
    """The noise scheduler that is closest to a sampler that Easel does not have, None if none is."""
    asked = sampler.strip().casefold()
    known = {str(each).casefold(): each for each in Scheduler} | _CLOSE
    begun = [name for name in known if asked == name or asked.startswith(f"{name} ")]
    if not begun:
        return None
    name = max(begun, key=len)
    found = known[name]
    return scheduler_of(found, schedule or asked.removeprefix(name)) or found


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
