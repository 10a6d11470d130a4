// What was asked of the bot, until it has answered.
import { Refused } from "./api.js";
import { notice } from "./dom.js";
import { openModal } from "./modal.js";

const MOST_EARLY = 50;

export class Interactions {
  /** `context` is what a modal needs, and `api()`. */
  constructor(context) {
    this.context = context;
    this.started = new Set(); // begun by this page
    this.early = new Map(); // told of before their own request was answered, or begun by another tab
    this.nodes = new Map(); // id -> the button that is busy until there is an answer
  }

  /** Do something that begins an interaction, with `node` busy until it is answered. */
  async begin(node, ask) {
    if (node?.classList.contains("busy")) return;
    node?.classList.add("busy");
    try {
      this.follow(await ask(), node);
    } catch (error) {
      node?.classList.remove("busy");
      if (!(error instanceof Refused)) throw error;
      notice(error.message);
    }
  }

  follow(interaction, node = null) {
    this.started.add(interaction.id);
    if (node) this.nodes.set(interaction.id, node);
    const early = this.early.get(interaction.id);
    this.early.delete(interaction.id);
    this.told(early || interaction);
  }

  /** Take in how an interaction stands. */
  told(interaction) {
    if (!this.started.has(interaction.id)) {
      this.early.set(interaction.id, interaction);
      if (this.early.size > MOST_EARLY) this.early.delete(this.early.keys().next().value);
      return;
    }
    if (interaction.stage === "waiting") return;
    this.started.delete(interaction.id);
    this.nodes.get(interaction.id)?.classList.remove("busy");
    this.nodes.delete(interaction.id);
    if (interaction.stage === "failed") notice("The application did not respond");
    if (interaction.modal) this.fillIn(interaction);
  }

  fillIn(interaction) {
    const api = this.context.api(); // the form belongs to whom it was opened for
    const send = async (values, files) => this.follow(await api.submit(interaction.id, values, files));
    openModal(interaction.modal, send, this.context);
  }
}
