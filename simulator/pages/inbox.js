/** The texts of a phone as a conversation, with the code in each ready to copy and a reply box. */

import { byId, copy, mirror, part, setText, stamp } from "./dom.js";
import { clockTime, codeIn, groupedNumber } from "./format.js";

const COPIED_MS = 1600;

/** Fills a bubble with the text, the code in it set apart. Everything is text, nothing markup. */
function fillBody(bubble, body, code) {
  const start = code ? body.indexOf(code) : -1;
  if (start < 0) {
    bubble.textContent = body;
    return;
  }
  const strong = document.createElement("strong");
  strong.textContent = code;
  bubble.replaceChildren(body.slice(0, start), strong, body.slice(start + code.length));
}

function createMessage(message, isOwn) {
  const row = stamp("message-bubble");
  row.classList.toggle("is-own", isOwn);
  const code = isOwn ? null : codeIn(message.body);
  const bubble = part(row, "body");
  fillBody(bubble, message.body, code);
  setText(part(row, "time"), clockTime(message.at));
  if (code) wireCopy(part(row, "copy"), part(row, "copy-label"), code, bubble);
  return row;
}

function wireCopy(button, label, code, bubble) {
  const offer = `Copy ${code}`;
  label.textContent = offer;
  button.hidden = false;
  button.addEventListener("click", async () => {
    label.textContent = (await copy(code, bubble.querySelector("strong"))) ? "Copied" : "Selected";
    setTimeout(() => (label.textContent = offer), COPIED_MS);
  });
}

/**
 * Makes the inbox; `send(to, body)` sends a reply and resolves once it has left.
 */
export function createInbox(send) {
  const thread = byId("thread");
  const form = byId("reply");
  const field = byId("reply-body");
  let correspondent = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = field.value;
    if (!body.trim()) return;
    if (await send(correspondent, body)) field.value = "";
  });

  /** Shows the messages of one handset. */
  function render({ number, messages }) {
    const isOwn = (message) => message.from === number;
    const grown = thread.childElementCount < messages.length;
    mirror(thread, messages, {
      key: (message) => message.sid,
      create: (message) => createMessage(message, isOwn(message)),
      update: (row, message, index) => {
        const sameSender = index > 0 && messages[index - 1].from === message.from;
        setText(part(row, "sender"), isOwn(message) || sameSender ? "" : groupedNumber(message.from ?? ""));
        row.dataset.status = message.status;
        setText(part(row, "status"), message.status);
      },
    });
    if (grown) thread.scrollTop = thread.scrollHeight;
    correspondent = messages.findLast((message) => message.from && !isOwn(message))?.from ?? null;
    form.hidden = !correspondent;
    field.placeholder = correspondent ? `Reply to ${groupedNumber(correspondent)}` : "";
  }

  return { render };
}
