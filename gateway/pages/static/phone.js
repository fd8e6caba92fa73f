/** The phone form: checks the number while it is typed, disables methods that are denied, and shows the extension. */

const form = document.querySelector("[data-phone-form]");
const state = form.querySelector("[data-number-state]");
const extensionParts = form.querySelectorAll("[data-extension]");
const radios = [...form.querySelectorAll("input[name=channel]")];
const PAUSE_MS = 450;
const ENOUGH_DIGITS = 4;

const denied = new Set(radios.filter((radio) => "denied" in radio.dataset)); // denied by policy for every number
let preferred = radios.find((radio) => radio.checked)?.value; // remembered while a number denies it
let timer = 0;
let pendingCheck = new AbortController();

const value = (name) => form.elements[name]?.value ?? "";

function showExtension() {
  for (const part of extensionParts) part.hidden = value("kind") !== "office";
}

function reasonOf(channel) {
  return form.querySelector(`[data-reason="${channel}"]`);
}

function showState(text, tone) {
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("good", tone === "good");
  state.classList.toggle("bad", tone === "bad");
}

/** Disables the methods that are denied for this number, and moves the choice to an allowed one. */
function showMethods(methods) {
  for (const radio of radios) {
    const check = methods[radio.value];
    if (!check || denied.has(radio)) continue;
    radio.disabled = !check.allowed;
    const reason = reasonOf(radio.value);
    const text = check.allowed ? "" : (check.reason ?? "");
    if (reason.textContent !== text) reason.textContent = text;
  }
  if (preferred === undefined) return;
  const possible = radios.filter((radio) => !radio.disabled);
  const chosen = possible.find((radio) => radio.value === preferred) ?? possible[0];
  if (chosen) chosen.checked = true;
}

/** The server's error about the number is outdated once another number is typed. */
function clearError() {
  form.querySelector("#number-error")?.remove();
  form.elements.number.removeAttribute("aria-invalid");
}

async function checkNumber() {
  pendingCheck.abort();
  pendingCheck = new AbortController();
  const number = value("number").trim();
  if (number.replace(/\P{Nd}/gu, "").length < ENOUGH_DIGITS) return showState("", "");
  const typed = new URLSearchParams(new FormData(form)); // in the body: a number has no place in an address
  try {
    const response = await fetch("/portal/number", { method: "POST", body: typed, signal: pendingCheck.signal });
    if (!response.ok || response.redirected) return undefined;
    const numberCheck = await response.json();
    if (numberCheck.ok) showState(numberCheck.formatted ?? "", "good");
    else showState(numberCheck.message ?? "", "bad");
    showMethods(numberCheck.methods ?? {});
  } catch {
    showState("", ""); // the server checks the number again when the form is sent
  }
  return undefined;
}

function checkSoon() {
  clearTimeout(timer);
  timer = setTimeout(checkNumber, PAUSE_MS);
}

form.elements.number.addEventListener("input", clearError);
for (const name of ["number", "extension"]) form.elements[name]?.addEventListener("input", checkSoon);
form.elements.country.addEventListener("change", checkNumber);
form.elements.kind.addEventListener("change", () => {
  showExtension();
  checkNumber();
});
for (const radio of radios) {
  radio.addEventListener("change", () => {
    preferred = radio.value;
  });
}
form.addEventListener("submit", () => {
  clearTimeout(timer);
  if (value("kind") !== "office" && form.elements.extension) form.elements.extension.value = "";
});
showExtension();
if (value("number") && !form.querySelector("#number-error")) checkNumber();
