/** The call screen: ringing, talking with transcript and keypad, and the moment after the call. */

import { part, setText, stamp } from "./dom.js";
import { duration, groupedNumber } from "./format.js";
import { buildKeypad, flash } from "./keypad.js";
import { renderTranscript } from "./transcript.js";

const phaseOf = (call) => ({ ringing: "ringing", "in-progress": "talking" })[call.status] ?? "ended";

/**
 * Makes the call screen inside `root`; `on` says what follows when the person acts.
 *
 * @param {HTMLElement} root
 * @param {{answer: Function, decline: Function, hangUp: Function, press: (key: string) => void, done: Function}} on
 */
export function createCallScreen(root, on) {
  const memories = new Map(); // sid → when this page saw it answered, and the keys pressed here
  let call = null;

  const phase = () => call && phaseOf(call);
  const memory = () => memories.get(call.sid);

  function draw(template) {
    const screen = stamp(template);
    root.dataset.template = template;
    root.dataset.sid = call.sid;
    root.replaceChildren(screen);
    const acts = { answer: on.answer, decline: on.decline, "hang-up": on.hangUp, done: on.done };
    for (const [name, act] of Object.entries(acts)) part(screen, name)?.addEventListener("click", act);
    const keypad = part(screen, "keypad");
    if (keypad) buildKeypad(keypad, press);
  }

  function press(key) {
    if (phase() !== "talking") return;
    memory().pressed += key;
    setText(part(root, "pressed"), memory().pressed);
    flash(part(root, "keypad"), key);
    on.press(key);
  }

  /** Shows `next` (a call of the control API, or null for none). */
  function render(next) {
    call = next;
    root.hidden = !call;
    if (!call) return;
    if (!memories.has(call.sid)) memories.set(call.sid, { answeredAt: null, pressed: "" });
    const template = phase() === "ringing" ? "ringing-screen" : "talking-screen";
    if (root.dataset.sid !== call.sid || root.dataset.template !== template) draw(template);
    setText(part(root, "peer"), groupedNumber(call.from));
    if (phase() !== "ringing") renderTalking(phase() === "ended");
  }

  function renderTalking(isOver) {
    const lines = part(root, "transcript");
    const linesBefore = lines.childElementCount;
    renderTranscript(lines, call.transcript);
    if (lines.childElementCount > linesBefore) lines.scrollTop = lines.scrollHeight;
    const waits = call.gathering && !isOver;
    root.dataset.gathering = String(waits);
    setText(part(root, "waiting"), waits ? "Waiting for your key" : "");
    setText(part(root, "state"), isOver ? "Call ended" : "On the line");
    setText(part(root, "pressed"), memory().pressed);
    part(root, "dial").hidden = isOver;
    part(root, "done").hidden = !isOver;
    if (!isOver) memory().answeredAt ??= Date.now();
    tick();
  }

  /** Moves the call timer; called every second. */
  function tick() {
    if (phase() === "talking") setText(part(root, "timer"), duration(Date.now() - memory().answeredAt));
  }

  const act = (acts) => acts[phase()]?.();
  const enter = () => act({ ringing: on.answer, ended: on.done });
  const escape = () => act({ ringing: on.decline, talking: on.hangUp, ended: on.done });

  return { render, tick, press, enter, escape, phase };
}
