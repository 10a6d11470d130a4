"""`/server`: what moderators decide for their server.

Every answer is for the moderator alone. Who may call it is checked here as well, whatever Discord offered.
"""

import asyncio
from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.acknowledge import think, whisper
from bot.commands import options
from bot.content import ContentFilter
from bot.desk import Desk, desk_of, moderator_of
from bot.errors import BadRule, RuleFault
from bot.rules import Grant, Rules
from bot.views import channels_message, log_message, models_message, showcase_message
from bot.wording import labels
from bot.words import sought
from generation import Model, NotFetched, Use

_WORDS_LIMIT = 200
_WORD_LONGEST = 60
_ROLES_LIMIT = 25
_NONE = "none"
_DAY = 24 * 60 * 60  # seconds

Words = app_commands.Range[str, 1, 1000]
Seconds = app_commands.Range[int, 1, _DAY]
SecondsAnHour = app_commands.Range[int, 0, _DAY]


@options.never_failing
async def suggest_default(interaction: options.Interaction, current: str) -> list[options.Choice]:
    """The models that may draw here from words alone, and none."""
    none = (
        [app_commands.Choice(name=labels.NO_DEFAULT, value=_NONE)] if _NONE.startswith(current.casefold()) else []
    )
    catalogue = desk_of(interaction).studio.catalogue
    models = await options.suggest_model(interaction, current)
    return [*none, *(choice for choice in models if Use.TEXT in catalogue.find(choice.value).can)]


@options.in_list
@options.never_failing
async def suggest_kept_out(interaction: options.Interaction, current: str) -> list[options.Choice]:
    desk, moderator = desk_of(interaction), moderator_of(interaction)
    words = desk.studio.servers.over(moderator).words
    return [app_commands.Choice(name=word, value=word) for word in words if current.casefold() in word.casefold()]


