/** Sends every form once, however often its button is pressed; moves the focus to errors. */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  // Marked, not disabled: a disabled button would neither send its value nor keep the focus.
  event.submitter?.setAttribute("aria-busy", "true");
});

// A page from the back-forward cache may be sent again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

(document.getElementById("problems") ?? document.getElementById("ended"))?.focus();
