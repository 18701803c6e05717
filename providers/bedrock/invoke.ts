import { Buffer } from 'node:buffer';
import {
  type Event,
  type Family,
  type FinishReason,
  GatewayError,
  isObject,
  type JsonObject,
  type PromptJob,
} from '../../src/core/index.ts';
import { clampTemperature, isLlama, isMistral } from './about.ts';
import { type Counts, countIn, usageEvent } from './converse-answer.ts';
import { foreign, interrupted, textIn } from './errors.ts';
import { jsonOf, type StreamDecoder } from './event-stream.ts';

/**
 * InvokeModel and InvokeModelWithResponseStream, for raw prompts: the only Bedrock API that does not apply the
 * model's prompt template. Each vendor has its own JSON.
 */

/** What an answer says, or one chunk of it. */
interface Piece {
  readonly text: string;
  /** Why the model stopped; undefined while it goes on. */
  readonly stop?: string;
  /** Tokens, where the body counts them. */
  readonly input?: number | undefined;
  readonly output?: number | undefined;
}

/** InvokeModel's request and response format for one model vendor. */
export interface VendorFormat {
  readonly request: (job: PromptJob) => Record<string, unknown>;
  /** Undefined where the JSON is not what this vendor answers. */
  readonly read: (json: Readonly<Record<string, unknown>>) => Piece | undefined;
}

/** Meta's models stop at 512 tokens unless told otherwise, and take 2048 at most. */
const LLAMA_MAX_GEN_LEN = 2048;

const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const pieceOf = (text: unknown, stop: unknown): Piece | undefined =>
  typeof text === 'string' ? { text, ...(typeof stop === 'string' ? { stop } : {}) } : undefined;

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html */
const llama: VendorFormat = {
  request: ({ prompt, sampling, maxTokens }) =>
    given({
      prompt,
      temperature: sampling.temperature === undefined ? undefined : clampTemperature(sampling.temperature),
      top_p: sampling.topP,
      max_gen_len: maxTokens ?? LLAMA_MAX_GEN_LEN,
    }),
  read: (json) => {
    const piece = 'generation' in json ? pieceOf(json.generation ?? '', json.stop_reason) : undefined;
    return (
      piece && {
        ...piece,
        input: countIn(json, 'prompt_token_count'),
        output: countIn(json, 'generation_token_count'),
      }
    );
  },
};

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html */
const mistral: VendorFormat = {
  request: ({ prompt, sampling, maxTokens, stop }) => {
    const sequences = stop.filter((sequence) => sequence !== '');
    return given({
      prompt,
      max_tokens: maxTokens,
      stop: sequences.length > 0 ? sequences : undefined,
      temperature: sampling.temperature === undefined ? undefined : clampTemperature(sampling.temperature),
      top_p: sampling.topP,
      top_k: sampling.topK,
    });
  },
  read: (json) => {
    const output: unknown = Array.isArray(json.outputs) ? json.outputs[0] : undefined;
    return isObject(output) ? pieceOf(output.text, output.stop_reason) : undefined;
  },
};

/**
 * The format of a family's models.
 * @throws GatewayError where this gateway knows none
 */
export function formatFor(family: Family): VendorFormat {
  if (isLlama(family)) return llama;
  if (isMistral(family)) return mistral;
  throw new GatewayError(
    'unsupported_parameter',
    'AWS Bedrock takes raw prompts for Llama and Mistral models only. Use chat completions for this one.',
    { provider: 'bedrock', param: 'prompt' },
  );
}

/** Stop reasons of Meta and Mistral; Mistral's API says `model_length` for a full context. Any other means `stop`. */
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

/** Bedrock's own count, on the last chunk of a stream. */
function metricsIn(json: JsonObject): Counts | undefined {
  const metrics = json['amazon-bedrock-invocationMetrics'];
  if (!isObject(metrics)) return undefined;
  return {
    input: countIn(metrics, 'inputTokenCount'),
    output: countIn(metrics, 'outputTokenCount'),
    cacheRead: countIn(metrics, 'cacheReadInputTokenCount'),
    cacheWrite: countIn(metrics, 'cacheWriteInputTokenCount'),
  };
}

/** Bedrock's own count, beside an answer in one piece. */
export function headerCount(headers: Response['headers'], name: 'input' | 'output'): number | undefined {
  const value = headers.get(`x-amzn-bedrock-${name}-token-count`);
  return value !== null && /^\d{1,12}$/.test(value) ? Number(value) : undefined;
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // The caller of this function decides what invalid JSON means.
    return undefined;
  }
}

/**
 * The events of an InvokeModel answer.
 * @throws GatewayError where the body is not what the model's vendor answers
 */
export function invokeAnswer(text: string, headers: Response['headers'], format: VendorFormat): Event[] {
  const json = parsed(text);
  const piece = json && format.read(json);
  if (!piece) throw foreign();
  const out: Event[] = [];
  if (piece.text) out.push({ type: 'text', choice: 0, text: piece.text });
  // An answer that is not streamed is complete, whatever its stop reason says.
  out.push(finish(piece.stop ?? ''));
  const counted = usageEvent({
    input: piece.input ?? headerCount(headers, 'input'),
    output: piece.output ?? headerCount(headers, 'output'),
  });
  if (counted) out.push(counted);
  return out;
}

/**
 * Decodes InvokeModelWithResponseStream, whose chunks hold the model's own JSON in base64. The answer is complete
 * when the model has said why it stopped, and no sooner; the chunk that says so may still bring text.
 */
export function invokeDecoder(format: VendorFormat): StreamDecoder {
  let stop: string | undefined;
  let metrics: Counts | undefined;
  let input: number | undefined;
  let output: number | undefined;
  return {
    event(type, payload, out) {
      if (type !== 'chunk') return;
      const json = parsed(Buffer.from(textIn(jsonOf(payload), 'bytes'), 'base64').toString('utf8'));
      if (!json) throw interrupted();
      const piece = format.read(json);
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
      if (stop === undefined) throw interrupted();
      out.push(finish(stop));
      const counted = usageEvent(metrics ?? { input, output });
      if (counted) out.push(counted);
    },
  };
}
