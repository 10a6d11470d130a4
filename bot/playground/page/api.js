// The playground server's HTTP interface; its document stands at the head of web.py.

export class Refused extends Error {}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(`/page${path}`, options);
  } catch {
    throw new Refused("Easel cannot be reached. Is it still running?");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new Refused(
      body.error ||
        (response.status === 404 ? "That is not there any more." : `It did not work (${response.status}).`),
    );
  return body;
}

function post(path, body, files = {}) {
  const named = Object.entries(files).flatMap(([name, file]) =>
    Array.isArray(file) ? file.map((one) => [name, one]) : [[name, file]],
  );
  if (!named.length) {
    return ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }
  const form = new FormData();
  form.append("json", JSON.stringify(body));
  for (const [name, file] of named) form.append(name, file, file.name || "pasted.png");
  return ask(path, { method: "POST", body: form });
}

export const state = () => ask("/state");

/** What one person can do. */
export class Api {
  constructor(person) {
    this.root = `/${person}`;
  }

  channels = () => ask(`${this.root}/channels`);
  events = () => new EventSource(`/page${this.root}/events`);
  submit = (interaction, values, files) =>
    post(`${this.root}/interactions/${interaction}/modal`, { values }, files);
  at = (channel) => new Place(`${this.root}/channels/${channel}`);
}

/** What one person can do in one channel. */
class Place {
  constructor(root) {
    this.root = root;
  }

  messages = (before) => ask(`${this.root}/messages${before ? `?before=${before}` : ""}`);
  commands = () => ask(`${this.root}/commands`);
  send = (content, { replyTo, ping, files }) =>
    post(
      `${this.root}/messages`,
      { content, reply_to: replyTo, ping },
      Object.fromEntries(files.map((file, index) => [`file${index}`, file])),
    );
  remove = (message) => ask(`${this.root}/messages/${message}`, { method: "DELETE" });
  slash = (command, options, files) => post(`${this.root}/slash`, { command, options }, files);
  autocomplete = async (command, options, focused) =>
    (await post(`${this.root}/autocomplete`, { command, options, focused })).choices;
  press = (message, button) => post(`${this.root}/messages/${message}/press`, { button });
  select = (message, select, values) => post(`${this.root}/messages/${message}/select`, { select, values });
  menu = (message, name) => post(`${this.root}/messages/${message}/menu`, { name });
}
