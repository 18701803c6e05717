/** Preact and htm under their usual names. A child of a template is always text, never HTML. */
import { html } from '../vendor/htm-preact-3.1.1.js';

export {
  createContext,
  h,
  html,
  render,
  useCallback,
  useContext,
  useEffect,
  useErrorBoundary,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from '../vendor/htm-preact-3.1.1.js';

/** The name of a character: U+202E. */
export const codeOf = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

/** A stranger's text: marks in it that would turn the order of what follows are shown by their names. */
export const Plain = ({ text }) =>
  html`<bdi dir="auto">${text.split(/([\u202a-\u202e\u2066-\u2069])/).map((part, at) => (at % 2 ? html`<span class="sign">${codeOf(part)}</span>` : part))}</bdi>`;

/** Joins class names; what is false is left out. */
export const classes = (...names) => names.filter(Boolean).join(' ') || undefined;
