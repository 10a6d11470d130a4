// Discord's markdown, as far as a bot and its members use it, as nodes.
import { el } from "./dom.js";

const INLINE = new RegExp(
  [
    "\\\\(?<escaped>[^A-Za-z0-9\\s])",
    "(?<fence>`+)(?<code>[\\s\\S]+?)(?<!`)\\k<fence>(?!`)",
    "\\*\\*\\*(?<both>[\\s\\S]+?)\\*\\*\\*(?!\\*)",
    "\\*\\*(?<bold>[\\s\\S]+?)\\*\\*(?!\\*)",
    "__(?<underlined>[\\s\\S]+?)__(?!_)",
    "~~(?<struck>[\\s\\S]+?)~~",
    "\\|\\|(?<spoiler>[\\s\\S]+?)\\|\\|",
    "\\*(?<italic>[^\\s*](?:[\\s\\S]*?[^\\s*])?)\\*(?!\\*)",
    "(?<![A-Za-z0-9])_(?<slanted>[^\\s_](?:[\\s\\S]*?[^\\s_])?)_(?![A-Za-z0-9])",
    "<@!?(?<user>\\d+)>",
    "<@&(?<role>\\d+)>",
    "<#(?<channel>\\d+)>",
    "</(?<command>[^:>]{1,100}):\\d+>",
    "<t:(?<moment>-?\\d{1,13})(?::(?<style>[tTdDfFR]))?>",
    "\\[(?<label>[^\\]\\n]+)\\]\\((?<target>https?://[^\\s)]+)\\)",
    "(?<url>https?://[^\\s<]+[^\\s<.,:;!?\"')\\]])",
  ].join("|"),
  "g",
);

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

/** The nodes of a text. `names` tells what a user, a role and a channel are called: {user(id), role(id), channel(id)}. */
export function markdown(text, names) {
  const nodes = [];
  for (const part of text.split(/(```[\s\S]+?```)/)) {
    if (part.startsWith("```") && part.length > 6) {
      const inner = part.slice(3, -3);
      nodes.push(el("pre", {}, el("code", {}, inner.replace(/^[A-Za-z0-9+#-]*\n/, "").replace(/\n$/, ""))));
    } else if (part) nodes.push(...blocks(part, names));
  }
  return nodes;
}

function blocks(text, names) {
  const nodes = [];
  let list = null;
  let plain = [];
  const flush = () => {
    if (plain.length) nodes.push(el("p", {}, inline(plain.join("\n"), names)));
    plain = [];
  };
  for (const line of text.replace(/^\n|\n$/g, "").split("\n")) {
    const [, mark, rest] = /^(-#|#{1,3}|>|[-*])\s+(.*)$/.exec(line) || [];
    if (mark !== "-" && mark !== "*") list = null;
    if (mark) flush();
    if (mark === "-#") nodes.push(el("small", { class: "fine" }, inline(rest, names)));
    else if (mark === ">") nodes.push(el("blockquote", {}, inline(rest, names)));
    else if (mark === "-" || mark === "*") {
      if (!list) nodes.push((list = el("ul")));
      list.append(el("li", {}, inline(rest, names)));
    } else if (mark) nodes.push(el(`h${mark.length + 2}`, {}, inline(rest, names)));
    else plain.push(line);
  }
  flush();
  return nodes;
}

function inline(text, names) {
  const nodes = [];
  let done = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > done) nodes.push(text.slice(done, match.index));
    nodes.push(styled(match.groups, names));
    done = match.index + match[0].length;
  }
  if (done < text.length) nodes.push(text.slice(done));
  return nodes;
}

function styled(found, names) {
  const within = (tag, inner, given = {}) => el(tag, given, inline(inner, names));
  if (found.escaped) return found.escaped;
  if (found.code) return el("code", {}, found.code);
  if (found.both) return el("strong", {}, within("em", found.both));
  if (found.bold) return within("strong", found.bold);
  if (found.underlined) return within("u", found.underlined);
  if (found.struck) return within("s", found.struck);
  if (found.spoiler) return covered(found.spoiler, names);
  if (found.italic || found.slanted) return within("em", found.italic || found.slanted);
  if (found.user) return el("span", { class: "mention" }, `@${names.user(found.user)}`);
  if (found.role) return el("span", { class: "mention" }, `@${names.role(found.role)}`);
  if (found.channel) return el("span", { class: "mention" }, `#${names.channel(found.channel)}`);
  if (found.command) return el("span", { class: "mention" }, `/${found.command}`);
  if (found.moment) return moment(Number(found.moment), found.style || "f");
  return link(found.target || found.url, found.label || found.url);
}

function covered(text, names) {
  const cover = el(
    "button",
    { class: "spoiler", type: "button", title: "Show" },
    el("span", {}, inline(text, names)),
  );
  cover.addEventListener("click", () => cover.classList.add("open"));
  return cover;
}

export function link(target, label) {
  return el("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, label);
}

function moment(seconds, style) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  const node = el("time", { dateTime: date.toISOString(), title: date.toLocaleString(undefined, STYLES.F) });
  node.append(style === "R" ? relative(date) : date.toLocaleString(undefined, STYLES[style]));
  if (style === "R") node.dataset.relative = String(seconds);
  return node;
}

function relative(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  const units = [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ];
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) || units[3];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(seconds / length), unit);
}

/** Let "in 5 minutes" stay true while the page is open. */
export function keepTime() {
  setInterval(() => {
    for (const node of document.querySelectorAll("time[data-relative]")) {
      node.textContent = relative(new Date(Number(node.dataset.relative) * 1000));
    }
  }, 1000);
}
