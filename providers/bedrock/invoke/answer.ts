import { type Event, type FinishReason, isObject, type JsonObject } from '../../../src/core/index.ts';
import type { Decoder } from '../decode.ts';
import { foreign, interrupted } from '../errors.ts';
import { type Counts, usageEvent } from '../shared.ts';
import type { Body } from './bodies.ts';

/** Meta's `stop_reason` and Mistral's, whose API says `model_length` of a full window; any other word ends an answer, too. */
const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'length'],
  ['content_filter', 'content_filter'],
]);

const finish = (native: string): Event => ({
  type: 'finish',
  choice: 0,
  reason: REASONS.get(native) ?? 'stop',
  native,
});

const count = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const utf8 = new TextDecoder();

function parse(bytes: Uint8Array | undefined): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    return isObject(value) ? value : undefined;
  } catch {
    // The caller knows what it means here that this is no JSON.
    return undefined;
  }
}

/** Bedrock's own count, on the last chunk of a stream. */
function metricsIn(json: JsonObject): Counts | undefined {
  const metrics = json['amazon-bedrock-invocationMetrics'];
  if (!isObject(metrics)) return undefined;
  return {
    input: count(metrics.inputTokenCount),
    output: count(metrics.outputTokenCount),
    cacheRead: count(metrics.cacheReadInputTokenCount),
    cacheWrite: count(metrics.cacheWriteInputTokenCount),
  };
}

/** Bedrock's own count, beside an answer in one piece. The SDK does not pass these headers on. */
function headerCount(headers: Readonly<Record<string, string>>, name: 'input' | 'output'): number | undefined {
  const value = headers[`x-amzn-bedrock-${name}-token-count`];
  return value !== undefined && /^\d{1,12}$/.test(value) ? Number(value) : undefined;
}

/**
 * The events of an InvokeModel answer.
 * @throws GatewayError where the body is not what the model's maker answers
 */
export function answerEvents(
  bytes: Uint8Array | undefined,
  headers: Readonly<Record<string, string>>,
  body: Body,
): Event[] {
  const json = parse(bytes);
  const piece = json && body.read(json);
  if (!piece) throw foreign();
  const out: Event[] = [];
  if (piece.text) out.push({ type: 'text', choice: 0, text: piece.text });
  // An answer in one piece is whole whatever it calls its end.
  out.push(finish(piece.stop ?? ''));
  const counted = usageEvent({
    input: piece.input ?? headerCount(headers, 'input'),
    output: piece.output ?? headerCount(headers, 'output'),
  });
  if (counted) out.push(counted);
  return out;
}

interface Chunk {
  readonly chunk?: { readonly bytes?: Uint8Array | undefined } | undefined;
}

/**
 * Reads InvokeModelWithResponseStream. The answer is whole when the model has said why it stopped, and no sooner; the
 * chunk that says so may still bring text.
 */
export function streamDecoder(body: Body): Decoder<Chunk> {
  let stop: string | undefined;
  let metrics: Counts | undefined;
  let input: number | undefined;
  let output: number | undefined;
  return {
    read({ chunk }, out) {
      if (!chunk) return;
      const json = parse(chunk.bytes);
      if (!json) throw interrupted();
      const piece = body.read(json);
      const counts = metricsIn(json);
      if (!piece && !counts) throw foreign();
      if (piece?.text) out.push({ type: 'text', choice: 0, text: piece.text });
      stop = piece?.stop ?? stop;
      metrics = counts ?? metrics;
      input = piece?.input ?? input;
      output = piece?.output ?? output;
    },
    complete: () => stop !== undefined && metrics !== undefined,
    end(out) {
      if (stop === undefined) return false;
      out.push(finish(stop));
      const counted = usageEvent(metrics ?? { input, output });
      if (counted) out.push(counted);
      return true;
    },
  };
}
