/** What one sees before one is signed in. The key goes to the gateway once and is kept nowhere in the browser. */
import { api } from './lib/api.js';
import { Field, Form } from './lib/form.js';
import { html, useState } from './lib/html.js';

/** @param onDone gets the new session */
export function SignIn({ onDone }) {
  const [key, setKey] = useState('');
  const [error, setError] = useState();
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    try {
      onDone(await api('/session', { body: { key: key.trim() } }));
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return html`<${Form} class="sign-in" onSubmit=${submit} error=${error} fields=${['key']}>
    <${Field} name="key" label="Key" type="password" autocomplete="current-password" required spellcheck="false"
      hint="The admin key (CHASQUI_ADMIN_KEY), or your own, which shows your own usage." error=${error} value=${key} onInput=${setKey} />
    <button type="submit" disabled=${busy || key.trim() === ''}>Sign in</button>
  <//>`;
}
