/** A button that copies, and code that can be copied. */
import { html, useRef, useState } from './html.js';

/** Browsers give `navigator.clipboard` to https and loopback pages only. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = Object.assign(document.createElement('textarea'), { value: text });
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (!done) throw new Error('not copied');
}

/** @param text what is copied, or a function that gives it */
export function CopyButton({ text, label = 'Copy' }) {
  const [said, say] = useState('');
  const timer = useRef();
  const go = async () => {
    try {
      await copy(typeof text === 'function' ? text() : text);
      say('Copied');
    } catch {
      // The browser does not say why.
      say('Select the text and copy it yourself');
    }
    clearTimeout(timer.current);
    timer.current = setTimeout(() => say(''), 2000);
  };
  return html`<button type="button" class="small" onClick=${go}>${label}</button>
    <span class="quiet" role="status">${said}</span>`;
}

/** Code in a frame of its own, which scrolls by itself. */
export const Code = ({ text, label = 'Code' }) => html`<div class="code">
  <div><${CopyButton} text=${text} /></div>
  <pre tabindex="0" role="region" aria-label=${label}><code>${text}</code></pre>
</div>`;
