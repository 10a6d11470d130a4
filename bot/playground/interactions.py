"""Interactions: from a person's click to the bot's answers, with Discord's deadlines."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from .changes import Change, ChangeKind
from .clock import Alarm
from .drafts import Draft, read_draft, require_something
from .errors import (
    already_acknowledged,
    invalid_form,
    invalid_webhook_token,
    too_many_followups,
    unknown_interaction,
    unknown_message,
    unknown_webhook,
)
from .files import Upload
from .guilds import IN_DIRECT_MESSAGES, WITHOUT_MEMBERSHIP, Channel, Permission
from .interaction import Answer, Interaction, InteractionKind, Stage
from .messages import Flag, Message, MessageKind
from .modals import checked_modal
from .rendering import Rendering
from .world import World

Json = dict[str, Any]

ACKNOWLEDGE_WITHIN_S = 3.0
TOKEN_LIFE_S = 15 * 60.0
FOLLOWUPS_WITHOUT_MEMBERSHIP = 5
MOST_CHOICES = 25
KEPT_INTERACTIONS = 5000


_POSSIBLE = {
    InteractionKind.COMMAND: {Answer.MESSAGE, Answer.DEFER, Answer.MODAL},
    InteractionKind.COMPONENT: {Answer.MESSAGE, Answer.DEFER, Answer.DEFER_UPDATE, Answer.UPDATE, Answer.MODAL},
    InteractionKind.AUTOCOMPLETE: {Answer.CHOICES},
    InteractionKind.MODAL: {Answer.MESSAGE, Answer.DEFER, Answer.DEFER_UPDATE, Answer.UPDATE},
}


class Interactions:
    """All interactions by id and by token; the bot's answers to them are checked and carried out here."""

    def __init__(self, world: World, rendering: Rendering, deliver: Callable[[Json, int | None], None]) -> None:
        self._world = world
        self._rendering = rendering
        self._deliver = deliver
        self._by_id: OrderedDict[int, Interaction] = OrderedDict()
        self._by_token: dict[str, Interaction] = {}
        self._deadlines: dict[int, Alarm] = {}

    def get(self, interaction_id: int) -> Interaction | None:
        return self._by_id.get(interaction_id)

    # The person's side

    def open(
        self,
        kind: InteractionKind,
        user_id: int,
        channel: Channel,
        data: Json,
        *,
        owners: Json,
        target: Message | None = None,
        parent: Interaction | None = None,
    ) -> Interaction:
        """Start an interaction: tell the bot, and give it three seconds."""
        world = self._world
        interaction = Interaction(
            id=world.ids.new(),
            token=secrets.token_urlsafe(96),
            kind=kind,
            user_id=user_id,
            channel=channel,
            created_at=world.clock.now(),
            data=data,
            owners=owners,
            target=target,
            parent=parent,
        )
        self._by_id[interaction.id] = interaction
        self._by_token[interaction.token] = interaction
        if len(self._by_id) > KEPT_INTERACTIONS:
            _, oldest = self._by_id.popitem(last=False)
            del self._by_token[oldest.token]
        deadline = interaction.created_at + ACKNOWLEDGE_WITHIN_S
        self._deadlines[interaction.id] = world.clock.alarm(deadline, lambda: self._fail(interaction))
        self._tell(interaction)
        self._deliver(self._payload(interaction), channel.guild_id)
        return interaction

    def _fail(self, interaction: Interaction) -> None:
        self._deadlines.pop(interaction.id, None)
        if interaction.stage is Stage.WAITING:
            interaction.stage = Stage.FAILED
            self._tell(interaction)

    def _tell(self, interaction: Interaction) -> None:
        self._world.changes.tell(
            Change(
                kind=ChangeKind.INTERACTION,
                interaction_id=interaction.id,
                channel_id=interaction.channel.id,
                user_id=interaction.user_id,
            )
        )

    def _payload(self, interaction: Interaction) -> Json:
        world, channel = self._world, interaction.channel
        guild = world.guild_of(channel)
        user = world.users[interaction.user_id]
        if guild is None:
            app_permissions = IN_DIRECT_MESSAGES
        elif world.bot_id in guild.members:
            app_permissions = guild.permissions_of(world.bot_id, channel)
        else:
            app_permissions = WITHOUT_MEMBERSHIP
        body: Json = {
            "id": str(interaction.id),
            "application_id": str(world.application.id),
            "type": int(interaction.kind),
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(channel.id),
            "channel": self._rendering.channel(channel, asked_by=user.id),
            "app_permissions": str(int(app_permissions)),
            "locale": "en-US",
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": interaction.owners,
            "context": 0 if guild is not None else 1,
            "attachment_size_limit": world.file_limit(channel),
            **self._rendering.invoker(user, channel),
        }
        if guild is not None:
            body["guild_id"] = str(guild.id)
            body["guild"] = {"id": str(guild.id), "locale": "en-US", "features": []}
            body["guild_locale"] = "en-US"
        if (
            interaction.kind in {InteractionKind.COMPONENT, InteractionKind.MODAL}
            and interaction.target is not None
        ):
            body["message"] = self._rendering.message(interaction.target)
        return body

    # The bot's side: the first answer

    def respond(self, interaction_id: int, token: str, body: Json, files: Mapping[int, Upload]) -> Json:
        """Carry out the callback; returns the body that `with_response` asks for."""
        interaction = self._by_id.get(interaction_id)
        if (
            interaction is None
            or not secrets.compare_digest(interaction.token, token)
            or self._expired(interaction)
        ):
            raise unknown_interaction()
        if interaction.stage is Stage.FAILED:
            raise unknown_interaction()
        if interaction.stage is Stage.ANSWERED:
            raise already_acknowledged()
        answer = self._possible_answer(interaction, body)
        data = body.get("data") or {}
        message = self._carry_out(interaction, answer, data, files)
        interaction.stage = Stage.ANSWERED
        interaction.answer = answer
        interaction.acknowledged_after_s = self._world.clock.now() - interaction.created_at
        self._deadlines.pop(interaction.id).cancel()
        self._tell(interaction)
        return self._receipt(interaction, answer, message)

    def _possible_answer(self, interaction: Interaction, body: Json) -> Answer:
        given = body.get("type")
        possible = set(_POSSIBLE[interaction.kind])
        if interaction.kind is InteractionKind.MODAL and interaction.target is None:
            possible -= {Answer.UPDATE, Answer.DEFER_UPDATE}
        if given not in possible:
            message = f"An interaction of type {interaction.kind.value} cannot be answered with type {given}"
            raise invalid_form("type", "INTERACTION_CALLBACK_TYPE_INVALID", message)
        return Answer(given)

    def _carry_out(
        self, interaction: Interaction, answer: Answer, data: Json, files: Mapping[int, Upload]
    ) -> Message | None:
        if answer is Answer.CHOICES:
            interaction.choices = _checked_choices(data)
            return None
        if answer is Answer.MODAL:
            interaction.modal = checked_modal(data)
            return None
        if answer is Answer.DEFER:
            # Of the flags only EPHEMERAL may be set on a defer.
            flags = Flag.LOADING | (Flag(int(data.get("flags") or 0)) & Flag.EPHEMERAL)
            draft = read_draft({}, {}, file_limit=0)
            message = self._post(interaction, draft, flags=flags)
        elif answer is Answer.MESSAGE:
            draft = self._draft(interaction, data, files)
            require_something(draft)
            message = self._post(interaction, draft, flags=draft.flags)
        else:
            assert interaction.target is not None  # noqa: S101  # without one the type was refused above
            message = self._world.message(interaction.channel.id, interaction.target.id)
            if answer is Answer.UPDATE:
                message = self._world.edit(message, self._draft(interaction, data, files, message))
        interaction.original_id = message.id
        interaction.message_ids.add(message.id)
        return message

    def _draft(
        self, interaction: Interaction, data: Json, files: Mapping[int, Upload], editing: Message | None = None
    ) -> Draft:
        limit = self._world.file_limit(interaction.channel)
        return read_draft(data, files, file_limit=limit, ephemeral_allowed=True, editing=editing)

    def _post(self, interaction: Interaction, draft: Draft, *, flags: Flag) -> Message:
        held = self._world.permissions(interaction.user_id, interaction.channel)
        if "0" not in interaction.owners and Permission.USE_EXTERNAL_APPS not in held:
            # Where members may not use applications of their own in public, these answer to their user alone.
            flags |= Flag.EPHEMERAL
        return self._world.post(
            interaction.channel,
            self._world.bot_id,
            draft,
            kind=interaction.message_kind if interaction.original_id is None else MessageKind.ORDINARY,
            flags=flags,
            only_for=interaction.user_id if Flag.EPHEMERAL in flags else None,
            application_id=self._world.application.id,
            interaction=self._metadata(interaction),
        )

    def _metadata(self, interaction: Interaction) -> Json:
        body: Json = {
            "id": str(interaction.id),
            "type": int(interaction.kind),
            "user": self._world.users[interaction.user_id].payload(),
            "authorizing_integration_owners": interaction.owners,
        }
        if interaction.original_id is not None:
            body["original_response_message_id"] = str(interaction.original_id)
        if interaction.kind is InteractionKind.COMMAND:
            body["name"] = _path(interaction.data)
            body["command_type"] = interaction.data["type"]
            if interaction.data["type"] == 3:
                body["target_message_id"] = interaction.data["target_id"]
        elif interaction.kind is InteractionKind.COMPONENT and interaction.target is not None:
            body["interacted_message_id"] = str(interaction.target.id)
        elif interaction.parent is not None:
            body["triggering_interaction_metadata"] = self._metadata(interaction.parent)
        return body

    def _receipt(self, interaction: Interaction, answer: Answer, message: Message | None) -> Json:
        told: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
        body: Json = {"interaction": told}
        if message is not None:
            told["response_message_id"] = str(message.id)
            told["response_message_loading"] = message.loading
            told["response_message_ephemeral"] = message.ephemeral
            if answer in {Answer.MESSAGE, Answer.UPDATE, Answer.DEFER}:
                body["resource"] = {"type": int(answer), "message": self._rendering.message(message)}
        return body

    # The bot's side: everything after the first answer

    def by_token(self, application_id: int, token: str) -> Interaction:
        """The acknowledged interaction of a webhook token; 10015 where there is none, 50027 past 15 minutes."""
        interaction = self._by_token.get(token)
        if interaction is None or application_id != self._world.application.id:
            raise unknown_webhook()
        if self._expired(interaction):
            raise invalid_webhook_token()
        if interaction.stage is not Stage.ANSWERED:
            raise unknown_webhook()
        return interaction

    def message(self, interaction: Interaction, which: str) -> Message:
        """A message of this interaction by its id or "@original"; 10008 for any other."""
        wanted = interaction.original_id if which == "@original" else int(which) if which.isdecimal() else None
        if wanted is None or wanted not in interaction.message_ids:
            raise unknown_message()
        return self._world.message(interaction.channel.id, wanted)

    def follow_up(self, interaction: Interaction, body: Json, files: Mapping[int, Upload]) -> Message:
        """A further message; the first after a defer takes the place of "is thinking", and its visibility."""
        draft = self._draft(interaction, body, files)
        require_something(draft)
        if interaction.original_id is not None and interaction.answer is Answer.DEFER:
            original = next(
                (
                    held
                    for held in self._world.messages(interaction.channel.id)
                    if held.id == interaction.original_id
                ),
                None,
            )
            if original is not None and original.loading:
                return self._world.edit(original, draft)
        guild = self._world.guild_of(interaction.channel)
        member = guild is None or self._world.bot_id in guild.members
        if not member and interaction.followups >= FOLLOWUPS_WITHOUT_MEMBERSHIP:
            raise too_many_followups()
        message = self._post(interaction, draft, flags=draft.flags)
        interaction.followups += 1
        interaction.message_ids.add(message.id)
        return message

    def edit(self, interaction: Interaction, which: str, body: Json, files: Mapping[int, Upload]) -> Message:
        message = self.message(interaction, which)
        return self._world.edit(message, self._draft(interaction, body, files, message))

    def delete(self, interaction: Interaction, which: str) -> None:
        self._world.delete(self.message(interaction, which))

    def _expired(self, interaction: Interaction) -> bool:
        return self._world.clock.now() - interaction.created_at >= TOKEN_LIFE_S


