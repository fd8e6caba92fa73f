/** Who picks up when the chosen phone rings. */

import { byId, part, stamp } from "./dom.js";

const PERSONAS = {
  manual: ["You", "It rings here until you answer or the caller gives up."],
  desk_phone: ["You, at a desk phone", "As above, but the phone keeps # to itself: the caller never hears it."],
  presses_pound: ["Somebody who presses #", "Answers, listens, and presses # when asked for a key."],
  hangs_up: ["Somebody who hangs up", "Answers and hangs up without pressing a key."],
  rejects: ["Somebody who declines", "Sees the call and turns it away."],
  no_answer: ["Nobody", "Rings until the caller gives up."],
  busy: ["A busy line", "The caller hears the engaged tone."],
  unreachable: ["A phone that is off", "Calls fail, and texts are not delivered."],
  voicemail: ["Voicemail", "A machine answers, greets, and never presses a key."],
  voicemail_with_tones: ["Voicemail with key tones", "Its greeting plays the tone of #, which fools a careless check."],
  screening: ["A call screener", "An assistant answers first and asks who is calling."],
};

/** Fills the persona picker; `pick(persona)` changes the chosen phone. */
export function buildPersonas(pick) {
  for (const [persona, [name, does]] of Object.entries(PERSONAS)) {
    const row = stamp("persona-row");
    const radio = row.querySelector("input");
    radio.value = persona;
    radio.addEventListener("change", () => pick(persona));
    part(row, "name").textContent = name;
    part(row, "does").textContent = does;
    byId("personas").append(row);
  }
}

export function showPersona(persona) {
  for (const radio of byId("personas").querySelectorAll("input")) radio.checked = radio.value === persona;
}
