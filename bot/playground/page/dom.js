// Elements made by hand. Text always becomes text nodes, so nothing that anybody writes is ever read as HTML.

/** An element; `given` are properties, except for `class`, `data`, `aria`, `on` (listeners) and `role`. */
export function el(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue;
    if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "aria")
      for (const [key, text] of Object.entries(value)) node.setAttribute(`aria-${key}`, text);
    else if (name === "on")
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "role") node.setAttribute("role", value);
    else node[name] = value;
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Let a textarea be as high as its text, up to what the style sheet allows. */
export function growing(area) {
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  };
  area.addEventListener("input", fit);
  requestAnimationFrame(fit);
  return fit;
}

/** Tell something in passing; `problem` stays until it is dismissed. */
export function notice(text, { problem = true } = {}) {
  const box = el("div", { class: problem ? "notice problem" : "notice" }, el("span", {}, text));
  box.append(
    el(
      "button",
      { class: "icon", type: "button", aria: { label: "Dismiss" }, on: { click: () => box.remove() } },
      "✕",
    ),
  );
  const shown = byId("notices");
  for (const old of [...shown.children]) if (old.firstChild.textContent === text) old.remove();
  shown.append(box);
  if (!problem) setTimeout(() => box.remove(), 6000);
}

export function bytes(size) {
  if (size < 1024) return `${size} B`;
  return size < 1024 * 1024 ? `${Math.round(size / 1024)} KB` : `${(size / 1024 / 1024).toFixed(1)} MB`;
}

/** Ids grow with time; they are too long for a number. */
export const earlier = (one, other) => (one.length === other.length ? one < other : one.length < other.length);
