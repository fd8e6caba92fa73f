/** The few DOM moves every view shares. Text always goes in as textContent, so nothing from the network is markup. */

export const byId = (id) => document.getElementById(id);

export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

/** A fresh copy of the one element inside a <template>. */
export const stamp = (templateId) => byId(templateId).content.firstElementChild.cloneNode(true);

/** Sets text only when it differs, so that live regions stay quiet and selections survive. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of `list` mirror `items`, reusing each item's element.
 * `key` names an item, `create` makes its element once, `update` fills the element at every call.
 */
export function mirror(list, items, { key, create, update }) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const name = String(key(item, index));
    const child = known.get(name) ?? create(item);
    known.delete(name);
    child.dataset.key = name;
    update(child, item, index);
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
  });
  for (const gone of known.values()) gone.remove();
}

/** Copies text; where the browser refuses (a page that is not a secure context), selects `source` instead. */
export async function copy(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return false;
  }
}
