/** The wall clock on the glass, and the date under it while no phone is on screen. */

import { byId, setText } from "./dom.js";

/** Shows the present time; phones leave out "AM" and "PM". */
export function showTime() {
  const now = new Date();
  const parts = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" }).formatToParts(now);
  const time = parts.filter(({ type }) => type !== "dayPeriod").map(({ value }) => value).join("").trim();
  for (const id of ["wall-clock", "idle-clock"]) setText(byId(id), time);
  setText(byId("idle-date"), now.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" }));
}
