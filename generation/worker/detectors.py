"""What finds people, their joints and depths in a picture: read from a transformers folder, asked once, let go."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image

from generation.adapters import Adapter
from generation.known import Finds, architecture_in, detector, finds_in
from generation.worker.adapters import Unfit
from generation.worker.reading import FAULTS
from generation.worker.skeleton import Joint

log = logging.getLogger(__name__)

_SURE = 0.5  # that it is a person
_SEEN = 0.3  # that it is a joint
_ADVICE = "ask whoever runs this bot to copy or download it again"
_NEVER_CALLED = "neck.fusion_stage.layers.0.residual_layer1."  # published files of DPT come without it


class Detectors:
    """The detectors among the adapters of a job; each is in memory while it is asked, and no longer.

    Raises Unfit for one that cannot be read.
    """

    def __init__(self, adapters: Sequence[Adapter], device: torch.device) -> None:
        self._here: dict[Finds, Adapter] = {}
        for each in adapters:
            if (finds := finds_in(Path(each.path))) is None:
                raise unreadable(each.name)
            self._here[finds] = each
        self._device = device

    @property
    def find_poses(self) -> bool:
        return Finds.POSE in self._here

    @property
    def find_depth(self) -> bool:
        return Finds.DEPTH in self._here

    @torch.inference_mode()
    def poses(self, picture: Image.Image) -> list[list[Joint]]:
        """COCO's seventeen joints of each person; where nothing finds people, all of it is taken to be one."""
        boxes = self._people(picture)
        if not boxes:
            return []
        model, processor = self._load(Finds.POSE)
        given = processor(picture, boxes=[boxes], return_tensors="pt")
        found = model(given.pixel_values.to(self._device))
        [people] = processor.post_process_pose_estimation(found, boxes=[boxes])
        return [
            [
                (float(x), float(y)) if score >= _SEEN else None
                for (x, y), score in zip(person["keypoints"], person["scores"], strict=True)
            ]
            for person in people
        ]

    @torch.inference_mode()
    def depth(self, picture: Image.Image) -> Image.Image:
        """How near everything is, from black to white."""
        model, processor = self._load(Finds.DEPTH)
        given = processor(picture, return_tensors="pt")
        found = model(given.pixel_values.to(self._device)).predicted_depth
        size = (picture.height, picture.width)
        near = torch.nn.functional.interpolate(found[None].float(), size=size, mode="bicubic")[0, 0]
        near = (near - near.min()) / (near.max() - near.min()).clamp(min=1e-6)
        return Image.fromarray((near * 255).round().to(torch.uint8).cpu().numpy())

    def _people(self, picture: Image.Image) -> list[list[float]]:
        """Left, top, width and height of each person."""
        if Finds.PEOPLE not in self._here:
            return [[0.0, 0.0, float(picture.width), float(picture.height)]]
        model, processor = self._load(Finds.PEOPLE)
        found = model(**processor(picture, return_tensors="pt").to(self._device))
        sizes = [(picture.height, picture.width)]
        [things] = processor.post_process_object_detection(found, threshold=_SURE, target_sizes=sizes)
        corners = [
            box.tolist()
            for box, label in zip(things["boxes"], things["labels"], strict=True)
            if model.config.id2label[int(label)] == "person"
        ]
        return [[left, top, right - left, bottom - top] for left, top, right, bottom in corners]

    def _load(self, finds: Finds) -> tuple[Any, Any]:
        adapter = self._here[finds]
        return load(adapter.name, Path(adapter.path), self._device)


def load(name: str, folder: Path, device: torch.device) -> tuple[Any, Any]:
    """The detector in `folder` on the device, and what prepares pictures for it. Raises Unfit."""
    architecture = architecture_in(folder)
    entry = None if architecture is None else detector(architecture)
    if architecture is None or entry is None:
        raise unreadable(name)
    kind, processor = (getattr(transformers, each) for each in (architecture, entry.architectures[architecture]))
    try:
        model, report = kind.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, dtype=torch.float32
        )
        prepares = processor.from_pretrained(folder, local_files_only=True)
    except (*FAULTS, RuntimeError) as error:
        log.warning("loading %s", folder, exc_info=True)
        raise unreadable(name) from error
    if missing := sorted(key for key in report["missing_keys"] if not key.startswith(_NEVER_CALLED)):
        raise Unfit(f"{name} lacks {missing[0]}: {_ADVICE}.")
    return model.to(device).eval(), prepares


def unreadable(name: str) -> Unfit:
    """What to raise for files of the detector `name` that are not as they should be."""
    return Unfit(f"{name} cannot be read: {_ADVICE}.")
