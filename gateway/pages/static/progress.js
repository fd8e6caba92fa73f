/** Updates Step 2: polls the state of the verification, shows it, and continues by itself after the outcome. */

const region = document.getElementById("state");
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const SHORTEST_ROUND_MS = 250; // the least time between two polls, also of a server that never waits
const NO_CONTENT = 204;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Polls once; the server waits for a change. Returns the update, null without one, or false to stop polling. */
async function poll() {
  const url = `${region.dataset.progress}?revision=${encodeURIComponent(region.dataset.revision)}`;
  const response = await fetch(url, { cache: "no-store", headers: { Accept: "text/html" } });
  if (response.status === NO_CONTENT) return null;
  if (response.status >= 500 || response.status === 429) throw new Error(`status ${response.status}`);
  if (!response.ok || response.redirected) return false;
  return {
    html: await response.text(),
    revision: response.headers.get("Poundkey-Revision"),
    status: response.headers.get("Poundkey-Status"),
    shape: response.headers.get("Poundkey-Shape"),
  };
}

function show(update) {
  region.dataset.revision = update.revision;
  if (region.innerHTML.trim() !== update.html.trim()) region.innerHTML = update.html; // escaped by our server
  const ways = region.querySelector("[data-ways]");
  if (ways) document.dispatchEvent(new CustomEvent("waits", { detail: ways.dataset.ways }));
}

/** Tells whether a form has been sent: its answer is the next page, and nothing here may replace it. */
const leaving = () => document.querySelector("form[data-sent]") !== null;

function reload() {
  if (!leaving()) location.reload();
}

function finish() {
  if (leaving()) return;
  const form = document.getElementById("finish");
  const remember = document.getElementById("remember");
  if (remember?.checked && remember.form !== form) {
    const copy = Object.assign(document.createElement("input"), { type: "hidden", name: "remember", value: "on" });
    form.append(copy);
  }
  form.requestSubmit();
}

/** Polls until the verification ends. A lost connection is retried with growing pauses. */
async function follow() {
  let wait = FIRST_PAUSE_MS;
  for (;;) {
    const startedAt = performance.now();
    try {
      const update = await poll();
      if (update === false) return reload();
      if (update) {
        show(update);
        if (update.status === "approved") return finish();
        // The next text or call asks for other input: load the page again, unless a code has been typed.
        if (update.shape !== region.dataset.shape && !document.getElementById("code")?.value) return reload();
        if (update.status === "ended") return reload();
      }
      wait = FIRST_PAUSE_MS;
      await pause(Math.max(0, SHORTEST_ROUND_MS - (performance.now() - startedAt)));
    } catch {
      await pause(wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
    }
  }
}

if (region) follow();
