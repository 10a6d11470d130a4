// The channels at the side, and the head of the one that is open.
import { byId, el } from "./dom.js";
import { avatar } from "./message.js";

export const titleOf = (channel) => (channel.direct ? `@${channel.name}` : `#${channel.name}`);

/** How a channel is called in the page's address. */
export const addressOf = (channel) => (channel.direct ? "@easel" : channel.name);

/** Show all `channels`, `here` being open. `context` is {bot, enter(channel)}. */
export function showPlaces(channels, here, context) {
  const groups = new Map();
  for (const channel of channels) {
    const name = channel.direct ? "Direct messages" : channel.guild;
    groups.set(name, [...(groups.get(name) || []), channel]);
  }
  byId("channels").replaceChildren(
    ...[...groups].map(([name, group]) =>
      el(
        "section",
        {},
        el("h2", {}, name),
        group.map((channel) => line(channel, channel === here, context)),
      ),
    ),
  );
  byId("title").textContent = titleOf(here);
  document.title = `${titleOf(here)} · Easel playground`;
}

function line(channel, isHere, { bot, enter }) {
  const about = channel.nsfw ? "age-restricted" : channel.bot_is_here ? "" : "without Easel";
  const kind = ["place", isHere && "here", channel.unread && "unread"].filter(Boolean).join(" ");
  return el(
    "button",
    { type: "button", class: kind, aria: isHere ? { current: "page" } : {}, on: { click: () => enter(channel) } },
    channel.direct ? avatar(bot.id, channel.name, true) : el("span", { class: "hash" }, "#"),
    el("span", {}, channel.name),
    about && el("small", {}, about),
  );
}

/** What stands above the first message. */
export function welcome(channel, bot) {
  const words = channel.direct
    ? `Only you and ${bot.name} read this.`
    : "A channel of the playground: it looks like Discord, and it all stays on this machine.";
  const hint = [
    "Type ",
    el("kbd", {}, "/"),
    ` to see what ${bot.name} can do, or reply to a picture to redraw it.`,
  ];
  return [
    el("h2", {}, `Welcome to ${titleOf(channel)}`),
    el("p", {}, words),
    channel.bot_is_here && el("p", {}, hint),
  ];
}
