/** Keeps Step 2 alive: asks for news, shows them, and moves on by itself when the outcome is there. */

const region = document.getElementById("state");
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const SHORTEST_ROUND_MS = 250; // even a server that never waits is not asked more often than that
const NO_NEWS = 204;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks once, waiting as long as the server does. Returns the news, null if there are none, or false: give up. */
async function ask() {
  const url = `${region.dataset.progress}?revision=${encodeURIComponent(region.dataset.revision)}`;
  const answer = await fetch(url, { cache: "no-store", headers: { Accept: "text/html" } });
  if (answer.status === NO_NEWS) return null;
  if (answer.status >= 500 || answer.status === 429) throw new Error(`status ${answer.status}`);
  if (!answer.ok || answer.redirected) return false;
  return {
    html: await answer.text(),
    revision: answer.headers.get("Poundkey-Revision"),
    status: answer.headers.get("Poundkey-Status"),
    shape: answer.headers.get("Poundkey-Shape"),
  };
}

function show(news) {
  region.dataset.revision = news.revision;
  if (region.innerHTML.trim() !== news.html.trim()) region.innerHTML = news.html; // our own server's escaped fragment
  const ways = region.querySelector("[data-ways]");
  if (ways) document.dispatchEvent(new CustomEvent("waits", { detail: ways.dataset.ways }));
}

/** Whether a form is on its way, whose answer is what comes next: nothing here may overtake it. */
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

/** Follows the verification to its end. A connection that is lost is tried again, ever more slowly. */
async function follow() {
  let wait = FIRST_PAUSE_MS;
  for (;;) {
    const asked = performance.now();
    try {
      const news = await ask();
      if (news === false) return reload();
      if (news) {
        show(news);
        if (news.status === "approved") return finish();
        // Another text or call followed by itself, and asks for something else; what was typed is not thrown away.
        if (news.shape !== region.dataset.shape && !document.getElementById("code")?.value) return reload();
        if (news.status === "ended") return reload();
      }
      wait = FIRST_PAUSE_MS;
      await pause(Math.max(0, SHORTEST_ROUND_MS - (performance.now() - asked)));
    } catch {
      await pause(wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
    }
  }
}

if (region) follow();
