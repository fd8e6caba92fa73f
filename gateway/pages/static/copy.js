/** The button that copies the app password, without the spaces between its groups. */

const button = document.querySelector("[data-copies]");
const source = document.getElementById(button.dataset.copies);
const state = document.querySelector("[data-copy-state]");
const label = button.textContent;
const SHOWN_MS = 4000;

button.hidden = false;
button.addEventListener("click", async () => {
  const copied = await copy(source.textContent.replace(/\s/g, ""));
  const message = copied ? button.dataset.copied : button.dataset.press;
  button.textContent = message;
  state.textContent = message;
  setTimeout(() => {
    button.textContent = label;
    state.textContent = "";
  }, SHOWN_MS);
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(source); // the browser refuses: the person presses Ctrl+C
    return false;
  }
}
