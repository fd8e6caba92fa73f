/** The list of phones and the form that adds one. */

import { byId, mirror, part, setText, stamp } from "./dom.js";
import { groupedNumber, outcome, parsedNumber } from "./format.js";

function summary(handset, live) {
  if (live?.status === "ringing") return `${groupedNumber(live.from)} is calling`;
  if (live) return outcome(live.status);
  const last = handset.messages.at(-1);
  if (last) return last.body;
  const call = handset.calls.at(-1);
  return call ? outcome(call.status) : "Nothing yet";
}

/**
 * Draws the list.
 *
 * @param {{handset: object, live: object | null, unread: number}[]} phones `live` is a ringing or answered call
 * @param {string | null} chosen number of the chosen phone
 * @param {(number: string) => void} choose
 */
export function renderPhones(phones, chosen, choose) {
  mirror(byId("phone-list"), phones, {
    key: ({ handset }) => handset.number,
    create: ({ handset }) => {
      const row = stamp("phone-row");
      row.firstElementChild.addEventListener("click", () => choose(handset.number));
      setText(part(row, "number"), groupedNumber(handset.number));
      return row;
    },
    update: (row, { handset, live, unread }) => {
      const button = row.firstElementChild;
      const isRinging = live?.status === "ringing";
      button.setAttribute("aria-current", String(handset.number === chosen));
      button.dataset.live = live?.status ?? "";
      setText(part(row, "summary"), summary(handset, live));
      setText(part(row, "badge"), isRinging ? "ringing" : unread ? `${unread} new` : "");
    },
  });
}

/** Wires the form; `add(number)` makes a phone of an E.164 number. */
export function wireAddPhone(add) {
  const field = byId("new-number");
  const error = byId("new-number-error");
  byId("add-phone").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = parsedNumber(field.value);
    field.setAttribute("aria-invalid", String(!number));
    error.textContent = number ? "" : "Write it with its country code, like +1 425 555 0123.";
    if (!number) return;
    field.value = "";
    add(number);
  });
}
