/** Sends a form at once: mail scanners open links, but run no scripts. */

document.querySelector("form[data-at-once]").requestSubmit();
