/**
 * Fields of a form, each with its label and its own mistake.
 *
 * @example
 * const [error, setError] = useState();            // an ApiError; its `param` names the field
 * html`<${Form} onSubmit=${save} error=${error} fields=${['name', 'budget.limit']}>
 *   <${Field} name="name" label="Name" error=${error} value=${name} onInput=${setName} />
 * <//>`
 */
import { ErrorText } from './api.js';
import { html, useState } from './html.js';

/** Whether an error is about a field, or about a part of it: `allow.models[0]`. A field is named as the API names it. */
const isAbout = (error, name) =>
  Boolean(error?.param) &&
  (error.param === name || /^[.[]/.test(error.param.slice(name.length))) &&
  error.param.startsWith(name);

let made = 0;
const useId = () => useState(() => `f${++made}`)[0];

/**
 * One labelled field. `as` is input, textarea or select; `onInput` gets its text. Everything else goes to the element.
 *
 * @param hint what to write, below the field
 */
export function Field({ name, label, hint, error, as: element = 'input', onInput, children, class: style, ...others }) {
  const id = useId();
  const mistake = isAbout(error, name) ? error.message : undefined;
  const described = [hint && `${id}h`, mistake && `${id}e`].filter(Boolean).join(' ') || undefined;
  const change = onInput && ((event) => onInput(event.target.value, event));
  // Its children as they are: an <input> has none.
  const own = { id, name, 'aria-describedby': described, 'aria-invalid': mistake ? 'true' : undefined, ...others };
  return html`<div class=${`field ${style ?? ''}`}>
    <label for=${id}>${label}</label>
    ${
      children === undefined || children.length === 0
        ? html`<${element} ...${own} onInput=${change} />`
        : html`<${element} ...${own} onInput=${change}>${children}<//>`
    }
    ${hint && html`<p class="quiet" id=${`${id}h`}>${hint}</p>`}
    ${mistake && html`<p class="mistake" id=${`${id}e`} role="alert">${mistake}</p>`}
  </div>`;
}

/** A form that never loads a page. An error that is about none of `fields` stands above its buttons. */
export function Form({ onSubmit, error, fields = [], children, ...others }) {
  const submit = (event) => {
    event.preventDefault();
    onSubmit(event);
  };
  const other = error && !fields.some((name) => isAbout(error, name)) ? error : undefined;
  return html`<form ...${others} onSubmit=${submit} novalidate>
    ${children}
    <${ErrorText} error=${other} />
  </form>`;
}
