import { GatewayError, isObject, type JsonObject, type Usage } from '../../src/core/index.ts';

/** Where a prediction stands. Only `running` can change. */
export type State =
  | { readonly kind: 'running' }
  | { readonly kind: 'succeeded'; readonly text: string }
  /** It ran to its end, but what it said is not there: deleted after an hour, or not text. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'canceled' }
  | { readonly kind: 'aborted' };

export interface Prediction {
  readonly id: string;
  readonly state: State;
  /** It waits for the model to be started, which can take minutes. */
  readonly starting: boolean;
  /** What has been said so far. While running it may look whole and not be. */
  readonly said: string;
  /** `http:` or `https:`. */
  readonly streamUrl?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Seconds of hardware time, which is what time-priced models bill. */
  readonly predictSeconds?: number;
}

/**
 * https://replicate.com/docs/topics/predictions/lifecycle. A status that is not listed counts as running, bounded by the
 * job's deadline, unless the prediction says when it was completed.
 */
const STATUSES: ReadonlyMap<unknown, State['kind']> = new Map<unknown, State['kind']>([
  ['starting', 'running'],
  ['processing', 'running'],
  ['succeeded', 'succeeded'],
  ['failed', 'failed'],
  ['canceled', 'canceled'],
  ['aborted', 'aborted'],
]);

/** Language models answer a list of pieces or one string; null is no answer. Anything else is not text. */
function textOutput(output: unknown): string | undefined {
  if (typeof output === 'string') return output;
  if (!Array.isArray(output)) return undefined;
  // A piece of nothing adds nothing.
  const pieces = output.filter((piece) => piece !== null);
  if (pieces.length === 0 && output.length > 0) return undefined;
  return pieces.every((piece) => typeof piece === 'string') ? pieces.join('') : undefined;
}

/** What a failed prediction says: its `error` is a text, mostly. */
function failureOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (error === null || error === undefined) return '';
  const said = isObject(error) ? (error.detail ?? error.message) : undefined;
  return typeof said === 'string' ? said : JSON.stringify(error);
}

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const seconds = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

function httpUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const { protocol } = new URL(value);
  return protocol === 'https:' || protocol === 'http:' ? value : undefined;
}

function stateOf(json: JsonObject, text: string | undefined, outputTokens: number | undefined): State {
  const kind = STATUSES.get(json.status) ?? (json.completed_at ? 'failed' : 'running');
  switch (kind) {
    case 'succeeded': {
      if (json.data_removed === true && !text) return { kind: 'lost' };
      // No output at all is an empty answer only where the engine says that it made no token.
      if (text === undefined && outputTokens !== 0) return { kind: 'lost' };
      return { kind, text: text ?? '' };
    }
    case 'failed':
      return { kind, error: failureOf(json.error) };
    case 'lost':
    case 'running':
    case 'canceled':
    case 'aborted':
      return { kind };
  }
}

const SAFE_ID = /^[\w-]{1,128}$/;

/** A prediction object as Replicate sends it. Throws `provider_error` for anything else. */
export function parsePrediction(body: string): Prediction {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // Reported below, like every other body that is no prediction.
  }
  if (!isObject(json) || typeof json.id !== 'string' || !SAFE_ID.test(json.id)) {
    throw new GatewayError('provider_error', 'Replicate answered with something that is not a prediction.', {
      provider: 'replicate',
    });
  }
  const metrics = isObject(json.metrics) ? json.metrics : {};
  const text = textOutput(json.output);
  const outputTokens = count(metrics.output_token_count);
  const inputTokens = count(metrics.input_token_count);
  const predictSeconds = seconds(metrics.predict_time);
  const streamUrl = isObject(json.urls) ? httpUrl(json.urls.stream) : undefined;
  return {
    id: json.id,
    state: stateOf(json, text, outputTokens),
    starting: json.status === 'starting',
    said: text ?? '',
    ...(streamUrl === undefined ? {} : { streamUrl }),
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(predictSeconds === undefined ? {} : { predictSeconds }),
  };
}

/** What Replicate counted, if its engine counts tokens: many community models do not. */
export function usageOf(prediction: Prediction): Usage | undefined {
  const { inputTokens, outputTokens, predictSeconds } = prediction;
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return {
    input: inputTokens,
    cacheRead: 0,
    cacheWrite: 0,
    output: outputTokens,
    reasoning: 0,
    source: 'provider',
    ...(predictSeconds === undefined ? {} : { seconds: predictSeconds }),
  };
}
