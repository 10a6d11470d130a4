"""What finds people, their joints and depths in a picture: read from a transformers folder, asked once, let go."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from transformers import (
    DepthAnythingForDepthEstimation,
    DPTForDepthEstimation,
    DPTImageProcessorPil,
    RTDetrForObjectDetection,
    RTDetrImageProcessorPil,
    RTDetrV2ForObjectDetection,
    VitPoseForPoseEstimation,
    VitPoseImageProcessorPil,
)

from generation.adapters import Adapter
from generation.worker.adapters import Unfit
from generation.worker.skeleton import Joint

log = logging.getLogger(__name__)

_SURE = 0.5  # that it is a person
_SEEN = 0.3  # that it is a joint
_POSE = {"VitPoseForPoseEstimation": (VitPoseForPoseEstimation, VitPoseImageProcessorPil)}
_PEOPLE = {
    "RTDetrForObjectDetection": (RTDetrForObjectDetection, RTDetrImageProcessorPil),
    "RTDetrV2ForObjectDetection": (RTDetrV2ForObjectDetection, RTDetrImageProcessorPil),
}
_DEPTH = {
    "DPTForDepthEstimation": (DPTForDepthEstimation, DPTImageProcessorPil),
    "DepthAnythingForDepthEstimation": (DepthAnythingForDepthEstimation, DPTImageProcessorPil),
}
_Kinds = Mapping[str, tuple[Any, Any]]


class Detectors:
    """The detectors among the adapters of a job; each is in memory while it is asked, and no longer."""

    def __init__(self, adapters: Sequence[Adapter], device: torch.device) -> None:
        self._folders = {_architecture(Path(each.path)): each for each in adapters}
        self._device = device

    @property
    def find_poses(self) -> bool:
        return bool(self._folders.keys() & _POSE)

    @property
    def find_depth(self) -> bool:
        return bool(self._folders.keys() & _DEPTH)

    @torch.inference_mode()
    def poses(self, picture: Image.Image) -> list[list[Joint]]:
        """COCO's seventeen joints of each person; where nothing finds people, all of it is taken to be one."""
        boxes = self._people(picture)
        if not boxes:
            return []
        model, processor = self._load(_POSE)
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
        model, processor = self._load(_DEPTH)
        given = processor(picture, return_tensors="pt")
        found = model(given.pixel_values.to(self._device)).predicted_depth
        size = (picture.height, picture.width)
        near = torch.nn.functional.interpolate(found[None].float(), size=size, mode="bicubic")[0, 0]
        near = (near - near.min()) / (near.max() - near.min()).clamp(min=1e-6)
        return Image.fromarray((near * 255).round().to(torch.uint8).cpu().numpy())

    def _people(self, picture: Image.Image) -> list[list[float]]:
        """Left, top, width and height of each person."""
        if not self._folders.keys() & _PEOPLE:
            return [[0.0, 0.0, float(picture.width), float(picture.height)]]
        model, processor = self._load(_PEOPLE)
        found = model(**processor(picture, return_tensors="pt").to(self._device))
        sizes = [(picture.height, picture.width)]
        [things] = processor.post_process_object_detection(found, threshold=_SURE, target_sizes=sizes)
        corners = [
            box.tolist()
            for box, label in zip(things["boxes"], things["labels"], strict=True)
            if model.config.id2label[int(label)] == "person"
        ]
        return [[left, top, right - left, bottom - top] for left, top, right, bottom in corners]

    def _load(self, kinds: _Kinds) -> tuple[Any, Any]:
        architecture = next(iter(self._folders.keys() & kinds))
        adapter = self._folders[architecture]
        kind, processor = kinds[architecture]
        try:
            model, report = kind.from_pretrained(adapter.path, local_files_only=True, output_loading_info=True)
            prepares = processor.from_pretrained(adapter.path, local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            log.warning("loading %s", adapter.path, exc_info=True)
            raise Unfit(f"{adapter.name} cannot be read: {_ADVICE}.") from error
        if missing := sorted(key for key in report["missing_keys"] if not key.startswith(_NEVER_CALLED)):
            raise Unfit(f"{adapter.name} lacks {missing[0]}: {_ADVICE}.")
        return model.to(self._device).eval(), prepares


_ADVICE = "ask whoever runs this bot to copy or download it again"
_NEVER_CALLED = "neck.fusion_stage.layers.0.residual_layer1."  # published files of DPT come without it


def _architecture(folder: Path) -> str:
    try:
        [name] = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Unfit(f"{folder.name} cannot be read: {_ADVICE}.") from error
    return str(name)
