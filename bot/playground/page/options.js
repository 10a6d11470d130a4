// A list to choose from with the keyboard, while the focus stays in an input.
import { el } from "./dom.js";

let lists = 0;

export class Options {
  /** Below or `above` the `input`; `choose(item, entered)` gets what was shown, and whether it was by Enter. */
  constructor(input, { choose, above = false }) {
    this.input = input;
    this.choose = choose;
    this.items = [];
    this.active = -1;
    this.id = `options${++lists}`;
    this.node = el("ul", {
      class: above ? "options above" : "options",
      id: this.id,
      role: "listbox",
      hidden: true,
    });
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-controls", this.id],
      ["aria-expanded", "false"],
      ["aria-autocomplete", "list"],
    ]) {
      input.setAttribute(name, value);
    }
    input.addEventListener("keydown", (event) => this.key(event));
  }

  get open() {
    return !this.node.hidden;
  }

  /** Show `items` ({nodes, …}); the one at `active` is chosen by Enter, none where it is -1. */
  show(items, { active = -1, empty = "" } = {}) {
    this.items = items;
    this.node.replaceChildren(
      ...items.map((item, index) => {
        const line = el("li", { id: `${this.id}-${index}`, role: "option" }, item.nodes);
        line.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays
        line.addEventListener("click", () => this.choose(item, false));
        return line;
      }),
    );
    if (!items.length && empty) this.node.append(el("li", { class: "empty" }, empty));
    this.node.hidden = !items.length && !empty;
    this.input.setAttribute("aria-expanded", String(this.open));
    this.mark(items.length ? active : -1);
  }

  close() {
    this.show([]);
  }

  mark(index) {
    this.active = index;
    [...this.node.children].forEach((line, at) => line.setAttribute("aria-selected", String(at === index)));
    if (index < 0) this.input.removeAttribute("aria-activedescendant");
    else {
      this.input.setAttribute("aria-activedescendant", `${this.id}-${index}`);
      this.node.children[index].scrollIntoView({ block: "nearest" });
    }
  }

  key(event) {
    if (!this.open || event.isComposing) return;
    const count = this.items.length;
    if (event.key === "ArrowDown" && count) this.mark((this.active + 1) % count);
    else if (event.key === "ArrowUp" && count) this.mark((this.active - 1 + count) % count);
    else if ((event.key === "Enter" || event.key === "Tab") && this.active >= 0)
      this.choose(this.items[this.active], event.key === "Enter");
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}
