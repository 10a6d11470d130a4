// One input for each kind of value that a command's option or a modal can ask for.
//
// A field is {node, value(), set(text), file(), focus(), accept(file)}: `value` is undefined while nothing was given,
// `set` takes over what was typed elsewhere, `file` is the chosen file of a file field, and `accept` takes a pasted
// or dropped file if it can.
import { bytes, el, growing } from "./dom.js";
import { suggesting } from "./suggestions.js";

export const KIND = {
  STRING: 3,
  INTEGER: 4,
  BOOLEAN: 5,
  USER: 6,
  CHANNEL: 7,
  ROLE: 8,
  MENTIONABLE: 9,
  NUMBER: 10,
  ATTACHMENT: 11,
};
const LONG = 200; // characters from which a text gets room for several lines

/** The field of a slash command's option. `context` is {suggest(name, text), people(), roles(), places()}. */
export function optionField(option, context) {
  if (option.type === KIND.ATTACHMENT) return fileField({ limit: 1 });
  if (option.type === KIND.BOOLEAN)
    return choiceField([
      { name: "True", value: true },
      { name: "False", value: false },
    ]);
  if (option.type === KIND.USER) return choiceField(named(context.people()));
  if (option.type === KIND.ROLE) return choiceField(named(context.roles()));
  if (option.type === KIND.MENTIONABLE) return choiceField(named([...context.people(), ...context.roles()]));
  if (option.type === KIND.CHANNEL) return choiceField(named(context.places()));
  if (option.choices?.length) return choiceField(option.choices);
  if (option.autocomplete)
    return suggesting(
      (text) => context.suggest(option.name, text),
      (text) => typed(option, text),
    );
  if (option.type === KIND.INTEGER || option.type === KIND.NUMBER) return numberField(option);
  return textField({ long: (option.max_length || 0) >= LONG, most: option.max_length, least: option.min_length });
}

const named = (options) => options.map((option) => ({ name: option.label, value: option.value }));

/** Text as the value that an option wants; text that is no number stays text, and is refused in words. */
function typed(option, text) {
  if (text === "") return undefined;
  const number = Number(text.replace(",", "."));
  return option.type === KIND.STRING || Number.isNaN(number) ? text : number;
}

function field(node, value, more = {}) {
  const set = (text) => {
    node.value = text;
    node.dispatchEvent(new Event("input", { bubbles: true }));
  };
  return { node, value, set, file: () => undefined, focus: () => node.focus(), accept: () => false, ...more };
}

export function textField({ long, most, least, text = "", placeholder = "" }) {
  const given = { value: text, placeholder, autocomplete: "off" };
  if (most) given.maxLength = most;
  if (least) given.minLength = least;
  const input = long ? el("textarea", { ...given, rows: 1 }) : el("input", { ...given, type: "text" });
  if (long) growing(input);
  return field(input, () => (input.value === "" ? undefined : input.value));
}

function numberField(option) {
  const whole = option.type === KIND.INTEGER;
  const input = el("input", {
    type: "text",
    inputMode: whole ? "numeric" : "decimal",
    placeholder: bounds(option),
    autocomplete: "off",
  });
  return field(input, () => typed(option, input.value.trim()));
}

/** "1 to 4", as far as an option tells. */
export function bounds(option) {
  const { min_value: least, max_value: most } = option;
  if (least === undefined && most === undefined) return "";
  if (least === undefined) return `at most ${most}`;
  return most === undefined ? `at least ${least}` : `${least} to ${most}`;
}

export function choiceField(choices, { chosen, placeholder = "Choose" } = {}) {
  const select = el("select", {}, el("option", { value: "" }, placeholder));
  choices.forEach((choice, index) =>
    select.append(el("option", { value: String(index), selected: choice.value === chosen }, choice.name)),
  );
  const set = (text) => {
    const found = choices.findIndex(
      (choice) => choice.name.toLowerCase() === text.toLowerCase() || String(choice.value) === text,
    );
    select.value = found < 0 ? "" : String(found);
  };
  return field(select, () => (select.value === "" ? undefined : choices[Number(select.value)].value), { set });
}

/** Ticks or a choice of one; the value is an array. */
export function ticksField(options, { name, one = false }) {
  const boxes = options.map((option) =>
    el("input", { type: one ? "radio" : "checkbox", name, value: option.value, checked: Boolean(option.default) }),
  );
  const node = el(
    "div",
    { class: "ticks" },
    options.map((option, index) =>
      el(
        "label",
        {},
        boxes[index],
        el("span", {}, option.label, option.description && el("small", {}, option.description)),
      ),
    ),
  );
  const value = () => boxes.filter((box) => box.checked).map((box) => box.value);
  return field(node, value, { focus: () => boxes[0]?.focus() });
}

export function tickField({ ticked = false, label = "" }) {
  const box = el("input", { type: "checkbox", checked: ticked });
  return field(el("label", { class: "ticks" }, box, el("span", {}, label)), () => box.checked, {
    focus: () => box.focus(),
  });
}

/** A place to drop, paste or pick files; `limit` is how many. */
export function fileField({ limit = 1 }) {
  let files = [];
  const input = el("input", { type: "file", hidden: true, multiple: limit > 1 });
  const pick = el("button", { type: "button", class: "pick" });
  const node = el("div", { class: "filefield" }, pick, input);
  const show = () => {
    pick.replaceChildren(...(files.length ? files.flatMap(preview) : ["Pick, drop or paste a picture"]));
    node.querySelector(".icon")?.remove();
    if (files.length)
      node.append(
        el(
          "button",
          {
            class: "icon",
            type: "button",
            aria: { label: "Take it out" },
            on: {
              click: () => {
                files = [];
                show();
              },
            },
          },
          "✕",
        ),
      );
  };
  const take = (added) => {
    files = [...files, ...added].slice(-limit);
    input.value = "";
    show();
    node.dispatchEvent(new Event("input", { bubbles: true }));
  };
  pick.addEventListener("click", () => input.click());
  input.addEventListener("change", () => take([...input.files]));
  show();
  return field(node, () => undefined, {
    file: () => (limit > 1 ? (files.length ? files : undefined) : files[0]),
    focus: () => pick.focus(),
    accept: (file) => {
      take([file]);
      return true;
    },
  });
}

/** What a chosen file looks like, before it is sent. */
export function preview(file) {
  const nodes = [el("span", { class: "filename" }, file.name || "pasted.png"), el("small", {}, bytes(file.size))];
  if (!file.type.startsWith("image/")) return nodes;
  const address = URL.createObjectURL(file);
  const image = el("img", { src: address, alt: "" });
  const done = () => URL.revokeObjectURL(address);
  image.addEventListener("load", done);
  image.addEventListener("error", () => {
    done();
    image.remove();
  });
  return [image, ...nodes];
}
