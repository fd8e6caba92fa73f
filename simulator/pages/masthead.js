/** The top of the page: connection, clock speed and the sound switch. */

import { byId, part, setText } from "./dom.js";
import { isSoundOn, setSound } from "./sound.js";

/**
 * Wires speed and sound.
 *
 * @param {{setSpeed: (speed: number) => void, soundChanged: () => void}} on
 */
export function wireMasthead(on) {
  for (const radio of byId("speed").querySelectorAll("input")) {
    radio.addEventListener("change", () => on.setSpeed(Number(radio.value)));
  }
  const button = byId("sound");
  const showSound = () => {
    button.setAttribute("aria-checked", String(isSoundOn()));
    setText(part(button, "state"), isSoundOn() ? "Sound on" : "Sound off");
  };
  button.addEventListener("click", () => {
    setSound(!isSoundOn());
    on.soundChanged();
    showSound();
  });
  showSound();
}

export function showSpeed({ speed }) {
  for (const radio of byId("speed").querySelectorAll("input")) radio.checked = Number(radio.value) === speed;
}

export function showConnection(state, words) {
  byId("connection").dataset.state = state;
  setText(byId("connection"), words);
}
