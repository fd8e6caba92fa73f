/** The buttons that send again: each waits for its time, and counts down to it. */

const buttons = [...document.querySelectorAll("button[data-wait]")];
const readyAt = new Map();
const SECOND_MS = 1000;

function wait(button, seconds) {
  readyAt.set(button, performance.now() + seconds * SECOND_MS);
}

function show() {
  for (const [button, time] of readyAt) {
    const left = Math.ceil((time - performance.now()) / SECOND_MS);
    const countdown = button.querySelector(".countdown");
    const waiting = left > 0;
    if (button.disabled !== waiting) button.disabled = waiting;
    countdown.textContent = waiting ? clock(left) : "";
  }
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The live region says anew how long each way waits, as in "sms:25 call:0". */
document.addEventListener("waits", (event) => {
  for (const part of event.detail.trim().split(/\s+/)) {
    const [channel, seconds] = part.split(":");
    const button = buttons.find((candidate) => candidate.value === channel);
    if (button) wait(button, Number(seconds));
  }
  show();
});

for (const button of buttons) wait(button, Number(button.dataset.wait));
show();
setInterval(show, SECOND_MS / 2);
