// The form that a bot opens over the page.
import { byId, el } from "./dom.js";
import { Refused } from "./api.js";
import { filled } from "./components.js";
import { choiceField, fileField, textField, tickField, ticksField } from "./fields.js";
import { markdown } from "./markdown.js";

/** Show `given` (title, components). `send(values, files)` takes what was filled in. `context` is {names, people, roles, places}. */
export function openModal(given, send, context) {
  const dialog = byId("modal");
  const fields = new Map();
  const problem = el("p", { class: "problem", role: "alert" });
  const submit = el("button", { class: "button primary", type: "submit" }, "Submit");
  const cancel = el(
    "button",
    { class: "button secondary", type: "button", on: { click: () => dialog.close() } },
    "Cancel",
  );

  const form = el(
    "form",
    {},
    el("h2", {}, given.title),
    given.components.map((part) => row(part, fields, context)),
    problem,
    el("div", { class: "end" }, cancel, submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const values = {};
    const files = {};
    for (const [name, field] of fields) {
      if (field.file()) files[name] = field.file();
      else if (!field.isFile) values[name] = field.value() ?? field.blank;
    }
    try {
      await send(values, files);
      dialog.close();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      problem.textContent = error.message;
      submit.disabled = false;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  dialog.replaceChildren(form);
  dialog.setAttribute("aria-label", given.title);
  dialog.showModal();
  fields.values().next().value?.focus();
}

function row(part, fields, context) {
  if (part.type === 1)
    return el(
      "div",
      { class: "rows" },
      part.components.map((inner) => labelled(inner.label, null, inner, fields, context)),
    );
  if (part.type === 18) return labelled(part.label, part.description, part.component, fields, context);
  if (part.type === 10) return el("div", { class: "text" }, markdown(part.content, context.names));
  return null;
}

function labelled(label, description, part, fields, context) {
  const field = inputFor(part, context);
  if (!field) return null;
  fields.set(part.custom_id, field);
  const needed = part.required !== false && part.type !== 23;
  return el(
    "div",
    { class: "field" },
    el(
      "label",
      {},
      el("span", {}, label, needed && el("b", { class: "needed", title: "needed" }, " *")),
      description && el("small", {}, description),
      field.node,
    ),
  );
}

function inputFor(part, context) {
  if (part.type === 4) {
    const long = part.style === 2;
    const field = textField({
      long,
      most: part.max_length,
      text: part.value || "",
      placeholder: part.placeholder || "",
    });
    if (long) field.node.rows = 3;
    return { ...field, blank: "" };
  }
  if (part.type === 3) return menu(part, part.options);
  if (part.type === 5) return menu(part, filled(part, context.people()).options);
  if (part.type === 6) return menu(part, filled(part, context.roles()).options);
  if (part.type === 7) return menu(part, filled(part, [...context.people(), ...context.roles()]).options);
  if (part.type === 8) return menu(part, filled(part, context.places()).options);
  if (part.type === 19) return { ...fileField({ limit: part.max_values || 1 }), isFile: true };
  if (part.type === 21) return ticksField(part.options, { name: part.custom_id, one: true });
  if (part.type === 22) return ticksField(part.options, { name: part.custom_id });
  if (part.type === 23) return tickField({ ticked: Boolean(part.default), label: "Yes" });
  return null;
}

function menu(part, options) {
  if ((part.max_values ?? 1) > 1) return ticksField(options, { name: part.custom_id });
  const choices = options.map((option) => ({ name: option.label, value: option.value }));
  const field = choiceField(choices, {
    chosen: options.find((option) => option.default)?.value,
    placeholder: part.placeholder || "Choose",
  });
  const chosen = field.value;
  return { ...field, value: () => (chosen() === undefined ? [] : [chosen()]) };
}
