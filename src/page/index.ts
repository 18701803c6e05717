/** What the page needs from the Worker besides its files. */
export { type Cursors, cursorsFrom, cursorsText, type Look, type Watcher, watch } from './live.ts';
