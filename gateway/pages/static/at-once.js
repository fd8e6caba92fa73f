/** Sends a form at once, for a page that only says that something has worked. */

document.querySelector("form[data-at-once]").requestSubmit();
