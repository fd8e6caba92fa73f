/** The twelve keys of a phone. */

import { part, stamp } from "./dom.js";

const LETTERS = {
  1: "", 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ", "*": "", 0: "+", "#": "",
};
export const KEYS = "123456789*0#";
const SPOKEN = { "*": "star", "#": "pound" };
const FLASH_MS = 180;

/** Fills `pad` with keys that call `press(key)`. */
export function buildKeypad(pad, press) {
  for (const key of KEYS) {
    const button = stamp("keypad-key");
    button.dataset.digit = key;
    button.setAttribute("aria-label", SPOKEN[key] ?? [key, ...LETTERS[key]].join(" "));
    part(button, "key").textContent = key;
    part(button, "letters").textContent = LETTERS[key];
    button.addEventListener("click", () => press(key));
    pad.append(button);
  }
}

/** Shows on the keypad that a key went down. */
export function flash(pad, key) {
  const button = pad.querySelector(`[data-digit="${CSS.escape(key)}"]`);
  button.classList.add("is-pressed");
  setTimeout(() => button.classList.remove("is-pressed"), FLASH_MS);
}