@app_commands.default_permissions(manage_guild=True)
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
class Server(commands.GroupCog, group_name="server", group_description=labels.COMMANDS["server"]):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._servers = desk.studio.servers

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Forget a role that is gone: a list with nothing else on it would lock everybody out."""
        await self._keep_roles(role.guild)

    @commands.Cog.listener("on_guild_available")
    @commands.Cog.listener("on_guild_join")
    async def look_for_roles(self, guild: discord.Guild) -> None:
        """Forget those that were deleted while Easel was away."""
        await self._keep_roles(guild)

    async def _keep_roles(self, guild: discord.Guild) -> None:
        await self._servers.keep_roles(guild.id, {role.id for role in guild.roles})

    @app_commands.command(name="show", description=labels.COMMANDS["server show"])
    async def show(self, interaction: options.Interaction) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)
        embed = wording.server_rules(
            self._servers.over(moderator),
            usual=self._desk.studio.usual_allowance,
            operator=self._desk.studio.content_filter,
            blocks=await self._servers.blocks(moderator),
        )
        await whisper(interaction, embeds=[embed])

    @app_commands.command(name="channels", description=labels.COMMANDS["server channels"])
    async def channels(self, interaction: options.Interaction) -> None:
        await whisper(interaction, **channels_message(self._servers.over(moderator_of(interaction))))

    @app_commands.command(name="showcase", description=labels.COMMANDS["server showcase"])
    async def showcase(self, interaction: options.Interaction) -> None:
        await whisper(interaction, **showcase_message(self._servers.over(moderator_of(interaction))))

    @app_commands.command(name="models", description=labels.COMMANDS["server models"])
    @app_commands.describe(default=labels.SERVER["default"])
    @app_commands.autocomplete(default=suggest_default)
    async def models(self, interaction: options.Interaction, default: str | None = None) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)
        rules = self._servers.over(moderator)
        if default is not None:
            name = None if default.casefold() == _NONE else await self._drawing_model(default)
            here = await self._models_here()

            def edit(rules: Rules) -> Rules:
                if name is not None and rules.models and name not in rules.models:
                    raise BadRule(RuleFault.DEFAULT_NOT_ALLOWED, value=name)
                rules = replace(rules, default_model=name)
                self._desk.studio.recipes.check_first_choice(rules, here)
                return rules

            rules = await self._servers.change(moderator, edit)
        await whisper(interaction, **await models_message(self._desk, rules))

    async def _drawing_model(self, name: str) -> str:
        """The name of a model that draws here from words alone. Raises UnknownChoice, NotFetched or BadRule."""
        recipes = self._desk.studio.recipes
        model = recipes.catalogue.find(name)
        if not await recipes.is_here(model.name):
            raise NotFetched(model.name)
        if Use.TEXT not in model.can:
            raise BadRule(RuleFault.NO_WORDS_DRAWN, value=model.name)
        return model.name

    async def _models_here(self) -> tuple[Model, ...]:
        return await asyncio.to_thread(self._desk.studio.recipes.models_here)

    @app_commands.command(name="limits", description=labels.COMMANDS["server limits"])
    @app_commands.describe(steps=labels.SERVER["steps"], size=labels.SERVER["size"])
    async def limits(
        self,
        interaction: options.Interaction,
        steps: app_commands.Range[int, 0, 1000] | None = None,
        size: app_commands.Range[int, 0, 8192] | None = None,
    ) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)
        here = await self._models_here()

        def edit(rules: Rules) -> Rules:
            rules = replace(
                rules,
                steps=rules.steps if steps is None else steps or None,
                side=rules.side if size is None else size or None,
            )
            if steps or size:
                self._desk.studio.recipes.check_first_choice(rules, here)
            return rules

        await whisper(interaction, wording.limits_told(await self._servers.change(moderator, edit)))

    @app_commands.command(name="words", description=labels.COMMANDS["server words"])
    @app_commands.describe(add=labels.SERVER["add"], remove=labels.SERVER["remove"])
    @app_commands.autocomplete(remove=suggest_kept_out)
    async def words(
        self, interaction: options.Interaction, add: Words | None = None, remove: Words | None = None
    ) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)

        def edit(rules: Rules) -> Rules:
            kept = {sought(word): word for word in rules.words}
            for word in _listed(remove):
                if kept.pop(sought(word), None) is None:
                    raise BadRule(RuleFault.NOT_KEPT_OUT, value=word)
            for word in _listed(add):
                if sought(word) is None:
                    raise BadRule(RuleFault.NO_WORD, value=word)
                if len(word) > _WORD_LONGEST:
                    raise BadRule(RuleFault.LONG_WORD, value=word, limit=_WORD_LONGEST)
                kept.setdefault(sought(word), word)
            if len(kept) > _WORDS_LIMIT:
                raise BadRule(RuleFault.TOO_MANY_WORDS, limit=_WORDS_LIMIT)
            return replace(rules, words=tuple(kept.values()))

        rules = await self._servers.change(moderator, edit)
        embed = discord.Embed(
            colour=wording.COLOUR, description=wording.words_told(rules, wording.EMBED_LIMIT - 100)
        )
        await whisper(interaction, embeds=[embed])

    @app_commands.command(name="content", description=labels.COMMANDS["server content"])
    @app_commands.describe(flagged=labels.SERVER["flagged"], spoiler=labels.SERVER["spoiler"])
    @app_commands.choices(
        flagged=[app_commands.Choice(name=meaning, value=value) for value, meaning in labels.FLAGGED.items()]
    )
    async def content(
        self, interaction: options.Interaction, flagged: str | None = None, spoiler: bool | None = None
    ) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)
        operator = self._desk.studio.content_filter
        wanted = None if flagged in {None, "operator"} else ContentFilter(flagged)
        if wanted is not None and operator is ContentFilter.OFF:
            raise BadRule(RuleFault.NOTHING_LOOKS)

        def edit(rules: Rules) -> Rules:
            return replace(
                rules,
                content_filter=rules.content_filter if flagged is None else wanted,
                spoiler=rules.spoiler if spoiler is None else spoiler,
            )

        await whisper(interaction, wording.content_told(await self._servers.change(moderator, edit), operator))

    @app_commands.command(name="role", description=labels.COMMANDS["server role"])
    @app_commands.describe(
        role=labels.SERVER["role"],
        allowance=labels.SERVER["allowance"],
        per_hour=labels.SERVER["per_hour"],
        remove=labels.SERVER["remove_role"],
    )
    async def role(
        self,
        interaction: options.Interaction,
        role: discord.Role,
        allowance: Seconds | None = None,
        per_hour: SecondsAnHour | None = None,
        remove: bool = False,
    ) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)

        def edit(rules: Rules) -> Rules:
            roles = dict(rules.roles)
            if remove:
                if roles.pop(role.id, None) is None:
                    raise BadRule(RuleFault.NO_SUCH_ROLE)
                return replace(rules, roles=roles)
            roles[role.id] = self._granted(allowance, per_hour)
            if len(roles) > _ROLES_LIMIT:
                raise BadRule(RuleFault.TOO_MANY_ROLES, limit=_ROLES_LIMIT)
            return replace(rules, roles=roles)

        rules = await self._servers.change(moderator, edit)
        embed = discord.Embed(
            colour=wording.COLOUR, description=wording.roles_told(rules, self._desk.studio.usual_allowance)
        )
        await whisper(interaction, embeds=[embed])

    def _granted(self, seconds: float | None, per_hour: float | None) -> Grant:
        """What a role is to bring. Raises BadRule for more than may be granted."""
        most = self._servers.most
        for asked, limit, fault in (
            (seconds, most.capacity, RuleFault.TOO_MANY_SECONDS),
            (per_hour, most.per_hour, RuleFault.TOO_MANY_AN_HOUR),
        ):
            if asked is not None and asked > limit:
                raise BadRule(fault, limit=int(limit))
        return Grant(seconds=seconds, per_hour=per_hour)

    @app_commands.command(name="block", description=labels.COMMANDS["server block"])
    @app_commands.describe(member=labels.SERVER["block"], reason=labels.SERVER["reason"])
    async def block(
        self,
        interaction: options.Interaction,
        member: discord.Member | discord.User,
        reason: app_commands.Range[str, 1, 200] | None = None,
    ) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)
        if isinstance(member, discord.Member) and member.guild_permissions.manage_guild:
            raise BadRule(RuleFault.MODERATES)
        stopped = await self._desk.studio.block(moderator, member.id, reason)
        await whisper(interaction, wording.blocked_now(member.id, stopped))

    @app_commands.command(name="unblock", description=labels.COMMANDS["server unblock"])
    @app_commands.describe(member=labels.SERVER["unblock"])
    async def unblock(self, interaction: options.Interaction, member: discord.Member | discord.User) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)
        await self._servers.unblock(moderator, member.id)
        await whisper(interaction, wording.unblocked(member.id))

    @app_commands.command(name="log", description=labels.COMMANDS["server log"])
    async def log(self, interaction: options.Interaction) -> None:
        moderator = moderator_of(interaction)
        await think(interaction, private=True)
        await whisper(interaction, **await log_message(self._desk, moderator))


def _listed(text: str | None) -> list[str]:
    """The parts of a comma list; none where there is no list."""
    return [part for part in (" ".join(each.split()) for each in (text or "").split(",")) if part]
