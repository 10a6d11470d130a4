// Where one writes: a message with files, an answer to a message, or the beginning of a slash command.
import { byId, el, growing, notice } from "./dom.js";
import { Refused } from "./api.js";
import { Call } from "./call.js";
import { called, fitting, flattened } from "./commands.js";
import { preview } from "./fields.js";
import { excerpt } from "./message.js";
import { Options } from "./options.js";

export class Composer {
  /** `context` is {names, people, roles, places, sent(message), started(interaction)}. */
  constructor(context) {
    this.context = context;
    this.node = byId("composer");
    this.commands = [];
    this.place = null;
    this.call = null;
    this.files = [];
    this.answered = null;

    this.text = el("textarea", { rows: 1, maxLength: 2000, aria: { label: "Message" }, autocomplete: "off" });
    this.fit = growing(this.text);
    this.list = new Options(this.text, { above: true, choose: (item, entered) => this.choose(item.command, entered) });
    this.picker = el("input", { type: "file", multiple: true, hidden: true });
    this.reply = el("div", { class: "replying", hidden: true });
    this.shelf = el("div", { class: "shelf", hidden: true });
    const plus = el(
      "button",
      {
        class: "icon",
        type: "button",
        title: "Attach a file",
        aria: { label: "Attach a file" },
        on: { click: () => this.picker.click() },
      },
      "+",
    );
    const slash = el(
      "button",
      {
        class: "icon",
        type: "button",
        title: "Commands",
        aria: { label: "Commands" },
        on: { click: () => this.slash() },
      },
      "/",
    );
    this.send = el(
      "button",
      {
        class: "icon send",
        type: "button",
        title: "Send",
        aria: { label: "Send" },
        on: { click: () => this.submit() },
      },
      "➤",
    );
    this.writing = el(
      "div",
      { class: "writing" },
      this.list.node,
      this.reply,
      this.shelf,
      el("div", { class: "line" }, plus, slash, this.text, this.send),
      this.picker,
    );
    this.node.replaceChildren(this.writing);

    this.text.addEventListener("input", () => this.typed());
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.text.addEventListener("blur", () => this.list.close());
    this.picker.addEventListener("change", () => {
      this.attach([...this.picker.files]);
      this.picker.value = "";
    });
    document.addEventListener("paste", (event) => this.pasted(event));
    this.drops();
  }

  /** Go to another channel, with the `commands` that are offered there. */
  open(place, commands, { name, mayWrite }) {
    this.place = place;
    this.offer(commands);
    this.leave();
    this.cancelReply();
    this.files = [];
    this.showFiles();
    this.text.value = "";
    this.text.disabled = !mayWrite;
    const hint = matchMedia("(min-width: 720px)").matches ? ", or / for commands" : "";
    this.text.placeholder = mayWrite ? `Message ${name}${hint}` : "You may not write here";
    this.fit();
    if (matchMedia("(hover: hover)").matches) this.text.focus();
  }

  offer(commands) {
    this.commands = flattened(commands);
    if (this.list.open) this.typed();
  }

  // A slash command

  slash() {
    this.text.value = "/";
    this.fit();
    this.text.focus();
    this.typed();
  }

  typed() {
    const value = this.text.value;
    if (!value.startsWith("/") || value.includes("\n")) return this.list.close();
    const whole = called(this.commands, value.slice(1));
    if (whole) return this.begin(whole.command, whole.rest);
    const items = fitting(this.commands, value.slice(1)).map((command) => ({
      command,
      nodes: [el("b", {}, `/${command.path}`), el("span", {}, command.description)],
    }));
    const empty = this.commands.length ? "There is no such command" : "Easel offers no commands here yet";
    return this.list.show(items, { active: 0, empty });
  }

  /** Begin the command that was chosen; typed out and `entered`, it is sent at once if it needs nothing more. */
  choose(command, entered) {
    const typedOut = this.text.value === `/${command.path}`;
    this.begin(command, "");
    if (entered && typedOut && !command.options.some((option) => option.required)) this.call.submit();
  }

  begin(command, rest) {
    this.list.close();
    this.text.value = "";
    this.fit();
    this.call = new Call(command, rest.trim(), {
      place: this.place,
      people: this.context.people,
      roles: this.context.roles,
      places: this.context.places,
      done: (interaction) => {
        this.leave();
        this.context.started(interaction);
      },
      cancel: () => this.leave(),
    });
    for (const file of this.files) this.call.accept(file);
    this.node.replaceChildren(this.call.node);
    this.call.focus();
  }

  leave() {
    if (!this.call) return;
    this.call = null;
    this.node.replaceChildren(this.writing);
    this.text.focus();
  }

  // An answer to a message

  answer(message) {
    this.leave();
    const ping = el("input", { type: "checkbox", checked: true });
    const close = el(
      "button",
      { class: "icon", type: "button", aria: { label: "Do not reply" }, on: { click: () => this.cancelReply() } },
      "✕",
    );
    this.answered = { id: message.id, ping };
    this.reply.replaceChildren(
      el(
        "span",
        { class: "about" },
        "Replying to ",
        el("b", {}, message.author.name),
        " ",
        el("span", {}, excerpt(message)),
      ),
      el(
        "label",
        { title: "Mention the author: a bot reads an answer only when it is mentioned" },
        ping,
        " @ mention",
      ),
      close,
    );
    this.reply.hidden = false;
    this.text.focus();
  }

  cancelReply() {
    this.answered = null;
    this.reply.hidden = true;
  }

  // Files

  attach(files) {
    for (const file of files) if (!this.call?.accept(file) && !this.call) this.files.push(file);
    this.showFiles();
  }

  showFiles() {
    const out = (file) => {
      this.files = this.files.filter((other) => other !== file);
      this.showFiles();
    };
    this.shelf.hidden = !this.files.length;
    this.shelf.replaceChildren(
      ...this.files.map((file) =>
        el(
          "div",
          { class: "card" },
          preview(file),
          el(
            "button",
            {
              class: "icon",
              type: "button",
              aria: { label: `Take out ${file.name}` },
              on: { click: () => out(file) },
            },
            "✕",
          ),
        ),
      ),
    );
  }

  pasted(event) {
    const files = [...(event.clipboardData?.files || [])];
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.attach(files);
  }

  drops() {
    const over = (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    };
    document.addEventListener("dragover", over);
    document.addEventListener(
      "dragleave",
      (event) => event.relatedTarget || document.body.classList.remove("dropping"),
    );
    document.addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      this.attach([...event.dataTransfer.files]);
    });
  }

  // Sending

  key(event) {
    if (event.isComposing || event.defaultPrevented) return;
    if (event.key === "Escape") this.cancelReply();
    else if (event.key === "Enter" && !event.shiftKey) this.submit();
    else return;
    event.preventDefault();
  }

  async submit() {
    const content = this.text.value.trim();
    if (this.send.disabled || (!content && !this.files.length)) return;
    this.send.disabled = true;
    const answered = this.answered;
    try {
      const message = await this.place.send(content, {
        replyTo: answered?.id,
        ping: answered?.ping.checked,
        files: this.files,
      });
      this.text.value = "";
      this.fit();
      this.files = [];
      this.showFiles();
      this.cancelReply();
      this.context.sent(message);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      notice(error.message);
    } finally {
      this.send.disabled = false;
    }
  }
}
