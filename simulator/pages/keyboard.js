/** The computer's keyboard as a second way to work the phone. */

import { KEYS } from "./keypad.js";

const isTyping = (target) => target.closest("input:not([type=radio]), textarea, select, [contenteditable]") !== null;
const isControl = (target) => target.closest("button, a, input, summary") !== null;

/**
 * Listens to the whole page: digits, * and # press keys, Enter answers, Escape hangs up.
 * Fields keep their typing and a focused control keeps its Enter.
 *
 * @param {{press: (key: string) => void, enter: () => void, escape: () => void}} on
 */
export function listenToKeyboard(on) {
  document.addEventListener("keydown", (event) => {
    // Option or AltGr is how some layouts reach #, so only Control and Command make a shortcut of another program.
    const isShortcut = event.metaKey || (event.ctrlKey && !event.getModifierState("AltGraph"));
    if (event.repeat || isShortcut || event.defaultPrevented || isTyping(event.target)) return;
    if (event.key === "Escape") on.escape();
    else if (event.key.length === 1 && KEYS.includes(event.key)) {
      event.preventDefault(); // Firefox would open its quick find on some of these keys
      on.press(event.key);
    } else if (event.key === "Enter" && !isControl(event.target)) on.enter();
  });
}
