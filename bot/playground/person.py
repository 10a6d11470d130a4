"""A person in front of Discord's app: what they can do in a channel, what they see, what they wait for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from .commands import CommandBook, CommandKind, OptionKind
from .drafts import MAX_CONTENT, MAX_FILES, read_draft
from .errors import ApiError, NotAnswered, NotPossible
from .files import Attachment, Upload
from .guilds import Channel, Permission, User
from .interaction import Interaction, InteractionKind, Stage
from .interactions import Interactions, integration_owners
from .messages import LINK_BUTTON, SELECTS, Component, Message, walk
from .modals import filled_modal
from .options import OptionForm
from .rendering import Rendering
from .world import World

Json = dict[str, Any]
T = TypeVar("T")

PATIENCE_S = 10.0
# Menus whose entries are what is there, as the options of commands are.
MENUS = {
    Component.USER_SELECT: OptionKind.USER,
    Component.ROLE_SELECT: OptionKind.ROLE,
    Component.MENTIONABLE_SELECT: OptionKind.MENTIONABLE,
    Component.CHANNEL_SELECT: OptionKind.CHANNEL,
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a person acts on: the world, its JSON, the commands and the interactions."""

    world: World
    rendering: Rendering
    commands: CommandBook
    interactions: Interactions


@dataclass(frozen=True, kw_only=True)
class Person:
    """One user in one channel; `at` gives the same user elsewhere.

    Acts happen at once and raise NotPossible where Discord's app would not allow them. Waits are bounded by
    `within` in seconds of real time (TimeoutError) and wake on changes, never by polling.
    """

    scene: Scene = field(repr=False)
    user: User
    channel: Channel

    def at(self, channel: Channel) -> "Person":
        """The same user in another channel."""
        return replace(self, channel=channel)

    def direct(self) -> "Person":
        """The same user in their direct conversation with the bot."""
        return self.at(self.scene.world.direct_channel(self.user.id))

    # What the person sees

    def see(self) -> list[Message]:
        """The messages of the channel, oldest first, with those that only this person sees."""
        held = self.scene.world.permissions(self.user.id, self.channel)
        if Permission.VIEW_CHANNEL not in held:
            return []
        return list(self.scene.world.visible(self.channel.id, self.user.id))

    def now(self, message: Message) -> Message | None:
        """The message as it is by now; None once it is deleted."""
        return next((seen for seen in self.at(self._place(message)).see() if seen.id == message.id), None)

    def offered(self) -> list[Json]:
        """The commands that the app offers here."""
        return self.scene.commands.offered(self.user.id, self.channel)

    def download(self, attachment: Attachment) -> bytes:
        return self.scene.world.files.read(attachment.id)

    # What the person does

    def send(
        self, text: str = "", *, files: Iterable[Upload] = (), reply_to: Message | None = None, ping: bool = True
    ) -> Message:
        """Post a message; a reply pings whom it answers unless `ping` is switched off."""
        world = self.scene.world
        held = world.permissions(self.user.id, self.channel)
        uploads = dict(enumerate(files))
        needed = Permission.SEND_MESSAGES | (Permission.ATTACH_FILES if uploads else Permission(0))
        if needed not in held:
            raise NotPossible(f"{self.user.display_name} may not write in {self.channel.name}")
        self._check_message(text, uploads)
        body: Json = {
            "content": text,
            "allowed_mentions": {"parse": ["users", "roles", "everyone"], "replied_user": ping},
        }
        if reply_to is not None:
            body["message_reference"] = {"message_id": str(self._current(reply_to).id)}
        try:
            draft = read_draft(body, uploads, file_limit=world.file_limit(self.channel))
            return world.post(self.channel, self.user.id, draft)
        except ApiError as error:
            raise NotPossible(str(error)) from error

    def _check_message(self, text: str, uploads: Mapping[int, Upload]) -> None:
        limit = self.scene.world.file_limit(self.channel)
        if not text.strip() and not uploads:
            raise NotPossible("a message needs a text or a file")
        if len(text) > MAX_CONTENT:
            raise NotPossible(f"a message may have at most {MAX_CONTENT} characters, not {len(text)}")
        if len(uploads) > MAX_FILES:
            raise NotPossible(f"a message may have at most {MAX_FILES} files, not {len(uploads)}")
        for upload in uploads.values():
            if len(upload.data) > limit:
                raise NotPossible(f"{upload.filename} may have at most {limit} bytes here, not {len(upload.data)}")

    def delete(self, message: Message) -> None:
        """Delete an own message, or any with the right to; dismiss one that only this person sees."""
        world = self.scene.world
        moderator = Permission.MANAGE_MESSAGES in world.permissions(self.user.id, self._place(message))
        if self.user.id not in {message.author_id, message.only_for} and not moderator:
            raise NotPossible("that message is somebody else's")
        world.delete(self._current(message))

    def slash(self, command: str, /, **options: object) -> Interaction:
        """Call a slash command, as in `slash("seed save", name="fox")`; files are given as Upload."""
        found, path = self._slash_command(command)
        return self._call(InteractionKind.COMMAND, found, path, options)

    def autocomplete(self, command: str, options: Mapping[str, object], focused: str) -> Interaction:
        """Type in the option `focused`, whose text so far is in `options`."""
        found, path = self._slash_command(command)
        return self._call(InteractionKind.AUTOCOMPLETE, found, path, options, focused=focused)

    def context_menu(self, message: Message, name: str) -> Interaction:
        """Choose a command of a message's menu."""
        command = self._offered(name, CommandKind.MESSAGE)
        target = self._current(message)
        shown = self.scene.rendering.message(target)
        data = {
            "id": command["id"],
            "name": command["name"],
            "type": int(CommandKind.MESSAGE),
            "target_id": str(target.id),
            "resolved": {"messages": {str(target.id): shown}},
        }
        return self._open(InteractionKind.COMMAND, data, owners=self._owners(command))

    def press(self, message: Message, button: str) -> Interaction:
        """Press a button, named by its custom id or its label."""
        target = self._current(message)
        named = [part for part in target.buttons if button in {part.get("custom_id"), part.get("label")}]
        if len(named) != 1:
            labels = [part.get("label") for part in target.buttons]
            raise NotPossible(f"{len(named)} buttons are called {button!r}; there are {labels}")
        found = named[0]
        if found.get("disabled") or found.get("style") == LINK_BUTTON:
            raise NotPossible(f"the button {button!r} cannot be pressed")
        data = {"component_type": int(Component.BUTTON), "custom_id": found["custom_id"], "id": found["id"]}
        return self._open(InteractionKind.COMPONENT, data, owners=self._owners_of(target), target=target)

    def select(self, message: Message, select: str, values: Iterable[str]) -> Interaction:
        """Choose in a menu, named by its custom id or placeholder.

        Options are chosen by their values or labels; users, roles and channels by their ids.
        """
        target = self._current(message)
        menus = [part for part in walk(target.components) if part["type"] in SELECTS]
        named = [part for part in menus if select in {part.get("custom_id"), part.get("placeholder")}]
        if len(named) != 1 or named[0].get("disabled"):
            raise NotPossible(f"there is no menu {select!r} to choose in")
        found = named[0]
        by_label = {option["label"]: option["value"] for option in found.get("options") or ()}
        chosen = [by_label.get(value, value) for value in values]
        least, most = found.get("min_values"), found.get("max_values")
        least, most = (1 if least is None else least), (1 if most is None else most)
        if not least <= len(chosen) <= most or (by_label and not set(chosen) <= set(by_label.values())):
            raise NotPossible(f"{select} takes {least} to {most} of {list(by_label.values())}, not {chosen}")
        data: Json = {"component_type": found["type"], "custom_id": found["custom_id"], "id": found["id"]}
        if found["type"] in MENUS:
            place = self._place(target)
            form = OptionForm(self.scene.world, self.scene.rendering, user_id=self.user.id, channel=place)
            kind, channel_types = MENUS[found["type"]], found.get("channel_types") or ()
            chosen = [form.thing(select, kind, value, channel_types) for value in chosen]
            data["resolved"] = form.resolved
        data["values"] = chosen
        return self._open(InteractionKind.COMPONENT, data, owners=self._owners_of(target), target=target)

    def submit_modal(self, opened: Interaction, values: Mapping[str, object] | None = None) -> Interaction:
        """Send the modal that answered `opened`; fields go by custom id or label, others keep what they show."""
        if opened.modal is None or opened.user_id != self.user.id:
            raise NotPossible("no modal is open")
        world, resolved = self.scene.world, {}

        def keep(upload: Upload) -> str:
            kept = world.files.keep(world.ids.new(), opened.channel.id, upload, ephemeral=True)
            resolved[str(kept.id)] = world.files.payload(kept)
            return str(kept.id)

        data = filled_modal(opened.modal, {} if values is None else values, keep)
        if resolved:
            data["resolved"] = {"attachments": resolved}
        there = self.at(opened.channel)
        return there._open(  # noqa: SLF001  # the same class
            InteractionKind.MODAL, data, owners=opened.owners, target=opened.target, parent=opened
        )

    # What the person waits for

    async def wait_for(self, look: Callable[[], T | None], within: float = PATIENCE_S) -> T:
        """What `look` finds, tried now and after every change."""
        return await self.scene.world.changes.wait_for(look, within)

    async def message(self, wanted: Callable[[Message], bool], within: float = PATIENCE_S) -> Message:
        """The newest message seen here that fits."""
        return await self.wait_for(
            lambda: next((message for message in reversed(self.see()) if wanted(message)), None), within
        )

    async def acknowledged(self, interaction: Interaction, within: float = PATIENCE_S) -> Interaction:
        """The interaction once the bot has answered it in any way; NotAnswered when it did not in time."""
        await self.wait_for(lambda: interaction.stage is not Stage.WAITING, within)
        if interaction.stage is Stage.FAILED:
            raise NotAnswered("The application did not respond")
        return interaction

    async def answer(self, interaction: Interaction, within: float = PATIENCE_S) -> Message:
        """The answer's message, once it shows more than "is thinking"; for a press that updates, that message."""
        await self.acknowledged(interaction, within)
        here = self.at(interaction.channel)
        return await self.wait_for(
            lambda: next(
                (seen for seen in here.see() if seen.id == interaction.original_id and not seen.loading), None
            ),
            within,
        )

    async def modal(self, interaction: Interaction, within: float = PATIENCE_S) -> Json:
        """The modal that the bot opened."""
        await self.acknowledged(interaction, within)
        if interaction.modal is None:
            raise NotAnswered("the bot opened no modal")
        return interaction.modal

    async def suggestions(
        self,
        command: str,
        focused: str,
        text: str = "",
        /,
        *,
        within: float = PATIENCE_S,
        **options: object,
    ) -> list[Json]:
        """The choices, each with name and value, offered for the text typed so far."""
        asked = self.autocomplete(command, {**options, focused: text}, focused)
        await self.acknowledged(asked, within)
        return asked.choices or []

    # How it is done

    def _place(self, message: Message) -> Channel:
        return self.scene.world.channel(message.channel_id)

    def _current(self, message: Message) -> Message:
        current = self.now(message)
        if current is None:
            raise NotPossible("the message is gone, or not to be seen")
        return current

    def _offered(self, name: str, kind: CommandKind) -> Json:
        offered = {command["name"]: command for command in self.offered() if command["type"] == kind}
        if name not in offered:
            raise NotPossible(f"{name!r} is not offered here, only {sorted(offered)}")
        return offered[name]

    def _slash_command(self, command: str) -> tuple[Json, list[str]]:
        name, *path = command.split()
        return self._offered(name, CommandKind.CHAT), path

    def _call(
        self,
        kind: InteractionKind,
        command: Json,
        path: list[str],
        options: Mapping[str, object],
        *,
        focused: str | None = None,
    ) -> Interaction:
        form = OptionForm(self.scene.world, self.scene.rendering, user_id=self.user.id, channel=self.channel)
        filled = form.fill(command, path, options, focused=focused)
        data: Json = {"id": command["id"], "name": command["name"], "type": int(CommandKind.CHAT)}
        if filled.options:
            data["options"] = filled.options
        if filled.resolved:
            data["resolved"] = filled.resolved
        if "guild_id" in command:
            data["guild_id"] = command["guild_id"]
        return self._open(kind, data, owners=self._owners(command))

    def _open(
        self,
        kind: InteractionKind,
        data: Json,
        *,
        owners: Json,
        target: Message | None = None,
        parent: Interaction | None = None,
    ) -> Interaction:
        place = self.channel if target is None else self._place(target)
        return self.scene.interactions.open(
            kind, self.user.id, place, data, owners=owners, target=target, parent=parent
        )

    def _owners(self, command: Json) -> Json:
        return integration_owners(self.scene.world, self.channel, self.user.id, command["integration_types"])

    def _owners_of(self, message: Message) -> Json:
        if message.interaction is not None:
            return dict(message.interaction["authorizing_integration_owners"])
        return integration_owners(self.scene.world, self._place(message), self.user.id, [0])
