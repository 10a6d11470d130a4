"""Buttons and modals. They carry ids only, so that they work after any restart."""

from bot.views.buttons import BUTTONS, result_view, retry_view, waiting_view
from bot.views.edit import read_edit, read_strength
from bot.views.pages import LIST_BUTTONS, history_message, queue_message, show

ALL_BUTTONS = (*BUTTONS, *LIST_BUTTONS)

__all__ = [
    "ALL_BUTTONS",
    "history_message",
    "queue_message",
    "read_edit",
    "read_strength",
    "result_view",
    "retry_view",
    "show",
    "waiting_view",
]
