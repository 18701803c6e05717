/**
 * An incremental reader of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). It
 * reads the fields that model servers use: `data`, `event`, and llama.cpp's `error: {…}`. That one is not in the
 * standard; it is read as the data of an event named `error` (github.com/ggml-org/llama.cpp/issues/16104). Unlike a
 * browser, `end` reports an event without its final blank line, because some servers omit it. Decoding the data
 * shows if it was cut.
 *
 * Linear on any input: only new text is searched, and an unfinished line is a rope that is flattened once, at its
 * end.
 */
export interface SseReader {
  /** The decoded text of one network read. */
  push(text: string): void;
  /** The connection has ended. What is left over is an event, perhaps a cut one. */
  end(): void;
}

/** Limit of one event, and of one line, in characters. Anything longer is a fault or an attack. */
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

  /** Handles the line from `from` to `end`. Only the values of fields that we use are copied out of the text. */
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
      // Carriage returns are rare, and JSON has none unescaped, so this usually costs one native search.
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
