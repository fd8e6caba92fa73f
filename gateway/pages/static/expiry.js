/** Counts down how long the code is good for: whole minutes, then seconds, in the language of the page. */

const place = document.querySelector("[data-expires]");
const SECOND_MS = 1000;
const MINUTE = 60;
const endsAt = performance.now() + Number(place.dataset.expires) * SECOND_MS;

function inWords(count, unit) {
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

function show() {
  const secondsLeft = Math.max(0, Math.floor((endsAt - performance.now()) / SECOND_MS));
  const [count, unit] = secondsLeft < MINUTE ? [secondsLeft, "second"] : [Math.floor(secondsLeft / MINUTE), "minute"];
  const text = inWords(count, unit);
  if (place.textContent !== text) place.textContent = text;
}

show();
setInterval(show, SECOND_MS);
