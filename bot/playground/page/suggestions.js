// A text field with suggestions that the bot makes while one types.
import { el } from "./dom.js";
import { Options } from "./options.js";

const PAUSE = 180; // ms after the last key

/** A field (see fields.js); `ask(text)` gives choices {name, value}, `read(text)` the value of free text. */
export function suggesting(ask, read) {
  const input = el("input", { type: "text", autocomplete: "off", spellcheck: false });
  const node = el("div", { class: "suggesting" }, input);
  const list = new Options(input, { above: true, choose: (choice) => take(choice) });
  node.append(list.node);
  let chosen = null; // the choice whose name stands in the input
  let asked = 0;
  let timer;

  function take(choice) {
    chosen = choice;
    input.value = choice.name;
    asked += 1; // an answer that is still on its way is stale
    list.close();
  }

  async function refresh() {
    const mine = ++asked;
    let choices;
    try {
      choices = await ask(input.value);
    } catch {
      choices = [];
    }
    if (mine !== asked || document.activeElement !== input) return;
    list.show(choices.map((choice) => ({ ...choice, nodes: [el("span", {}, choice.name)] })));
  }

  input.addEventListener("input", () => {
    chosen = null;
    clearTimeout(timer);
    timer = setTimeout(refresh, PAUSE);
  });
  input.addEventListener("focus", refresh);
  input.addEventListener("blur", () => list.close());
  return {
    node,
    value: () => (chosen ? chosen.value : read(input.value.trim())),
    file: () => undefined,
    focus: () => input.focus(),
    accept: () => false,
    set: (text) => {
      input.value = text;
      chosen = null;
    },
  };
}
