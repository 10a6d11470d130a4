// The messages of a channel, oldest first, kept at the newest while the reader is there.
import { byId, earlier, el } from "./dom.js";
import { renderMessage } from "./message.js";

const GROUPED = 5 * 60 * 1000; // ms within which messages of one author stand under one name
const NEAR = 120; // px from the end that still count as being there
const PAGE = 50; // messages that the server hands out at once

export class Feed {
  /** `context` as `renderMessage` takes it; `load(before)` gives older messages. */
  constructor(context) {
    this.box = byId("messages");
    this.newest = byId("newest");
    this.context = Object.assign(context, { jump: (id) => this.jump(id) });
    this.messages = new Map();
    this.box.addEventListener("scroll", () => this.scrolled());
    this.newest.addEventListener("click", () => this.toEnd());
    // Pictures that arrive and the keyboard of a phone move the end away.
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.box);
    this.atEnd = true;
    this.height = 0; // px of all that is shown, when the reader was last looked for
    this.load = null;
  }

  /** Show another channel. */
  reset(messages, { load, welcome }) {
    this.load = messages.length >= PAGE ? load : null;
    this.messages.clear();
    this.box.replaceChildren(el("div", { class: "welcome" }, welcome));
    for (const message of messages) this.place(message);
    this.regroup();
    this.toEnd();
  }

  /** Show a new message, or a known one as it is now. */
  put(message) {
    const known = this.messages.has(message.id);
    const stay = this.atEnd || message.mine;
    this.place(message);
    this.regroup();
    if (stay) this.toEnd();
    else if (!known) this.newest.hidden = false;
  }

  remove(id) {
    this.node(id)?.remove();
    this.messages.delete(id);
    this.regroup();
  }

  /** Draw every message again, as when its menu commands have changed. */
  refresh() {
    for (const message of this.messages.values()) this.place(message);
    this.regroup();
  }

  jump(id) {
    const node = this.node(id);
    if (!node) return;
    node.scrollIntoView({ block: "center", behavior: "smooth" });
    node.classList.add("pointed");
    setTimeout(() => node.classList.remove("pointed"), 1500);
  }

  node(id) {
    return this.box.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  place(message) {
    const old = this.node(message.id);
    const node = renderMessage(message, this.context);
    this.messages.set(message.id, message);
    if (!old) {
      const next = [...this.box.querySelectorAll(".message")].reverse();
      const previous = next.find((other) => earlier(other.dataset.id, message.id));
      if (previous) previous.after(node);
      else this.box.firstElementChild.after(node);
    } else {
      const focused = old.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
      old.replaceWith(node);
      if (focused) node.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    // The height of a picture is only known once it is there, where the server does not tell it.
    for (const image of node.querySelectorAll("img"))
      image.addEventListener("load", () => this.atEnd && this.toEnd());
  }

  regroup() {
    let previous = null;
    for (const node of this.box.querySelectorAll(".message")) {
      const follows =
        previous &&
        previous.dataset.author === node.dataset.author &&
        node.dataset.fresh === "false" &&
        Number(node.dataset.time) - Number(previous.dataset.time) < GROUPED;
      node.classList.toggle("follows", Boolean(follows));
      previous = node;
    }
  }

  toEnd() {
    this.height = this.box.scrollHeight;
    this.box.scrollTop = this.height;
    this.atEnd = true;
    this.newest.hidden = true;
  }

  async scrolled() {
    const moved = this.box.scrollHeight !== this.height; // what is shown, and not the reader
    this.height = this.box.scrollHeight;
    if (moved && this.atEnd) this.toEnd();
    this.atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR;
    if (this.atEnd) this.newest.hidden = true;
    if (this.box.scrollTop > NEAR || !this.load || !this.messages.size) return;
    const load = this.load;
    this.load = null;
    const first = this.box.querySelector(".message");
    const older = await load(first.dataset.id);
    const fromEnd = this.box.scrollHeight - this.box.scrollTop;
    for (const message of older) this.place(message);
    this.regroup();
    this.box.scrollTop = this.box.scrollHeight - fromEnd;
    if (older.length >= PAGE) this.load = load;
  }
}
