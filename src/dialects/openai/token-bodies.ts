import * as v from 'valibot';
import { GatewayError } from '../../core/index.ts';
import { check } from './check.ts';
import { optional } from './fields.ts';

const model = v.pipe(v.string(), v.minLength(1, 'must not be empty'), v.maxLength(512));

/** What `/v1/tokenize` answers with takes some hundred bytes a token; longer texts are for `/v1/count_tokens`. */
const MAX_CHARACTERS = 1_000_000;
const MAX_IDS = 1_000_000;

const tokenizeBody = v.strictObject({
  model,
  input: v.pipe(
    v.string(),
    v.maxLength(MAX_CHARACTERS, `must be at most ${MAX_CHARACTERS} characters; /v1/count_tokens takes more`),
  ),
  special_tokens: optional(v.picklist(['text', 'parse'], 'must be "text" or "parse"')),
});

const detokenizeBody = v.strictObject({
  model,
  ids: v.pipe(
    v.array(v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must be at least 0'))),
    v.maxLength(MAX_IDS, `must be at most ${MAX_IDS} ids`),
  ),
});

const countTextBody = v.strictObject({
  model: optional(model),
  models: optional(v.pipe(v.array(model), v.minLength(1, 'must name at least one'), v.maxLength(32))),
  input: v.string(),
});

export interface TokenizeRequest {
  readonly model: string;
  readonly input: string;
  /** Whether special tokens written in the input are tokens, as in a rendered prompt, or text, as in a content. */
  readonly markers: 'text' | 'parse';
}

/** A body of `POST /v1/tokenize`. Throws `invalid_request` naming the field. */
export function parseTokenize(raw: unknown): TokenizeRequest {
  const body = check(tokenizeBody, raw);
  return { model: body.model, input: body.input, markers: body.special_tokens ?? 'text' };
}

/** A body of `POST /v1/detokenize`. Throws `invalid_request` naming the field. */
export const parseDetokenize = (raw: unknown): { readonly model: string; readonly ids: readonly number[] } =>
  check(detokenizeBody, raw);

/** The third form of a body of `POST /v1/count_tokens`: a plain text, for one or several models. */
export function parseCountText(raw: unknown): { readonly models: readonly string[]; readonly input: string } {
  const body = check(countTextBody, raw);
  const models = [...new Set([...(body.model ? [body.model] : []), ...(body.models ?? [])])];
  if (models.length === 0) {
    throw new GatewayError('invalid_request', 'model: is required. GET /v1/models lists what can be asked for.', {
      param: 'model',
    });
  }
  return { models, input: body.input };
}
