"""Buttons and modals. They carry ids only, so that they work after any restart."""

from bot.views.browsing import BROWSING_BUTTONS, history_message
from bot.views.buttons import BUTTONS, View, result_view, retry_view, waiting_view
from bot.views.comparing import SHEET_BUTTONS, sheet_asking_view, sheet_view, sheet_waiting_view
from bot.views.describing import WordsButton, describe, words_view
from bot.views.edit import Edited, read_edit, read_settings, read_strength
from bot.views.mydata import MyDataButton, erasing_view
from bot.views.offer import OfferButton, Offered, offer_source, read_offer, show_recipe
from bot.views.pages import LIST_BUTTONS, queue_message, show
from bot.views.screens import ScreenButton, help_screen, model_screen, style_screen
from bot.views.server import (
    SERVER_ITEMS,
    channels_message,
    log_message,
    models_message,
    showcase_message,
)
from bot.views.settings import SettingsButton, read_number, read_settings_modal, settings_message

ALL_BUTTONS = (
    *BUTTONS,
    *LIST_BUTTONS,
    *BROWSING_BUTTONS,
    *SHEET_BUTTONS,
    *SERVER_ITEMS,
    OfferButton,
    ScreenButton,
    SettingsButton,
    MyDataButton,
    WordsButton,
)

__all__ = [
    "ALL_BUTTONS",
    "Edited",
    "Offered",
    "View",
    "channels_message",
    "describe",
    "erasing_view",
    "help_screen",
    "history_message",
    "log_message",
    "model_screen",
    "models_message",
    "offer_source",
    "queue_message",
    "read_edit",
    "read_number",
    "read_offer",
    "read_settings",
    "read_settings_modal",
    "read_strength",
    "result_view",
    "retry_view",
    "settings_message",
    "sheet_asking_view",
    "sheet_view",
    "sheet_waiting_view",
    "show",
    "show_recipe",
    "showcase_message",
    "style_screen",
    "waiting_view",
    "words_view",
]
