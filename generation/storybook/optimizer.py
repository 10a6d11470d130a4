"""The optimiser of both trainings: Muon for matrices and convolutions, AdamW for everything else.

Muon (Keller Jordan, 2024, https://kellerjordan.github.io/posts/muon/) makes each update orthogonal; a step
costs a little more than Adam's and a small network needs about half as many of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SMALLEST = 8


def orthogonal(matrix: Tensor, *, rounds: int = 3) -> Tensor:
    """The nearest matrix with singular values near 1, by the quintic Newton-Schulz iteration.

    The rounds work on the small square of the matrix, so that the long side is met only twice.
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    square = wide @ wide.T
    unit = torch.eye(len(square), device=square.device)
    factor = unit
    for remaining in reversed(range(rounds)):
        step = 3.4445 * unit - 4.7750 * square + 2.0315 * square @ square
        factor = step if factor is unit else step @ factor
        if remaining:
            square = step @ square @ step
    found: Tensor = factor @ wide
    return found if matrix.shape[0] <= matrix.shape[1] else found.T


class Muon:
    """Steps the parameters of a model; those named in `plain` and all that are no matrices go to AdamW."""

    def __init__(self, model: nn.Module, *, plain: tuple[str, ...] = (), weight_decay: float = 0.0) -> None:
        self.weight_decay = weight_decay
        self.matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            is_matrix = parameter.ndim >= 2 and min(parameter.shape[0], parameter[0].numel()) >= SMALLEST
            keep_plain = any(word in name for word in plain)
            (self.matrices if is_matrix and not keep_plain else others).append(parameter)
        self.momenta = [torch.zeros_like(matrix) for matrix in self.matrices]
        self.adam = torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=0.0)

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        self.adam.zero_grad(set_to_none=True)
        for matrix in self.matrices:
            matrix.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update at this learning rate, which is scaled so that it means what it means to Adam."""
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        for matrix, momentum in zip(self.matrices, self.momenta, strict=True):
            if matrix.grad is None:
                continue
            momentum.lerp_(matrix.grad, 0.05)
            update = orthogonal(matrix.grad.lerp(momentum, 0.95).reshape(len(matrix), -1))
            matrix.mul_(1 - rate * self.weight_decay)
            matrix.add_(update.reshape(matrix.shape), alpha=-rate * 0.2 * max(update.shape) ** 0.5)

    def state_dict(self) -> dict[str, object]:
        """Everything needed to go on later."""
        return {"adam": self.adam.state_dict(), "momenta": self.momenta}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave."""
        self.adam.load_state_dict(state["adam"])
        for momentum, kept in zip(self.momenta, state["momenta"], strict=True):
            momentum.copy_(kept)
