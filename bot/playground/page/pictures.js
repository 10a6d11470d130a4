// Pictures and other files of messages, and the viewer that a click opens.
import { byId, bytes, el } from "./dom.js";

const LINK_LIFE = 3600 * 1000; // ms; the server's links live longer
const links = new Map();

/** The address of a file on this page's own server; null for any other, since the page reads nothing from outside. */
export function local(address) {
  const url = new URL(address, location.href);
  const here = url.port === location.port && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  return here ? url.pathname + url.search : null;
}

/** The same address for the same file, though each edit of its message brings another link: nothing flickers. */
function steady(file) {
  const known = links.get(file.id);
  if (known && Date.now() - known.since < LINK_LIFE) return known.address;
  const address = local(file.url);
  links.set(file.id, { address, since: Date.now() });
  return address;
}

export function attachment(file) {
  const address = file.id ? steady(file) : local(file.url);
  const isPicture = /^image\/(png|jpeg|gif|webp|bmp)/.test(file.content_type || "");
  if (!isPicture || !address) {
    return el(
      "a",
      { class: "file", href: address, download: file.filename, target: "_blank" },
      el("span", {}, file.filename),
      el("small", {}, bytes(file.size)),
    );
  }
  const shown = picture(address, {
    name: file.filename,
    about: file.description,
    width: file.width,
    height: file.height,
  });
  return file.filename.startsWith("SPOILER_") ? behindCover(shown) : shown;
}

/** A picture that opens in the viewer. */
export function picture(address, { name = "", about = "", width, height, small = false } = {}) {
  const image = el("img", { src: address, alt: about || name, width, height, loading: "lazy", draggable: false });
  image.addEventListener("error", () => image.classList.add("missing"));
  return el(
    "button",
    {
      class: small ? "picture small" : "picture",
      type: "button",
      title: name,
      aria: { label: `Enlarge ${about || name}` },
      on: { click: () => view(address, about || name) },
    },
    image,
  );
}

function behindCover(shown) {
  const cover = el("button", { class: "cover", type: "button" }, "Spoiler");
  const box = el("div", { class: "covered" }, shown, cover);
  cover.addEventListener("click", () => {
    cover.remove();
    box.classList.remove("covered");
  });
  return box;
}

function view(address, about) {
  const viewer = byId("viewer");
  const close = () => viewer.close();
  viewer.replaceChildren(
    el("img", { src: address, alt: about, on: { click: close } }),
    el(
      "p",
      {},
      el("span", {}, about),
      el("a", { href: address, target: "_blank" }, "Open original"),
      el("button", { type: "button", on: { click: close } }, "Close"),
    ),
  );
  viewer.onclick = (event) => event.target === viewer && close();
  viewer.showModal();
}
