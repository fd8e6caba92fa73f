/** What was said on a call, as speech bubbles; the same during the call and in its history. */

import { mirror, setText } from "./dom.js";

// Words spoken by the caller, and by whoever or whatever picked up.
const SPOKEN = new Map([["Say", "said"], ["Callee", "answered"]]);

/** Keys without the pauses in them (`w` and `W`), as somebody who dials would name them. */
function dialled(text) {
  const keys = text.replace(/w/gi, "");
  return keys ? `Caller dials extension ${keys}` : "Caller waits";
}

const NOTES = new Map([
  ["Keys", dialled],
  ["Play", (text) => `Caller plays ${text}`],
  ["Pause", (text) => `Silence for ${text} s`],
  ["Hangup", () => "Caller hung up"],
]);

/** A transcript entry's words: what is said as it is, any other verb as what the caller does. */
function wording(entry) {
  if (SPOKEN.has(entry.verb)) return entry.text;
  return NOTES.get(entry.verb)?.(entry.text) ?? [entry.verb, entry.text].filter(Boolean).join(" · ");
}

export function renderTranscript(list, transcript) {
  mirror(list, transcript, {
    key: (_, index) => index,
    create: () => Object.assign(document.createElement("p"), { dir: "auto" }),
    update: (line, entry) => {
      line.className = SPOKEN.get(entry.verb) ?? "did";
      line.lang = entry.language ?? "";
      setText(line, wording(entry));
    },
  });
}
