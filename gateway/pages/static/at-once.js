/** Sends a form that only waits for a browser with a person in it: a scanner of mails opens links, but runs no scripts. */

document.querySelector("form[data-at-once]").requestSubmit();
