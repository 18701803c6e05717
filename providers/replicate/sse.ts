import { GatewayError } from '../../src/core/index.ts';

/** One dispatched event. `event` is `output`, `error`, `done`, `logs`, or what Replicate may add. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

export interface SseParser {
  /** Takes one network read and returns the events it completed. */
  push(chunk: string): ServerEvent[];
}

/** Characters that one event may have; a token is a few. */
const MAX_EVENT = 1 << 20;

/**
 * An incremental parser of `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html): lines
 * end in LF, CR or CRLF, wherever the network cuts them; several `data` lines of one event are joined by a newline,
 * which is how Replicate sends newlines; comments and ids are dropped; an event without its blank line never was.
 * Throws `stream_interrupted` for an event of more than 1 MiB.
 */
export function sseParser(): SseParser {
  // A line that is cut is kept as it grows and only searched where it is new: one byte a read must not be quadratic.
  let line = '';
  let afterCr = false;
  let event = '';
  let data: string[] = [];
  let size = 0;

  const endLine = (text: string, out: ServerEvent[]): void => {
    if (text === '') {
      if (data.length > 0) out.push({ event: event || 'message', data: data.join('\n') });
      event = '';
      data = [];
      size = 0;
      return;
    }
    const colon = text.indexOf(':');
    const name = colon < 0 ? text : text.slice(0, colon);
    if (name !== 'data' && name !== 'event') return;
    const from = colon < 0 ? text.length : colon + (text[colon + 1] === ' ' ? 2 : 1);
    const value = text.slice(from);
    if (name === 'event') event = value;
    else {
      data.push(value);
      size += value.length + 1;
    }
  };

  return {
    push(chunk) {
      const out: ServerEvent[] = [];
      let from = 0;
      if (afterCr && chunk !== '') {
        if (chunk[0] === '\n') from = 1;
        afterCr = false;
      }
      for (let at = from; at < chunk.length; at++) {
        const code = chunk.charCodeAt(at);
        if (code !== 10 && code !== 13) continue;
        endLine(line + chunk.slice(from, at), out);
        line = '';
        if (code === 13) {
          if (at + 1 === chunk.length) afterCr = true;
          else if (chunk.charCodeAt(at + 1) === 10) at++;
        }
        from = at + 1;
      }
      line += chunk.slice(from);
      if (line.length + size > MAX_EVENT) {
        throw new GatewayError('stream_interrupted', 'Replicate sent an event that is too large to be text.', {
          provider: 'replicate',
        });
      }
      return out;
    },
  };
}
