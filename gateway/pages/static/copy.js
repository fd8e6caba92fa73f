/** The button that copies the app password, without the spaces that are only there to read it by. */

const button = document.querySelector("[data-copies]");
const source = document.getElementById(button.dataset.copies);
const state = document.querySelector("[data-copy-state]");
const label = button.textContent;
const SHOWN_MS = 4000;

button.hidden = false;
button.addEventListener("click", async () => {
  const copied = await copy(source.textContent.replace(/\s/g, ""));
  const said = copied ? button.dataset.copied : button.dataset.press;
  button.textContent = said;
  state.textContent = said;
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
    getSelection().selectAllChildren(source); // the browser refuses: one key is left for the person to press
    return false;
  }
}
