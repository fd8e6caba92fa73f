/** The handset page: holds what the network told, decides what is shown, and joins the views. */

import { createCallScreen } from "./call.js";
import { byId, part, setText } from "./dom.js";
import { wireExchanges } from "./exchanges.js";
import { showFirstSteps, wireCopying } from "./first-steps.js";
import { groupedNumber } from "./format.js";
import { showTime } from "./idle.js";
import { createInbox } from "./inbox.js";
import { listenToKeyboard } from "./keyboard.js";
import { showConnection, showSpeed, wireMasthead } from "./masthead.js";
import { network, watch } from "./network.js";
import { buildPersonas, showPersona } from "./personas.js";
import { renderPhones, wireAddPhone } from "./phones.js";
import { markRead, unreadCount } from "./read-marks.js";
import { renderRecents } from "./recents.js";
import { hush, playKey, setRinging, speak } from "./sound.js";

const TITLE = document.title;
const PHONES_LISTED = 100; // a load test calls thousands; the newest are the ones to watch
const RENDER_MS = 16;

const handsets = new Map(); // number → handset, in the order this page saw them
let picked = location.hash.slice(1); // number the person chose
let followed = null; // number on screen until a person chooses: the first seen, then whichever rings
let tab = "inbox";
let lingering = null; // sid of the ended call that stays on screen until it is put away
let pendingRender = null;
let keysSent = Promise.resolve(); // keys go out one after the other: requests side by side may overtake each other

/** The chosen handset, or null while there is none. */
const current = () => handsets.get(picked) ?? handsets.get(followed) ?? null;

function liveCall({ calls }) {
  const first = (status) => calls.find((call) => call.status === status);
  return first("in-progress") ?? first("ringing") ?? null;
}

const shownCall = (handset) => liveCall(handset) ?? handset.calls.find(({ sid }) => sid === lingering) ?? null;

const notify = (text) => setText(byId("notice"), text);

/** Awaits a control request and shows a refusal as a notice; resolves to whether it went well. */
async function attempt(request) {
  try {
    await request;
    notify("");
    return true;
  } catch (error) {
    notify(error.message);
    return false;
  }
}

/** Makes a request about a number and a sid into an act on the call that is on screen. */
const onCall = (request) => () => attempt(request(current().number, shownCall(current()).sid));

const callScreen = createCallScreen(byId("call"), {
  answer: onCall(network.answer),
  decline: onCall(network.reject),
  hangUp() {
    hush();
    onCall(network.hangUp)();
  },
  press(key) {
    hush();
    playKey(key);
    const [{ number }, { sid }] = [current(), shownCall(current())];
    keysSent = keysSent.then(() => attempt(network.press(number, sid, key)));
  },
  done() {
    lingering = null;
    show("recents");
  },
});

const inbox = createInbox((to, body) => attempt(network.sendMessage(current().number, to, body)));

function show(screen) {
  tab = screen;
  render();
}

function pick(number) {
  picked = number;
  lingering = null;
  if (handsets.has(number) && unreadCount(handsets.get(number))) tab = "inbox";
  history.replaceState(null, "", `#${number}`);
  render();
}

/** Takes in a handset as the network now has it. */
function receive(handset) {
  const before = handsets.get(handset.number);
  handsets.set(handset.number, handset);
  const isRinging = liveCall(handset)?.status === "ringing";
  if (!handsets.has(followed) || (isRinging && !liveCall(handsets.get(followed)))) followed = handset.number;
  announceRinging(handset, before);
  if (before && handset === current()) speakNewLines(handset, before);
  renderSoon();
}

function announceRinging(handset, before) {
  const call = handset.calls.find(({ status }) => status === "ringing");
  const isNews = call && before?.calls.find(({ sid }) => sid === call.sid)?.status !== "ringing";
  if (!isNews) return;
  const [callee, caller] = [handset.number, call.from].map(groupedNumber);
  const words = `${callee} rings, ${caller} is calling. Enter answers, Escape declines.`;
  byId("announcement").replaceChildren(words); // a new node, so that the same words are announced again
}

