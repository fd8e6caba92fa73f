/** Sound of the chosen phone: ring, key tones and the caller's voice, behind one switch that is off until asked for. */

const STORAGE_KEY = "poundkey.sound";
const RINGING = [440, 480]; // Hz; the ringing tone of the North American precise tone plan
const RING_SECONDS = 2;
const RING_EVERY_MS = 6000;
const KEY_SECONDS = 0.14;
const KEY_ROWS = { 697: "123", 770: "456", 852: "789", 941: "*0#" }; // Hz; ITU-T Q.23
const KEY_COLUMNS = [1209, 1336, 1477];

let on = localStorage.getItem(STORAGE_KEY) === "on";
let context = null;
let stopRing = null;

/** Plays frequencies together; returns a function that cuts them short. */
function tone(frequencies, seconds) {
  context ??= new AudioContext();
  context.resume(); // browsers hold sound back until the first gesture
  const volume = new GainNode(context, { gain: 0.05 });
  volume.connect(context.destination);
  for (const frequency of frequencies) {
    const oscillator = new OscillatorNode(context, { frequency });
    oscillator.connect(volume);
    oscillator.start();
    oscillator.stop(context.currentTime + seconds);
  }
  return () => volume.disconnect();
}

export const isSoundOn = () => on;

export function setSound(wanted) {
  on = wanted;
  localStorage.setItem(STORAGE_KEY, on ? "on" : "off");
  if (!on) {
    setRinging(false);
    hush();
  }
}

/** Rings until told otherwise; telling it again changes nothing. */
export function setRinging(ringing) {
  if (ringing && on && !stopRing) {
    let cut = tone(RINGING, RING_SECONDS);
    const repeat = setInterval(() => (cut = tone(RINGING, RING_SECONDS)), RING_EVERY_MS);
    stopRing = () => {
      clearInterval(repeat);
      cut();
    };
  } else if (!ringing && stopRing) {
    stopRing();
    stopRing = null;
  }
}

export function playKey(key) {
  if (!on) return;
  const [row, keys] = Object.entries(KEY_ROWS).find(([, inRow]) => inRow.includes(key));
  tone([Number(row), KEY_COLUMNS[keys.indexOf(key)]], KEY_SECONDS);
}

/** Queues a sentence for the browser's voice of that language (BCP 47). */
export function speak(text, language) {
  if (!on || !globalThis.speechSynthesis) return;
  const utterance = new SpeechSynthesisUtterance(text);
  if (language) utterance.lang = language;
  speechSynthesis.speak(utterance);
}

/** Stops the voice at once, as a key press stops a prompt. */
export const hush = () => globalThis.speechSynthesis?.cancel();
