/** The simulator's control API and its live stream, as functions and events. */

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 5000;

/** Sends one control request; resolves to the parsed answer, rejects with the simulator's own words. */
async function request(method, path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(path, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(refusal(response, text));
  return text ? JSON.parse(text) : null;
}

function refusal(response, text) {
  try {
    const { detail, title, message } = JSON.parse(text);
    return detail ?? message ?? title ?? response.statusText;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

const handsetPath = (number) => `/v1/handsets/${encodeURIComponent(number)}`;
const callPath = (number, sid) => `${handsetPath(number)}/calls/${encodeURIComponent(sid)}`;

export const network = {
  setPersona: (number, persona) => request("PUT", handsetPath(number), { persona }),
  answer: (number, sid) => request("POST", `${callPath(number, sid)}/answer`),
  hangUp: (number, sid) => request("POST", `${callPath(number, sid)}/hangup`),
  reject: (number, sid) => request("POST", `${callPath(number, sid)}/reject`),
  press: (number, sid, digits) => request("POST", `${callPath(number, sid)}/digits`, { digits }),
  sendMessage: (number, to, body) => request("POST", `${handsetPath(number)}/messages`, { to, body }),
  setSpeed: (speed) => request("PUT", "/v1/clock", { speed }),
  exchanges: () => request("GET", "/v1/exchanges"),
};

/**
 * Keeps a live stream open for as long as the page lives; each begins with the clock and every handset.
 * The browser's own EventSource gives up after an HTTP error, so every loss is retried here, at growing distances.
 *
 * @param {object} on
 * @param {() => void} on.opened
 * @param {() => void} on.lost
 * @param {(handset: object) => void} on.handset a whole handset, at each change of it
 * @param {(clock: {speed: number}) => void} on.clock
 */
export function watch(on) {
  let wait = RETRY_FIRST_MS;
  const open = () => {
    const stream = new EventSource("/v1/stream");
    stream.addEventListener("open", () => {
      wait = RETRY_FIRST_MS;
      on.opened();
    });
    stream.addEventListener("handset", (event) => on.handset(JSON.parse(event.data)));
    stream.addEventListener("clock", (event) => on.clock(JSON.parse(event.data)));
    stream.addEventListener("error", () => {
      stream.close();
      on.lost();
      setTimeout(open, wait);
      wait = Math.min(wait * 2, RETRY_MOST_MS);
    });
  };
  open();
}
