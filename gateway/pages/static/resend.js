/** The buttons that send again: each is disabled until its time, with a countdown. */

const buttons = [...document.querySelectorAll("button[data-wait]")];
const readyAt = new Map();
const SECOND_MS = 1000;

function wait(button, seconds) {
  readyAt.set(button, performance.now() + seconds * SECOND_MS);
}

function show() {
  for (const [button, time] of readyAt) {
    const secondsLeft = Math.ceil((time - performance.now()) / SECOND_MS);
    const countdown = button.querySelector(".countdown");
    const waiting = secondsLeft > 0;
    if (button.disabled !== waiting) button.disabled = waiting;
    countdown.textContent = waiting ? clock(secondsLeft) : "";
  }
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The live region has new waiting times in seconds, as in "sms:25 call:0". */
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
