// The page: who one is, where one is, and what arrives.
import * as api from "./api.js";
import { Api, Refused } from "./api.js";
import { Composer } from "./composer.js";
import { byId, el, notice } from "./dom.js";
import { Feed } from "./feed.js";
import { keepTime } from "./markdown.js";
import { avatar } from "./message.js";
import { openModal } from "./modal.js";

const TYPING = 10_000; // ms that "is typing" stands

class App {
  constructor() {
    this.bot = null;
    this.persons = [];
    this.person = null;
    this.channels = [];
    this.channel = null;
    this.commands = [];
    this.people = new Map(); // id -> name, of everybody who was seen
    this.api = null;
    this.stream = null;
    this.waiting = null; // events that arrive while a channel is loaded
    this.moves = 0; // changes of person or channel; what was asked for before one is not shown after it
    this.started = new Set(); // interactions that this page began
    this.early = new Map(); // interactions that were told of before their own request was answered
    const shared = {
      names: { user: (id) => this.people.get(id) || "somebody", channel: (id) => this.channels.find((channel) => channel.id === id)?.name || "unknown" },
      people: () => [...this.people].map(([value, label]) => ({ value, label })),
      places: () => this.channels.filter((channel) => !channel.direct).map((channel) => ({ value: channel.id, label: `#${channel.name}` })),
    };
    this.shared = shared;
    const app = this;
    this.feed = new Feed({
      ...shared,
      get me() { return app.person.id; },
      get mayWrite() { return app.channel.may_write; },
      menus: () => this.commands.filter((command) => command.type === 3),
      press: (message, button, node) => this.act(node, () => this.place.press(message.id, button)),
      choose: (message, select, values, node) => this.act(node, () => this.place.select(message.id, select, values)),
      menu: (message, name) => this.act(null, () => this.place.menu(message.id, name)),
      reply: (message) => this.composer.answer(message),
      remove: (message) => this.remove(message),
    });
    this.composer = new Composer({ ...shared, sent: (message) => this.feed.put(message), started: (interaction) => this.follow(interaction) });
    byId("persons").addEventListener("change", (event) => this.become(event.target.value, this.channel.name));
    byId("menu").addEventListener("click", () => this.drawer(!document.body.classList.contains("drawer")));
    document.querySelector("main").addEventListener("click", (event) => event.target.closest("#menu") || this.drawer(false));
    addEventListener("hashchange", () => this.fromAddress());
  }

  get place() {
    return this.api.at(this.channel.id);
  }

  async start() {
    const { bot, persons } = await api.state();
    this.bot = bot;
    this.persons = persons;
    for (const one of [bot, ...persons]) this.people.set(one.id, one.name);
    byId("persons").replaceChildren(...persons.map((one) => el("option", { value: one.id }, one.moderator ? `${one.name} (moderator)` : one.name)));
    this.online(bot.online);
    keepTime();
    await this.fromAddress();
  }

  /** `#ada/general` says who and where, so that each tab of a browser can be somebody else. */
  async fromAddress() {
    const [who, where] = decodeURIComponent(location.hash.slice(1)).split("/");
    const person = this.persons.find((one) => one.username === who) || this.persons[0];
    if (person !== this.person) await this.become(person.id, where);
    else if (where && where !== addressOf(this.channel)) await this.enter(this.channelNamed(where));
  }

  channelNamed(name) {
    return this.channels.find((channel) => addressOf(channel) === name) || this.channels.find((channel) => channel.name === name) || this.channels[0];
  }

  async become(id, where) {
    this.person = this.persons.find((one) => one.id === id);
    byId("persons").value = id;
    this.api = new Api(id);
    const moves = ++this.moves;
    this.stream?.close();
    const channels = await this.api.channels();
    if (moves !== this.moves) return;
    this.channels = channels.sort((one, other) => Number(one.direct) - Number(other.direct));
    await this.enter(this.channelNamed(where));
    this.listen();
  }

  async enter(channel) {
    const moves = ++this.moves;
    this.channel = channel;
    channel.unread = false;
    history.replaceState(null, "", `#${this.person.username}/${addressOf(channel)}`);
    this.drawer(false);
    this.showPlaces();
    await this.load(moves, { anew: true });
  }

  async load(moves, { anew }) {
    this.waiting = [];
    const [messages, commands] = await Promise.all([this.place.messages(), this.place.commands()]);
    if (moves !== this.moves) return;
    messages.forEach((message) => this.meet(message));
    this.commands = commands;
    const place = this.place;
    this.feed.reset(messages, { load: async (before) => place.messages(before), welcome: this.welcome() });
    if (anew) this.composer.open(place, commands, { name: titleOf(this.channel), mayWrite: this.channel.may_write });
    else this.composer.offer(commands);
    const events = this.waiting;
    this.waiting = null;
    for (const [name, data] of events) this.arrived(name, data);
  }

  // What arrives

  listen() {
    this.stream?.close();
    const stream = this.api.events();
    this.stream = stream;
    let lost = false;
    stream.addEventListener("error", () => {
      lost = true;
      this.online(null);
    });
    stream.addEventListener("open", async () => {
      if (!lost) return;
      lost = false;
      this.online((await api.state()).bot.online);
      await this.load(++this.moves, { anew: false });
    });
    for (const name of ["message", "message_edit", "message_delete", "reaction", "interaction", "commands", "typing", "bot"]) {
      stream.addEventListener(name, (event) => {
        if (stream !== this.stream || event.data === undefined) return;
        const data = JSON.parse(event.data);
        if (this.waiting) this.waiting.push([name, data]);
        else this.arrived(name, data);
      });
    }
  }

