/** Which texts have been read, remembered by the browser. */

const STORAGE_KEY = "poundkey.read";

/** Number → sid of the last text read on it. */
const marks = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}");

const LOST = new Set(["undelivered", "failed"]); // these never reached the phone

const received = ({ number, messages }) => messages.filter(({ to, status }) => to === number && !LOST.has(status));

/** How many texts arrived on this handset after the last one read. */
export function unreadCount(handset) {
  const texts = received(handset);
  return texts.length - 1 - texts.findIndex((message) => message.sid === marks[handset.number]);
}

export function markRead(handset) {
  const last = received(handset).at(-1)?.sid;
  if (!last || marks[handset.number] === last) return;
  marks[handset.number] = last;
  localStorage.setItem(STORAGE_KEY, JSON.stringify(marks));
}
