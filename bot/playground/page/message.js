// One message.
import { el } from "./dom.js";
import { components, embed } from "./components.js";
import { markdown } from "./markdown.js";
import { attachment } from "./pictures.js";

const HUES = 12;

export function avatar(id, name, isBot = false) {
  if (isBot) return el("img", { class: "avatar", src: "icon.svg", alt: "" });
  const hue = (Number(id.slice(-4)) * 5) % HUES;
  return el("span", { class: `avatar hue${hue}`, aria: { hidden: "true" } }, name.slice(0, 1).toUpperCase());
}

/**
 * The node of a message. `context` is what its parts need and what its tools do:
 * {names, press, choose, people, roles, places, reply, remove, menu, menus, jump, mayWrite, me}.
 */
export function renderMessage(message, context) {
  const bound = {
    ...context,
    press: (button, node) => context.press(message, button, node),
    choose: (select, values, node) => context.choose(message, select, values, node),
  };
  const author = message.author;
  const when = new Date(message.timestamp);
  const mentionsMe = (message.mentions || []).some((user) => user.id === context.me);
  const node = el("article", {
    class: ["message", message.ephemeral && "ephemeral", mentionsMe && !message.mine && "mentioned"]
      .filter(Boolean)
      .join(" "),
    tabIndex: -1,
    data: {
      id: message.id,
      author: author.id,
      time: String(when.getTime()),
      fresh: String(Boolean(message.interaction_metadata || message.message_reference)),
    },
  });
  node.append(
    ...above(message, bound),
    avatar(author.id, author.name, author.bot),
    el(
      "div",
      { class: "head" },
      el("strong", {}, author.name),
      author.bot && el("span", { class: "badge" }, "APP"),
      el("time", { dateTime: message.timestamp, title: when.toLocaleString() }, clock(when)),
    ),
    el("div", { class: "body" }, ...body(message, bound)),
    tools(message, context),
  );
  return node;
}

function above(message, context) {
  const lines = [];
  const call = message.interaction_metadata;
  if (call?.name) {
    const what = call.command_type === 3 ? call.name : `/${call.name}`;
    lines.push(
      el(
        "div",
        { class: "context" },
        el("b", {}, context.names.user(call.user.id)),
        " used ",
        el("span", { class: "mention" }, what),
      ),
    );
  }
  if (message.message_reference && !call) {
    const answered = message.referenced_message;
    const about = answered
      ? [el("b", {}, context.names.user(answered.author.id)), " ", el("span", {}, excerpt(answered))]
      : [el("i", {}, "The message was deleted")];
    const line = el("button", { class: "context quoted", type: "button" }, "↱ ", about);
    if (answered) line.addEventListener("click", () => context.jump(answered.id));
    lines.push(line);
  }
  return lines;
}

/** What a message says, in a few plain words. */
export function excerpt(message) {
  const words = message.content.split("\n")[0].replace(/^-# |\*\*|`|\\(?=[^A-Za-z0-9\s])/g, "");
  return (
    words.slice(0, 120) || (message.attachments.length ? "a picture" : message.embeds[0]?.title || "a message")
  );
}

function body(message, context) {
  if (message.loading)
    return [
      el("p", { class: "thinking" }, `${message.author.name} is thinking`, el("span", { class: "dots" }, "…")),
    ];
  const parts = [];
  if (message.content)
    parts.push(
      el(
        "div",
        { class: "text" },
        markdown(message.content, context.names),
        message.edited_timestamp && message.mine && el("small", { class: "fine" }, " (edited)"),
      ),
    );
  if (message.attachments.length)
    parts.push(
      el(
        "div",
        { class: message.attachments.length > 1 ? "files several" : "files" },
        message.attachments.map(attachment),
      ),
    );
  parts.push(...message.embeds.map((given) => embed(given, context)));
  parts.push(...components(message.components, context));
  for (const reaction of message.reactions || [])
    parts.push(el("span", { class: "reaction" }, `${reaction.emoji.name} ${reaction.count}`));
  if (message.ephemeral) {
    const dismiss = el(
      "button",
      { class: "plain", type: "button", on: { click: () => context.remove(message) } },
      "Dismiss",
    );
    parts.push(el("div", { class: "private" }, "Only you can see this · ", dismiss));
  }
  return parts;
}

function tools(message, context) {
  if (message.loading) return el("span");
  const box = el("div");
  const add = (label, title, act) =>
    box.append(el("button", { type: "button", title, aria: { label: title }, on: { click: act } }, label));
  if (context.mayWrite && !message.ephemeral) add("↩ Reply", "Reply", () => context.reply(message));
  for (const command of context.menus())
    add(command.name, command.name, () => context.menu(message, command.name));
  if (message.may_delete && !message.ephemeral) add("Delete", "Delete", () => context.remove(message));
  return el("div", { class: "tools" }, box.childElementCount > 0 && box);
}

function clock(date) {
  const time = date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}
