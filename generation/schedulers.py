"""Noise schedulers by the names that people know."""

from enum import StrEnum


class Scheduler(StrEnum):
    """A noise scheduler; the worker knows the diffusers class and settings behind each name."""

    DDIM = "DDIM"
    PLMS = "PLMS"
    EULER = "Euler"
    EULER_A = "Euler a"
    HEUN = "Heun"
    DPM_2M = "DPM++ 2M"
    DPM_2M_KARRAS = "DPM++ 2M Karras"
    UNIPC = "UniPC"
    LCM = "LCM"
