"""Noise schedulers by the names that people know."""

from enum import StrEnum


class Scheduler(StrEnum):
    """A noise scheduler; the worker knows the diffusers class and settings behind each name.

    The names are those of AUTOMATIC1111's program. Discord shows at most 25 of them.
    """

    DDIM = "DDIM"
    PLMS = "PLMS"
    EULER = "Euler"
    EULER_KARRAS = "Euler Karras"
    EULER_A = "Euler a"
    HEUN = "Heun"
    DPM2 = "DPM2"
    DPM2_KARRAS = "DPM2 Karras"
    DPM2_A = "DPM2 a"
    DPM2_A_KARRAS = "DPM2 a Karras"
    LMS = "LMS"
    DPM_2M = "DPM++ 2M"
    DPM_2M_KARRAS = "DPM++ 2M Karras"
    DPM_SDE = "DPM++ SDE"
    DPM_SDE_KARRAS = "DPM++ SDE Karras"
    DPM_2M_SDE = "DPM++ 2M SDE"
    DPM_2M_SDE_KARRAS = "DPM++ 2M SDE Karras"
    DPM_2M_SDE_EXPONENTIAL = "DPM++ 2M SDE Exponential"
    DPM_3M_SDE = "DPM++ 3M SDE"
    DPM_3M_SDE_EXPONENTIAL = "DPM++ 3M SDE Exponential"
    DEIS = "DEIS"
    UNIPC = "UniPC"
    DDPM = "DDPM"
    LCM = "LCM"
    TCD = "TCD"


# Those for models of rectified flow, where noise is mixed in on a straight line. None of them adds noise on its
# way: the pipelines of these models have none for it.
FLOW_SCHEDULERS = (Scheduler.EULER, Scheduler.HEUN, Scheduler.DPM_2M, Scheduler.UNIPC)
