/**
 * An incremental reader of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), for
 * the part of it that model servers use: `data` and `event`, and llama.cpp's `error: {…}`, which is no field of the standard
 * and is read as the data of an event `error` (github.com/ggml-org/llama.cpp/issues/16104). Unlike a browser it hands over an event whose blank line
 * never came, because servers leave it out after the last one; whoever decodes the data notices if it was cut.
 *
 * Linear on any input: only the text just read is searched, and what is unfinished is kept as a rope that is
 * flattened once, when its line ends.
 */
export interface SseReader {
  /** Text as it was decoded from one network read. */
  push(text: string): void;
  /** The connection has ended: what is left is an event, perhaps a cut one. */
  end(): void;
}

/** Characters of one event, and of one line. An event this long is no model's token but a fault or an attack. */
export const MAX_EVENT_LENGTH = 1024 * 1024;

const SPACE = 32;

/** Thrown by `push` when an event is longer than {@link MAX_EVENT_LENGTH}. */
export class OversizedEvent extends Error {}

/**
 * @example
 * const reader = sseReader((data, event) => console.log(event, data));
 * reader.push('data: {"a":');
 * reader.push('1}\n\n'); // '' '{"a":1}'
 */
export function sseReader(onEvent: (data: string, event: string) => void): SseReader {
  let line = '';
  let data: string | undefined;
  let event = '';
  let afterCarriageReturn = false;

  function dispatch(): void {
    const complete = data;
    const name = event;
    data = undefined;
    event = '';
    if (complete !== undefined) onEvent(complete, name);
  }

  function add(value: string): void {
    data = data === undefined ? value : `${data}\n${value}`;
    if (data.length > MAX_EVENT_LENGTH) throw new OversizedEvent();
  }

  /** A line, `text` from `from` to `end`. Only the value of a field that counts is copied out of it. */
  function field(text: string, from: number, end: number): void {
    if (from === end) {
      dispatch();
    } else if (text.startsWith('data:', from)) {
      add(text.slice(text.charCodeAt(from + 5) === SPACE ? from + 6 : from + 5, end));
    } else if (text.startsWith('event:', from)) {
      event = text.slice(text.charCodeAt(from + 6) === SPACE ? from + 7 : from + 6, end);
    } else if (text.startsWith('error:', from)) {
      event = 'error';
      add(text.slice(text.charCodeAt(from + 6) === SPACE ? from + 7 : from + 6, end));
    } else if (end - from === 4 && text.startsWith('data', from)) {
      add('');
    }
  }

  return {
    push(read) {
      let text = read;
      if (afterCarriageReturn && text.startsWith('\n')) text = text.slice(1);
      if (read !== '') afterCarriageReturn = read.endsWith('\r');
      // Almost no server sends carriage returns, and JSON has none unescaped, so they cost one native search.
      if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
      let from = 0;
      let end = text.indexOf('\n');
      if (end !== -1 && line !== '') {
        const whole = line + text.slice(0, end);
        line = '';
        field(whole, 0, whole.length);
        from = end + 1;
        end = text.indexOf('\n', from);
      }
      for (; end !== -1; end = text.indexOf('\n', from)) {
        field(text, from, end);
        from = end + 1;
      }
      if (from < text.length) line += text.slice(from);
      if (line.length > MAX_EVENT_LENGTH) throw new OversizedEvent();
    },
    end() {
      const rest = line;
      line = '';
      if (rest !== '') field(rest, 0, rest.length);
      dispatch();
    },
  };
}
