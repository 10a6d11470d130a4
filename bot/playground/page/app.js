// The page: who one is, where one is, and what arrives.
import { Api, Refused, state } from "./api.js";
import { Composer } from "./composer.js";
import { byId, el, notice } from "./dom.js";
import { Feed } from "./feed.js";
import { keepTime } from "./markdown.js";
import { Interactions } from "./interactions.js";
import { addressOf, showPlaces, titleOf, welcome } from "./places.js";

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
    const shared = {
      names: {
        user: (id) => this.people.get(id) || "somebody",
        role: (id) => this.channel.roles.find((role) => role.id === id)?.name || "deleted-role",
        channel: (id) => this.channels.find((channel) => channel.id === id)?.name || "unknown",
      },
      people: () => [...this.people].map(([value, label]) => ({ value, label })),
      roles: () => this.channel.roles.map(({ id, name }) => ({ value: id, label: name })),
      places: () =>
        this.channels
          .filter((channel) => channel.guild && channel.guild === this.channel.guild)
          .map((channel) => ({ value: channel.id, label: `#${channel.name}` })),
    };
    this.interactions = new Interactions({ ...shared, api: () => this.api });
    const app = this;
    this.feed = new Feed({
      ...shared,
      get me() {
        return app.person.id;
      },
      get mayWrite() {
        return app.channel.may_write;
      },
      menus: () => this.commands.filter((command) => command.type === 3),
      press: (message, button, node) => this.interactions.begin(node, () => this.place.press(message.id, button)),
      choose: (message, select, values, node) =>
        this.interactions.begin(node, () => this.place.select(message.id, select, values)),
      menu: (message, name) => this.interactions.begin(null, () => this.place.menu(message.id, name)),
      reply: (message) => this.composer.answer(message),
      remove: (message) => this.remove(message),
    });
    this.composer = new Composer({
      ...shared,
      sent: (message) => this.feed.put(message),
      started: (interaction) => this.interactions.follow(interaction),
    });
    byId("persons").addEventListener("change", (event) => this.become(event.target.value, this.channel.name));
    byId("menu").addEventListener("click", () => this.drawer(!document.body.classList.contains("drawer")));
    document
      .querySelector("main")
      .addEventListener("click", (event) => event.target.closest("#menu") || this.drawer(false));
    addEventListener("hashchange", () => this.fromAddress());
    // A page that the browser keeps for its back button must not hold one of the few connections to a server.
    addEventListener("pagehide", () => this.stream?.close());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  get place() {
    return this.api.at(this.channel.id);
  }

  async start() {
    const { bot, persons } = await state();
    this.bot = bot;
    this.persons = persons;
    for (const one of [bot, ...persons]) this.people.set(one.id, one.name);
    byId("persons").replaceChildren(
      ...persons.map((one) =>
        el("option", { value: one.id }, one.moderator ? `${one.name} (moderator)` : one.name),
      ),
    );
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
    return (
      this.channels.find((channel) => addressOf(channel) === name) ||
      this.channels.find((channel) => channel.name === name) ||
      this.channels[0]
    );
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
    this.waiting = [];
    await this.listen();
    if (moves === this.moves) await this.enter(this.channelNamed(where));
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
    const { place } = this;
    this.waiting = [];
    try {
      const [messages, commands] = await Promise.all([place.messages(), place.commands()]);
      if (moves !== this.moves) return;
      messages.forEach((message) => this.meet(message));
      this.commands = commands;
      this.feed.reset(messages, {
        load: (before) => place.messages(before),
        welcome: welcome(this.channel, this.bot),
      });
      if (anew)
        this.composer.open(place, commands, { name: titleOf(this.channel), mayWrite: this.channel.may_write });
      else this.composer.offer(commands);
    } finally {
      if (moves === this.moves) {
        const events = this.waiting;
        this.waiting = null;
        for (const [name, data] of events) this.arrived(name, data);
      }
    }
  }

  // What arrives

  /** Open the person's stream of events; done when it is open, so that nothing falls between it and what is loaded. */
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
      this.online((await state()).bot.online);
      await this.load(++this.moves, { anew: false });
    });
    for (const name of [
      "message",
      "message_edit",
      "message_delete",
      "reaction",
      "interaction",
      "commands",
      "typing",
      "bot",
    ]) {
      stream.addEventListener(name, (event) => {
        if (stream !== this.stream || event.data === undefined) return;
        const data = JSON.parse(event.data);
        if (this.waiting) this.waiting.push([name, data]);
        else this.arrived(name, data);
      });
    }
    return new Promise((done) => {
      for (const name of ["open", "error"]) stream.addEventListener(name, done, { once: true });
    });
  }

  arrived(name, data) {
    if (name === "interaction") return this.interactions.told(data);
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
    for (const user of [
      message.author,
      message.referenced_message?.author,
      message.interaction_metadata?.user,
      ...(message.mentions || []),
    ]) {
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
    showPlaces(this.channels, this.channel, { bot: this.bot, enter: (channel) => this.enter(channel) });
  }

  /** Say whether the bot is there; null while the server itself is not. */
  online(online) {
    const words =
      online === null
        ? "Connecting again…"
        : online
          ? `${this.bot.name} is online`
          : `${this.bot.name} is starting…`;
    const shown = byId("bot");
    if (shown.textContent === words) return;
    shown.textContent = words;
    shown.className = online ? "online" : "offline";
  }

  drawer(open) {
    document.body.classList.toggle("drawer", open);
    byId("menu").setAttribute("aria-expanded", String(open));
  }
}

addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Refused)) return;
  event.preventDefault();
  notice(event.reason.message);
});

await new App().start();
