/** The phone form: checks the number while it is typed, greys out what cannot be had, and shows the extension. */

const form = document.querySelector("[data-phone-form]");
const state = form.querySelector("[data-number-state]");
const extensionParts = form.querySelectorAll("[data-extension]");
const radios = [...form.querySelectorAll("input[name=channel]")];
const PAUSE_MS = 450;
const ENOUGH_DIGITS = 4;

const denied = new Set(radios.filter((radio) => "denied" in radio.dataset)); // what policy denies, whatever the number
let wished = radios.find((radio) => radio.checked)?.value; // stays when a number rules it out for a while
let timer = 0;
let asked = new AbortController();

const value = (name) => form.elements[name]?.value ?? "";

function showExtension() {
  for (const part of extensionParts) part.hidden = value("kind") !== "office";
}

function reasonOf(channel) {
  return form.querySelector(`[data-reason="${channel}"]`);
}

function say(text, tone) {
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("good", tone === "good");
  state.classList.toggle("bad", tone === "bad");
}

/** Greys out the methods that this number cannot have, and moves the choice to one that it can. */
function allow(methods) {
  for (const radio of radios) {
    const answer = methods[radio.value];
    if (!answer || denied.has(radio)) continue;
    radio.disabled = !answer.allowed;
    const reason = reasonOf(radio.value);
    const text = answer.allowed ? "" : (answer.reason ?? "");
    if (reason.textContent !== text) reason.textContent = text;
  }
  if (wished === undefined) return;
  const possible = radios.filter((radio) => !radio.disabled);
  const chosen = possible.find((radio) => radio.value === wished) ?? possible[0];
  if (chosen) chosen.checked = true;
}

/** The server's judgement of the last number sent is outdated once another is typed. */
function forgetError() {
  form.querySelector("#number-error")?.remove();
  form.elements.number.removeAttribute("aria-invalid");
}

async function check() {
  asked.abort();
  asked = new AbortController();
  const number = value("number").trim();
  if (number.replace(/\P{Nd}/gu, "").length < ENOUGH_DIGITS) return say("", "");
  const typed = new URLSearchParams(new FormData(form)); // in the body: a number has no place in an address
  try {
    const answer = await fetch("/portal/number", { method: "POST", body: typed, signal: asked.signal });
    if (!answer.ok || answer.redirected) return undefined;
    const judged = await answer.json();
    say(judged.ok ? (judged.formatted ?? "") : (judged.message ?? ""), judged.ok ? "good" : "bad");
    allow(judged.methods ?? {});
  } catch {
    say("", ""); // the server judges again when the form is sent
  }
  return undefined;
}

function checkSoon() {
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE_MS);
}

form.elements.number.addEventListener("input", forgetError);
for (const name of ["number", "extension"]) form.elements[name]?.addEventListener("input", checkSoon);
form.elements.country.addEventListener("change", check);
form.elements.kind.addEventListener("change", () => {
  showExtension();
  check();
});
for (const radio of radios) {
  radio.addEventListener("change", () => {
    wished = radio.value;
  });
}
form.addEventListener("submit", () => {
  clearTimeout(timer);
  if (value("kind") !== "office" && form.elements.extension) form.elements.extension.value = "";
});
showExtension();
if (value("number") && !form.querySelector("#number-error")) check();
