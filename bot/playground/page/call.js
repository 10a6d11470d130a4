// A slash command being filled in: its required options, and those optional ones that were asked for.
import { el } from "./dom.js";
import { Refused } from "./api.js";
import { bounds, optionField } from "./fields.js";

export class Call {
  /**
   * `context` is {place, people, roles, places, done(interaction), cancel()}; `rest` is what was typed behind the command.
   */
  constructor(command, rest, context) {
    this.command = command;
    this.context = context;
    this.fields = new Map();
    this.hint = el("p", { class: "hint" });
    this.problem = el("p", { class: "problem", role: "alert" });
    this.given = el("div", { class: "given" });
    this.more = el("div", { class: "more", role: "group", aria: { label: "More options" } });
    this.send = el("button", { class: "button primary", type: "submit" }, "Send");
    const close = el(
      "button",
      {
        class: "icon",
        type: "button",
        aria: { label: "Leave the command" },
        on: { click: () => context.cancel() },
      },
      "✕",
    );
    this.node = el(
      "form",
      {
        class: "call",
        on: {
          submit: (event) => {
            event.preventDefault();
            this.submit();
          },
          keydown: (event) => this.key(event),
        },
      },
      el(
        "div",
        { class: "top" },
        el("b", { class: "mention" }, `/${command.path}`),
        el("span", { class: "about" }, command.description),
        close,
      ),
      this.given,
      this.more,
      this.problem,
      el("div", { class: "foot" }, this.hint, this.send),
    );
    for (const option of command.options) if (option.required) this.add(option);
    this.offer();
    this.fill(rest);
  }

  /** Take over what was typed or pasted behind the command: `a red cat`, or `prompt: a red cat steps: 4`. */
  fill(rest) {
    const texts = this.command.options.filter((option) => option.type !== 11);
    const marks = texts.length
      ? [...rest.matchAll(new RegExp(`(?<!\\S)(${texts.map((option) => option.name).join("|")}):`, "g"))]
      : [];
    const put = (name, text) => {
      const option = texts.find((one) => one.name === name);
      if (option && text) (this.fields.get(name) || this.add(option)).set(text);
    };
    put(texts[0]?.name, rest.slice(0, marks[0]?.index).trim());
    marks.forEach((mark, at) =>
      put(mark[1], rest.slice(mark.index + mark[0].length, marks[at + 1]?.index).trim()),
    );
    this.offer();
  }

  focus() {
    const empty = [...this.fields.values()].find((field) => field.value() === undefined && !field.file());
    (empty || [...this.fields.values()].at(-1))?.focus();
    if (!this.fields.size) this.send.focus();
  }

  add(option) {
    const field = optionField(option, { ...this.context, suggest: (name, text) => this.suggest(name, text) });
    const label = el("label", { class: "name" }, option.name);
    const input = field.node.matches("input, textarea, select")
      ? field.node
      : field.node.querySelector("input:not([hidden]), button");
    input.id = label.htmlFor = `option-${option.name}`;
    const line = el(
      "div",
      {
        class: option.type === 3 && (option.max_length || 0) >= 200 ? "option wide" : "option",
        data: { option: option.name },
      },
      label,
      field.node,
    );
    if (!option.required) {
      const out = () => {
        this.fields.delete(option.name);
        line.remove();
        this.offer();
        this.focus();
      };
      line.append(
        el(
          "button",
          { class: "icon", type: "button", aria: { label: `Leave out ${option.name}` }, on: { click: out } },
          "✕",
        ),
      );
    }
    line.addEventListener("focusin", () => this.explain(option));
    line.addEventListener("input", () => (this.problem.textContent = ""));
    this.fields.set(option.name, field);
    this.given.append(line);
    return field;
  }

  /** Chips for the options that are not there yet. */
  offer() {
    this.more.replaceChildren(
      ...this.command.options
        .filter((option) => !this.fields.has(option.name))
        .map((option) =>
          el(
            "button",
            {
              class: "chip",
              type: "button",
              title: option.description,
              data: { option: option.name },
              on: {
                click: () => {
                  const field = this.add(option);
                  this.offer();
                  field.focus();
                },
              },
            },
            `+ ${option.name}`,
          ),
        ),
    );
  }

  explain(option) {
    const range = bounds(option);
    this.hint.replaceChildren(el("b", {}, option.name), ` ${option.description}${range ? ` (${range})` : ""}`);
  }

  values() {
    return Object.fromEntries(
      [...this.fields].map(([name, field]) => [name, field.value()]).filter(([, value]) => value !== undefined),
    );
  }

  suggest(name, text) {
    return this.context.place.autocomplete(this.command.path, { ...this.values(), [name]: text }, name);
  }

  /** Take a pasted or dropped file into the first option for files that is empty, or not yet there. */
  accept(file) {
    const options = this.command.options.filter((option) => option.type === 11);
    const option = options.find((one) => !this.fields.get(one.name)?.file()) || options[0];
    if (!option) return false;
    const field = this.fields.get(option.name) || this.add(option);
    this.offer();
    return field.accept(file);
  }

  /** Enter sends from every field; what a browser would do with it otherwise, the space bar does as well. */
  key(event) {
    if (event.isComposing || event.defaultPrevented) return;
    if (event.key === "Escape") this.context.cancel();
    else if (event.key === "Enter" && !event.shiftKey && event.target.matches("textarea, select")) this.submit();
    else return;
    event.preventDefault();
  }

  async submit() {
    if (this.send.disabled) return;
    const files = Object.fromEntries(
      [...this.fields].map(([name, field]) => [name, field.file()]).filter(([, file]) => file),
    );
    const missing = this.command.options.find(
      (option) => option.required && this.values()[option.name] === undefined && !files[option.name],
    );
    if (missing) {
      this.problem.textContent = `${missing.name} is needed: ${missing.description}`;
      this.fields.get(missing.name).focus();
      return;
    }
    this.send.disabled = true;
    try {
      this.context.done(await this.context.place.slash(this.command.path, this.values(), files));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.problem.textContent = error.message;
      this.send.disabled = false;
    }
  }
}
