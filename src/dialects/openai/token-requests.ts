/** The bodies of `/v1/tokenize` and `/v1/detokenize`, and the text form of `/v1/count_tokens`. */
import * as v from 'valibot';
import { bodySchema } from '../body-schema.ts';
import { modelMissing, optional } from '../validation.ts';

const model = v.pipe(v.string(), v.minLength(1, 'must not be empty'), v.maxLength(512));

/**
 * An answer of `/v1/tokenize` takes about a hundred bytes per token, so it takes shorter texts than
 * `/v1/count_tokens`.
 */
const MAX_CHARACTERS = 1_000_000;
const MAX_IDS = 1_000_000;

export const tokenizeBody = bodySchema(
  v.strictObject({
    model,
    input: v.pipe(
      v.string(),
      v.maxLength(MAX_CHARACTERS, `must be at most ${MAX_CHARACTERS} characters; /v1/count_tokens takes more`),
    ),
    special_tokens: optional(v.picklist(['text', 'parse'], 'must be "text" or "parse"')),
  }),
);

export const detokenizeBody = bodySchema(
  v.strictObject({
    model,
    ids: v.pipe(
      v.array(v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must be at least 0'))),
      v.maxLength(MAX_IDS, `must be at most ${MAX_IDS} ids`),
    ),
  }),
);

export const countTextBody = bodySchema(
  v.strictObject({
    model: optional(model),
    models: optional(v.pipe(v.array(model), v.minLength(1, 'must name at least one'), v.maxLength(32))),
    input: v.string(),
  }),
);

export interface TokenizeRequest {
  readonly model: string;
  readonly input: string;
  /** `parse`: special tokens written in the input are tokens, as in a rendered prompt. `text`: they are plain text. */
  readonly markers: 'text' | 'parse';
}

/** A body of `POST /v1/tokenize`. Throws `invalid_request` naming the field. */
export function parseTokenize(raw: unknown): TokenizeRequest {
  const body = tokenizeBody.read(raw).body;
  return { model: body.model, input: body.input, markers: body.special_tokens ?? 'text' };
}

/** A body of `POST /v1/detokenize`. Throws `invalid_request` naming the field. */
export const parseDetokenize = (raw: unknown): { readonly model: string; readonly ids: readonly number[] } =>
  detokenizeBody.read(raw).body;

/** A body of `POST /v1/count_tokens` with a plain text, for one or several models. */
export function parseCountText(raw: unknown): { readonly models: readonly string[]; readonly input: string } {
  const body = countTextBody.read(raw).body;
  const models = [...new Set([...(body.model ? [body.model] : []), ...(body.models ?? [])])];
  if (models.length === 0) throw modelMissing();
  return { models, input: body.input };
}
