/** The drawer of exchanges: what lately went over the wire, fetched anew while the drawer is open. */

import { byId, mirror, part, setText, stamp } from "./dom.js";
import { network } from "./network.js";

const REFRESH_MS = 1500;

const KINDS = {
  api: ["→", "REST request to the network"],
  fetch: ["←", "TwiML fetched from the application"],
  callback: ["←", "Callback to the application"],
  warning: ["!", "Warning about a document"],
};

/** Wires the drawer; `notify(text)` tells what went wrong. */
export function wireExchanges(notify) {
  const drawer = byId("exchanges");
  const opener = byId("exchanges-open");
  let timer = null;

  async function refresh() {
    try {
      render((await network.exchanges()).exchanges);
    } catch (error) {
      notify(error.message);
    }
  }

  function setOpen(open) {
    drawer.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    clearInterval(timer);
    if (open) {
      refresh();
      timer = setInterval(refresh, REFRESH_MS);
    }
    (open ? drawer : opener).focus();
  }

  opener.addEventListener("click", () => setOpen(drawer.hidden));
  byId("exchanges-close").addEventListener("click", () => setOpen(false));
  drawer.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // this Escape closes the drawer and hangs up nothing
    setOpen(false);
  });
}

function render(exchanges) {
  byId("exchanges-empty").hidden = exchanges.length > 0;
  mirror(byId("exchange-list"), [...exchanges].reverse(), {
    key: ({ id }) => id,
    create: createRow,
    update: () => {}, // what was exchanged does not change
  });
}

function createRow(exchange) {
  const row = stamp("exchange-row");
  const [arrow, kind] = KINDS[exchange.kind] ?? ["·", exchange.kind];
  setText(part(row, "arrow"), arrow);
  setText(part(row, "kind"), kind);
  setText(part(row, "status"), String(exchange.status ?? (exchange.method ? "no answer" : "")));
  part(row, "status").classList.toggle("is-bad", exchange.kind !== "warning" && !(exchange.status < 400));
  setText(part(row, "time"), new Date(exchange.at).toLocaleTimeString());
  setText(part(row, "target"), exchange.method ? `${exchange.method} ${localPart(exchange.url)}` : exchange.error);
  part(row, "facts").append(...facts(exchange));
  return row;
}

/** Path and query of an address, without the front that all paths of the REST API share. */
function localPart(url) {
  if (!URL.canParse(url, location.origin)) return url;
  const { pathname, search } = new URL(url, location.origin);
  return pathname.replace(/^\/2010-04-01\/Accounts\/AC\w+/, "…") + search;
}

/** The parts of an exchange that its row has no room for, as the children of a <dl>. */
function facts({ url, form, body, error }) {
  const fields = form.map(([name, value]) => `${name}: ${value}`).join("\n");
  const told = [["Address", url], ["Form", fields], ["Answer", indented(body)], ["Error", error]];
  return told
    .filter(([, text]) => text)
    .flatMap(([name, text]) => {
      const [term, description] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      description.textContent = text;
      return [term, description];
    });
}

function indented(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