function speakNewLines(handset, before) {
  const call = liveCall(handset);
  const heard = before.calls.find(({ sid }) => sid === call?.sid)?.transcript.length ?? 0;
  for (const { verb, text, language } of call?.transcript.slice(heard) ?? []) if (verb === "Say") speak(text, language);
}

/** Draws in a moment, so that changes that come together are drawn together. */
function renderSoon() {
  pendingRender ??= setTimeout(render, RENDER_MS);
}

/** Draws everything from the state above. */
function render() {
  clearTimeout(pendingRender);
  pendingRender = null;
  const handset = current();
  const call = handset && renderScreens(handset);
  for (const id of ["inbox", "recents"]) byId(id).hidden = !handset || Boolean(call) || tab !== id;
  byId("tabs").hidden = !handset || Boolean(call);
  byId("idle").hidden = Boolean(handset);
  byId("personas").hidden = !handset;
  renderCall(call);
  showFirstSteps(handset?.number);
  if (handset && !byId("inbox").hidden && document.visibilityState === "visible") markRead(handset);
  const newest = [...handsets.values()].slice(-PHONES_LISTED).reverse();
  const phones = newest.map((one) => ({ handset: one, live: liveCall(one), unread: unreadCount(one) }));
  renderPhones(phones, handset?.number, pick);
}

/** Fills the screens of one handset; returns the call to show, if any. */
function renderScreens(handset) {
  const live = liveCall(handset);
  if (live) lingering = live.status === "in-progress" ? live.sid : null;
  for (const own of document.querySelectorAll(".own-number")) setText(own, groupedNumber(handset.number));
  for (const button of byId("tabs").children) {
    button.setAttribute("aria-current", String(button.dataset.screen === tab));
  }
  showPersona(handset.persona);
  inbox.render(handset);
  renderRecents(handset.calls);
  return shownCall(handset);
}

/** Draws the call and moves the focus with it, unless the person is busy elsewhere on the page. */
function renderCall(call) {
  const phaseBefore = callScreen.phase();
  const focused = document.activeElement;
  const isElsewhere = focused !== document.body && !focused.closest(".masthead, .phones ul, .handset");
  callScreen.render(call);
  const phase = callScreen.phase();
  setRinging(phase === "ringing");
  document.title = phase === "ringing" ? `Rings: ${groupedNumber(current().number)} · ${TITLE}` : TITLE;
  if (phase === phaseBefore || isElsewhere || !phase) return;
  const screen = byId("call");
  const target = { ringing: part(screen, "answer"), talking: screen, ended: part(screen, "done") }[phase];
  target.focus();
}

async function addPhone(number) {
  const persona = handsets.get(number)?.persona ?? "manual";
  if (await attempt(network.setPersona(number, persona))) pick(number);
}

function tick() {
  showTime();
  callScreen.tick();
}

function start() {
  wireMasthead({
    setSpeed: (speed) => attempt(network.setSpeed(speed)),
    soundChanged: () => setRinging(callScreen.phase() === "ringing"),
  });
  wireCopying();
  wireExchanges(notify);
  wireAddPhone(addPhone);
  buildPersonas((persona) => attempt(network.setPersona(current().number, persona)));
  for (const button of byId("tabs").children) button.addEventListener("click", () => show(button.dataset.screen));
  listenToKeyboard({ press: callScreen.press, enter: callScreen.enter, escape: callScreen.escape });
  document.addEventListener("visibilitychange", render);
  tick();
  setInterval(tick, 1000);
  render();
  watch({
    opened() {
      handsets.clear(); // the stream begins with everything there is
      renderSoon();
      showConnection("live", "Live");
    },
    lost: () => showConnection("lost", "Reconnecting…"),
    handset: receive,
    clock: showSpeed,
  });
}

start();
