/** How numbers, times, codes and outcomes read to a person. */

// Country codes as ITU-T E.164 assigns them: one digit, these two-digit ones, and three digits for the rest.
const COUNTRY_CODE = /^\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})(\d+)$/;

/** "+14255550123" → "+1 425 555 0123": the country code, then groups of three, the last of three to five. */
export function groupedNumber(number) {
  const [, country, rest] = COUNTRY_CODE.exec(number) ?? [];
  if (!country) return number;
  return `+${country} ${rest.replace(/\d{3}(?=\d{3})/g, "$& ")}`;
}

/** The E.164 form of what a person typed, or null. */
export function parsedNumber(typed) {
  const number = typed.replace(/[\s().\-\u2010-\u2015]/g, "").replace(/^00/, "+");
  return /^\+[1-9]\d{6,14}$/.test(number) ? number : null;
}

/** An RFC 3339 time as the reader's own hours and minutes; empty when there is none. */
export function clockTime(at) {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

/** Milliseconds as "0:07" or "1:02:07". */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${String(m).padStart(2, "0")}:${String(s).padStart(2, "0")}` : `${m}:${String(s).padStart(2, "0")}`;
}

/** The code in a text: that of an origin-bound last line ("@host #code"), else its first run of 4-10 digits. */
export function codeIn(body) {
  const bound = /^@\S+ #([A-Za-z0-9]+)\s*$/m.exec(body);
  return bound?.[1] ?? /(?<![\d+])\d{4,10}(?!\d)/.exec(body)?.[0] ?? null;
}

const OUTCOMES = {
  queued: "Dialling",
  initiated: "Dialling",
  ringing: "Ringing",
  "in-progress": "On the line",
  completed: "Answered",
  busy: "Busy or declined",
  failed: "Could not be reached",
  "no-answer": "Missed",
  canceled: "Caller gave up",
};

/** A call status in words; one we do not know stays as it came. */
export const outcome = (status) => OUTCOMES[status] ?? status;
