"""A local stand-in for Discord: REST and gateway of version 10, its members, and a web page."""

from .clock import Clock
from .errors import NotAnswered, NotPossible, PlaygroundError
from .faults import Delayed, Dropped, Failure, Fault, Moment, RateLimited
from .files import Upload
from .interaction import Interaction, Stage
from .limits import LIKE_DISCORD, Limit
from .messages import Message
from .person import Person
from .server import Playground

__all__ = [
    "LIKE_DISCORD",
    "Clock",
    "Delayed",
    "Dropped",
    "Failure",
    "Fault",
    "Interaction",
    "Limit",
    "Message",
    "Moment",
    "NotAnswered",
    "NotPossible",
    "Person",
    "Playground",
    "PlaygroundError",
    "RateLimited",
    "Stage",
    "Upload",
]
