/** Follows the link back to the application at once. */

location.replace(document.querySelector("[data-leave]").href);
