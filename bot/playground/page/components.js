// What a bot puts on its messages: rows of buttons and menus, embeds, and the parts of newer layouts.
import { el } from "./dom.js";
import { link, markdown } from "./markdown.js";
import { attachment, local, picture } from "./pictures.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };

/** The nodes of `parts`. `context` is {names, press(custom_id, button), choose(custom_id, values, menu), people, roles, places}. */
export function components(parts, context) {
  return (parts || [])
    .map((part) => (RENDER[part.type] ? RENDER[part.type](part, context) : null))
    .filter(Boolean);
}

const RENDER = {
  1: (row, context) => el("div", { class: "row" }, components(row.components, context)),
  2: button,
  3: menu,
  5: (part, context) => menu(filled(part, context.people()), context),
  6: (part, context) => menu(filled(part, context.roles()), context),
  7: (part, context) => menu(filled(part, [...context.people(), ...context.roles()]), context),
  8: (part, context) => menu(filled(part, context.places()), context),
  9: (section, context) =>
    el(
      "div",
      { class: "section" },
      el("div", {}, components(section.components, context)),
      components([section.accessory], context),
    ),
  10: (part, context) => el("div", { class: "text" }, markdown(part.content, context.names)),
  11: (part) => media(part, true),
  12: (gallery) =>
    el(
      "div",
      { class: "gallery" },
      gallery.items.map((item) => media(item, false)),
    ),
  13: (part) => attachment({ filename: part.name || "file", size: part.size || 0, url: part.file.url }),
  14: (part) => el("hr", { class: part.divider === false ? "bare" : "" }),
  17: (box, context) => bordered(box.accent_color, "container", components(box.components, context)),
};

function button(part, context) {
  const label = [part.emoji?.name ? `${part.emoji.name} ` : "", part.label || ""].join("").trim();
  if (part.style === 5)
    return el("a", { class: "button link", href: part.url, target: "_blank", rel: "noopener noreferrer" }, label);
  const node = el(
    "button",
    {
      class: `button ${STYLES[part.style] || "secondary"}`,
      type: "button",
      disabled: Boolean(part.disabled),
      data: { key: part.custom_id },
    },
    label,
  );
  node.addEventListener("click", () => context.press(part.custom_id, node));
  return node;
}

/** A menu of users, roles or channels, with what is there as its options. */
export function filled(part, there) {
  const chosen = new Set((part.default_values || []).map((one) => one.id));
  return { ...part, options: there.map((one) => ({ ...one, default: chosen.has(one.value) })) };
}

function menu(part, context) {
  const least = part.min_values ?? 1;
  const most = part.max_values ?? 1;
  if (most > 1) return several(part, least, most, context);
  const select = el("select", {
    disabled: Boolean(part.disabled),
    data: { key: part.custom_id },
    aria: { label: part.placeholder || "Choose" },
  });
  select.append(el("option", { value: "", disabled: least > 0, selected: true }, part.placeholder || "Choose"));
  for (const option of part.options) {
    const text = option.description ? `${option.label} (${option.description})` : option.label;
    select.append(el("option", { value: option.value, selected: Boolean(option.default) }, text));
  }
  select.addEventListener("change", () =>
    context.choose(part.custom_id, select.value ? [select.value] : [], select),
  );
  return select;
}

function several(part, least, most, context) {
  const boxes = part.options.map((option) =>
    el("input", { type: "checkbox", value: option.value, checked: Boolean(option.default) }),
  );
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const done = el("button", { class: "button primary", type: "button" }, "Choose");
  const check = () => (done.disabled = chosen().length < least || chosen().length > most);
  done.addEventListener("click", () => context.choose(part.custom_id, chosen(), done));
  const lines = part.options.map((option, index) => el("label", {}, boxes[index], el("span", {}, option.label)));
  const box = el("details", { class: "chooser" }, el("summary", {}, part.placeholder || "Choose"), lines, done);
  box.addEventListener("change", check);
  check();
  return box;
}

function media(item, small) {
  const file = item.media;
  const address = local(file.url);
  if (!address) return link(file.url, file.url);
  return picture(address, {
    name: item.description || "",
    about: item.description || "",
    width: file.width,
    height: file.height,
    small,
  });
}

function bordered(colour, kind, children) {
  const box = el("div", { class: kind }, children);
  if (colour) box.style.setProperty("--accent", `#${colour.toString(16).padStart(6, "0")}`);
  return box;
}

export function embed(given, context) {
  const text = (words) => markdown(words, context.names);
  const image = given.image && local(given.image.url);
  const thumbnail = given.thumbnail && local(given.thumbnail.url);
  return bordered(given.color, "embed", [
    thumbnail && el("div", { class: "thumbnail" }, picture(thumbnail, { small: true })),
    given.author && el("div", { class: "fine" }, given.author.name),
    given.title && el("div", { class: "title" }, given.url ? link(given.url, given.title) : text(given.title)),
    given.description && el("div", { class: "text" }, text(given.description)),
    given.fields?.length > 0 &&
      el(
        "dl",
        {},
        given.fields.map((field) =>
          el(
            "div",
            { class: field.inline ? "inline" : "" },
            el("dt", {}, text(field.name)),
            el("dd", {}, text(field.value)),
          ),
        ),
      ),
    image && picture(image, { width: given.image.width, height: given.image.height }),
    given.footer && el("div", { class: "fine" }, given.footer.text),
  ]);
}
