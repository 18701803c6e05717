/** Preact and htm under their usual names. A child of a template is always text, never HTML. */
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

/** Joins class names; what is false is left out. */
export const classes = (...names) => names.filter(Boolean).join(' ') || undefined;
