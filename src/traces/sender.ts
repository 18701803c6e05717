/**
 * Sends spans to a collector by OTLP over HTTP. Nobody waits for it, and what it does not take is lost: the log says
 * so, at most once a minute.
 */
import type { Background, Fetch } from '../core/index.ts';
import type { Collector } from './settings.ts';
import { exportRequest, type Span } from './spans.ts';

/** After this long the collector is given up for these spans. */
const PATIENCE_MS = 5_000;
/** Requests of one isolate that the collector has not answered. Beyond these, spans are dropped. */
const MOST_UNANSWERED = 64;
const SAID_EVERY_MS = 60_000;
/** Characters of its answer that are read. */
const MOST_READ = 16_384;

export interface SenderOptions {
  readonly fetch: Fetch;
  readonly background: Background;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Writes a line into the log. It is given no text of the collector's. */
  readonly log: (line: string) => void;
}

export type SendSpans = (spans: readonly Span[]) => void;

export function spanSender(
  { url, headers, resource }: Pick<Collector, 'url' | 'headers' | 'resource'>,
  { fetch, background, now, log }: SenderOptions,
): SendSpans {
  let lost = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  /** When each unanswered request was made. A time and no count: the runtime may end a request's work at any point. */
  let unanswered: number[] = [];

  function lose(spans: number, why: string): void {
    lost += spans;
    if (now() - saidAt < SAID_EVERY_MS) return;
    log(`Traces: ${lost} spans are lost, because the collector (OTEL_EXPORTER_OTLP_ENDPOINT) ${why}.`);
    saidAt = now();
    lost = 0;
  }

  async function send(spans: readonly Span[]): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'user-agent': 'chasqui', ...headers, 'content-type': 'application/json' },
        body: exportRequest(spans, resource),
        // A redirect may take the credentials to another host.
        redirect: 'manual',
        signal,
      });
      if (!answer.ok) {
        await answer.body?.cancel();
        lose(spans.length, `answered ${answer.status}`);
        return;
      }
      const rejected = rejectedIn(await beginning(answer));
      if (rejected > 0) lose(Math.min(rejected, spans.length), 'rejected them');
    } catch {
      // The message of fetch's error may contain hosts and paths.
      lose(spans.length, signal.aborted ? `did not answer within ${PATIENCE_MS / 1000} s` : 'could not be reached');
    }
  }

  return (spans) => {
    const at = now();
    unanswered = unanswered.filter((made) => at - made < PATIENCE_MS);
    if (unanswered.length >= MOST_UNANSWERED) {
      lose(spans.length, 'is too slow');
      return;
    }
    unanswered.push(at);
    background(
      send(spans).finally(() => {
        const place = unanswered.indexOf(at);
        if (place >= 0) unanswered.splice(place, 1);
      }),
    );
  };
}

/** The body as text, as far as an answer of OTLP can be long. */
async function beginning({ body }: Response): Promise<string> {
  if (!body) return '';
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    if (text.length > MOST_READ) {
      await reader.cancel();
      return text;
    }
  }
}

/** A success may still have rejected spans: `{"partialSuccess": {"rejectedSpans": "3"}}`. */
function rejectedIn(text: string): number {
  const count = /"rejectedSpans"\s*:\s*"?(\d{1,15})/.exec(text)?.[1];
  return Number(count ?? 0);
}
