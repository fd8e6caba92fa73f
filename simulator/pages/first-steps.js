/** The two commands that make a phone ring, with the chosen number filled in. */

import { byId, copy, setText } from "./dom.js";

const EXAMPLE_NUMBER = "+14255550123";
const GATEWAY = "http://127.0.0.1:8080"; // where `poundkey dev` listens unless told otherwise

export function showFirstSteps(number) {
  const to = number ?? EXAMPLE_NUMBER;
  setText(byId("command-call"), `poundkey verify ${to} --call`);
  const wish = `{"to": "${to}", "channel": "sms"}`;
  setText(byId("command-text"), `curl ${GATEWAY}/v1/verifications -u "$POUNDKEY_API_KEY:" --json '${wish}'`);
}

export function wireCopying() {
  for (const button of document.querySelectorAll("[data-copies]")) {
    const source = byId(button.dataset.copies);
    button.addEventListener("click", () => copy(source.textContent, source));
  }
}