  arrived(name, data) {
    if (name === "interaction") return this.told(data);
    if (name === "commands") return this.commandsChanged();
    if (name === "bot") return this.online(data.online);
    if (data.channel_id !== this.channel.id) return this.elsewhere(name, data);
    if (name === "typing") return this.typing();
    if (name === "message_delete") return this.feed.remove(data.id);
    this.meet(data);
    if (data.author.id === this.bot.id) byId("typing").textContent = "";
    return this.feed.put(data);
  }

  elsewhere(name, data) {
    const channel = this.channels.find((one) => one.id === data.channel_id);
    if (name !== "message" || !channel) return;
    channel.unread = true;
    this.showPlaces();
  }

  async commandsChanged() {
    const moves = this.moves;
    const commands = await this.place.commands();
    if (moves !== this.moves) return;
    this.commands = commands;
    this.composer.offer(commands);
    this.feed.refresh();
  }

  meet(message) {
    for (const user of [message.author, message.referenced_message?.author, message.interaction_metadata?.user, ...(message.mentions || [])]) {
      if (user && !this.people.has(user.id)) this.people.set(user.id, user.global_name || user.username);
    }
  }

  typing() {
    const line = byId("typing");
    line.textContent = `${this.bot.name} is typing…`;
    clearTimeout(this.typed);
    this.typed = setTimeout(() => (line.textContent = ""), TYPING);
  }

  // What one does

  /** Do something that begins an interaction, with `node` busy until it is answered. */
  async act(node, begin) {
    if (node?.classList.contains("busy")) return;
    node?.classList.add("busy");
    try {
      this.follow(await begin(), node);
    } catch (error) {
      node?.classList.remove("busy");
      this.problem(error);
    }
  }

  follow(interaction, node = null) {
    this.started.add(interaction.id);
    this.nodes ??= new Map();
    if (node) this.nodes.set(interaction.id, node);
    const early = this.early.get(interaction.id);
    this.early.delete(interaction.id);
    this.told(early || interaction);
  }

  told(interaction) {
    if (!this.started.has(interaction.id)) {
      this.early.set(interaction.id, interaction);
      return;
    }
    if (interaction.stage === "waiting") return;
    this.started.delete(interaction.id);
    this.nodes?.get(interaction.id)?.classList.remove("busy");
    this.nodes?.delete(interaction.id);
    if (interaction.stage === "failed") notice("The application did not respond");
    if (interaction.modal) {
      const api_ = this.api;
      openModal(interaction.modal, async (values, files) => this.follow(await api_.submit(interaction.id, values, files)), this.shared);
    }
  }

  async remove(message) {
    try {
      await this.place.remove(message.id);
      this.feed.remove(message.id);
    } catch (error) {
      this.problem(error);
    }
  }

  problem(error) {
    if (!(error instanceof Refused)) throw error;
    notice(error.message);
  }

  // What is shown around the messages

  showPlaces() {
    const groups = new Map();
    for (const channel of this.channels) {
      const name = channel.direct ? "Direct messages" : channel.guild;
      groups.set(name, [...(groups.get(name) || []), channel]);
    }
    byId("channels").replaceChildren(
      ...[...groups].map(([name, channels]) => el("section", {}, el("h2", {}, name), channels.map((channel) => this.placeLine(channel)))),
    );
    byId("title").textContent = titleOf(this.channel);
    document.title = `${titleOf(this.channel)} · Easel playground`;
  }

  placeLine(channel) {
    const here = channel === this.channel;
    const about = channel.nsfw ? "age-restricted" : channel.bot_is_here ? "" : "without Easel";
    return el(
      "button",
      { type: "button", class: ["place", here && "here", channel.unread && "unread"].filter(Boolean).join(" "), aria: here ? { current: "page" } : {}, on: { click: () => this.enter(channel) } },
      channel.direct ? avatar(this.bot.id, channel.name, true) : el("span", { class: "hash" }, "#"),
      el("span", {}, channel.name),
      about && el("small", {}, about),
    );
  }

  welcome() {
    const words = this.channel.direct
      ? `Only you and ${this.bot.name} read this.`
      : "A channel of the playground: it looks like Discord, and it all stays on this machine.";
    const hint = ["Type ", el("kbd", {}, "/"), " to see what Easel can do, or reply to a picture to redraw it."];
    return [el("h2", {}, `Welcome to ${titleOf(this.channel)}`), el("p", {}, words), this.channel.bot_is_here && el("p", {}, hint)];
  }

  online(state) {
    const words = state === null ? "Connecting again…" : state ? `${this.bot.name} is online` : `${this.bot.name} is starting…`;
    const shown = byId("bot");
    if (shown.textContent === words) return;
    shown.textContent = words;
    shown.className = state ? "online" : "offline";
    this.bot.online = Boolean(state);
  }

  drawer(open) {
    document.body.classList.toggle("drawer", open);
    byId("menu").setAttribute("aria-expanded", String(open));
  }
}

const titleOf = (channel) => (channel.direct ? `@${channel.name}` : `#${channel.name}`);
const addressOf = (channel) => (channel.direct ? "@easel" : channel.name);

addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Refused)) return;
  event.preventDefault();
  notice(event.reason.message);
});

await new App().start();
