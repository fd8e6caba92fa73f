/** Saves the preferred option as soon as it is chosen, one choice after the other, and says so once it is saved. */

const form = document.querySelector("form[data-save-on-change]");

if (form) {
  const status = form.querySelector("[data-saved]");
  form.querySelector("[data-save]").hidden = true;
  let saving = Promise.resolve();

  form.addEventListener("change", () => {
    const body = new URLSearchParams(new FormData(form));
    status.textContent = "";
    saving = saving.then(() => save(body));
  });

  async function save(body) {
    try {
      const answer = await fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
      if (answer.type !== "opaqueredirect") throw new Error(`status ${answer.status}`);
      status.textContent = status.dataset.saved;
    } catch {
      form.requestSubmit(); // shows why it was not saved
    }
  }
}