def _path(command: Json) -> str:
    """A command's name with those of its group and subcommand, as a message shows it."""
    names, options = [command["name"]], command.get("options") or []
    while options and options[0]["type"] in {1, 2}:
        names.append(options[0]["name"])
        options = options[0].get("options") or []
    return " ".join(names)


def integration_owners(world: World, channel: Channel, user_id: int, installs: list[int]) -> Json:
    """Who brought the application here: the server (0), the user (1), or both."""
    guild = world.guild_of(channel)
    owners: Json = {}
    if 0 in installs and (guild is None or world.bot_id in guild.members):
        owners["0"] = "0" if guild is None else str(guild.id)
    if 1 in installs and world.users[user_id].installed:
        owners["1"] = str(user_id)
    return owners


def _checked_choices(data: Json) -> list[Json]:
    choices = data.get("choices")
    if not isinstance(choices, list) or len(choices) > MOST_CHOICES:
        raise invalid_form("data.choices", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_CHOICES} or fewer in length.")
    for index, choice in enumerate(choices):
        if not 1 <= len(str(choice.get("name") or "")) <= 100:
            message = "Must be between 1 and 100 in length."
            raise invalid_form(f"data.choices.{index}.name", "BASE_TYPE_BAD_LENGTH", message)
    return choices
