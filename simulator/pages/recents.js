/** The calls of a phone, newest first, each with its outcome and what was said. */

import { byId, mirror, part, setText, stamp } from "./dom.js";
import { clockTime, groupedNumber, outcome } from "./format.js";
import { renderTranscript } from "./transcript.js";

export function renderRecents(calls) {
  mirror(byId("recent-list"), [...calls].reverse(), {
    key: (call) => call.sid,
    create: () => stamp("recent-row"),
    update: (row, call) => {
      row.dataset.status = call.status;
      setText(part(row, "peer"), groupedNumber(call.from));
      setText(part(row, "time"), clockTime(call.at));
      setText(part(row, "outcome"), outcome(call.status));
      renderTranscript(part(row, "transcript"), call.transcript);
    },
  });
}
