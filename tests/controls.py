"""Small random ControlNets for the models of `tests.models`, in each layout, and small random detectors."""

import re
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    CLIPImageProcessorPil,
    DPTConfig,
    DPTForDepthEstimation,
    DPTImageProcessorPil,
    GitConfig,
    GitForCausalLM,
    PreTrainedTokenizerFast,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrImageProcessorPil,
    RTDetrResNetConfig,
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
    VitPoseImageProcessorPil,
)

from tests import original_layout

_ORIGINAL_NAMES = (
    (r"^controlnet_cond_embedding\.conv_in", "input_hint_block.0"),
    (r"^controlnet_cond_embedding\.conv_out", "input_hint_block.14"),
    (r"^controlnet_down_blocks\.(\d+)", r"zero_convs.\1.0"),
    (r"^controlnet_mid_block", "middle_block_out.0"),
)


def small_control(unet: Any, *, seed: int = 9) -> ControlNetModel:
    """A ControlNet made from `unet` that has something to say, as trained ones have."""
    torch.manual_seed(seed)
    network = ControlNetModel.from_unet(unet).eval()
    for name, parameter in network.named_parameters():
        if name.startswith(("controlnet_down_blocks", "controlnet_mid_block")):
            torch.nn.init.normal_(parameter, std=0.2)
        elif name.startswith("controlnet_cond_embedding") and name.endswith("weight"):
            torch.nn.init.kaiming_normal_(parameter)  # or little of the hint would come through
    return network


def saved(network: ControlNetModel, path: Path, *, layout: str = "folder") -> Path:
    """`network` written to `path` as a "folder", or as a file in the layout of "diffusers" or "original"."""
    if layout == "folder":
        network.save_pretrained(path)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = network.state_dict()
    if layout == "original":
        tensors = {f"control_model.{name}": tensor for name, tensor in _original(tensors).items()}
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


def _original(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    own = {name: tensor for name, tensor in tensors.items() if not name.startswith("controlnet_")}
    renamed = original_layout.unet(own)
    for name, tensor in tensors.items():
        if name.startswith("controlnet_"):
            renamed[_original_name(name)] = tensor
    return renamed


def _original_name(name: str) -> str:
    for pattern, old in _ORIGINAL_NAMES:
        name = re.sub(pattern, old, name)
    block = r"^controlnet_cond_embedding\.blocks\.(\d+)"
    return re.sub(block, lambda found: f"input_hint_block.{2 * int(found[1]) + 2}", name)


def small_pose_detector(folder: Path) -> Path:
    """A ViTPose without training: it sees every joint somewhere."""
    torch.manual_seed(10)
    backbone = VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    model = VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=17, scale_factor=4)).eval()
    torch.nn.init.constant_(model.head.conv.bias, 0.6)
    model.save_pretrained(folder)
    VitPoseImageProcessorPil(size={"height": 64, "width": 48}).save_pretrained(folder)
    return folder


def small_people_detector(folder: Path, *, finds: bool = True) -> Path:
    """An RT-DETR without training, that `finds` a person wherever it looks, or nowhere."""
    torch.manual_seed(11)
    backbone = RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[8, 16, 16], encoder_ffn_dim=16,
        encoder_attention_heads=2, d_model=16, num_queries=3, decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16, decoder_layers=1, decoder_attention_heads=2, num_denoising=0,
        id2label={0: "person"}, label2id={"person": 0},
    )  # fmt: skip
    model = RTDetrForObjectDetection(config).eval()
    for name, parameter in model.named_parameters():
        if "class_embed" in name and name.endswith("bias"):
            torch.nn.init.constant_(parameter, 9.0 if finds else -9.0)
    model.save_pretrained(folder)
    RTDetrImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def small_depth_detector(folder: Path) -> Path:
    """A DPT without training, that sees something."""
    torch.manual_seed(12)
    config = DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=32,
        patch_size=16, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
        is_hybrid=False,
    )  # fmt: skip
    model = DPTForDepthEstimation(config).eval()
    for parameter in model.head.parameters():
        torch.nn.init.normal_(parameter, mean=0.1, std=0.3)
    model.save_pretrained(folder)
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


CAPTIONERS_WORDS = ("red", "blue", "cat", "dog", "house", "boat", "beach", "snow", "with", "on", "two", "old")


def small_captioner(folder: Path, *, git: bool = False) -> Path:
    """A BLIP, or a GIT, without training: it says random words of its few, the same ones each time."""
    torch.manual_seed(13)
    words = _vocabulary(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    looks = sizes | {"image_size": 32, "patch_size": 8}
    reads = sizes | {"vocab_size": words, "max_position_embeddings": 64, "pad_token_id": 0, "eos_token_id": 3}
    if git:
        _looking(GitForCausalLM(GitConfig(vision_config=looks, bos_token_id=2, **reads))).save_pretrained(folder)
        crop = {"height": 32, "width": 32}
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=crop).save_pretrained(folder)
        return folder
    reads |= {"encoder_hidden_size": 16, "bos_token_id": 4, "sep_token_id": 3}
    config = BlipConfig(vision_config=looks, text_config=reads, projection_dim=16, image_text_hidden_size=16)
    _looking(BlipForConditionalGeneration(config)).save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def _looking(model: Any) -> Any:
    """A captioner whose words depend on the picture, as those of trained ones do."""
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and re.search("vision|image_encoder|visual|crossattention", name):
            torch.nn.init.normal_(parameter, std=0.4)
    return model.eval()


def _vocabulary(folder: Path) -> int:
    """Write a tokenizer of whole words with a captioner's marks; returns how many it knows."""
    marks = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]")
    tokens = {word: number for number, word in enumerate((*marks, *CAPTIONERS_WORDS))}
    tokenizer = Tokenizer(WordLevel(tokens, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        additional_special_tokens=["[DEC]"],
    ).save_pretrained(folder)  # fmt: skip
    return len(tokens)
