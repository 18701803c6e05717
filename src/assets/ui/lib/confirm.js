/**
 * Asks before something that cannot be undone. The browser's own dialog: Escape closes it, and the focus stays inside.
 *
 * @example
 * html`${asked && html`<${Confirm} title="Revoke this key?" action="Revoke it" onDo=${revoke} onClose=${() => ask(false)}>
 *   <p>Calls with it are refused at once.</p>
 * <//>`}`
 */
import { ErrorText } from './api.js';
import { html, useEffect, useRef, useState } from './html.js';

/**
 * @param action what the button says that does it
 * @param onDo does it; the dialog closes when that has worked, and shows the error when not
 * @param onClose is called when the dialog has closed, with whether it was done
 */
export function Confirm({ title, action, onDo, onClose, children }) {
  const dialog = useRef();
  const done = useRef(false);
  const [error, setError] = useState();
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current.showModal(), []);
  const close = () => dialog.current?.close();
  const go = async () => {
    setBusy(true);
    try {
      await onDo();
      done.current = true;
      close();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return html`<dialog ref=${dialog} aria-label=${title} onClose=${() => onClose(done.current)}>
    <h2>${title}</h2>
    ${children}
    <${ErrorText} error=${error} />
    <div class="row">
      <button type="button" onClick=${close}>Cancel</button>
      <button type="button" class="main" disabled=${busy} onClick=${go}>${action}</button>
    </div>
  </dialog>`;
}
