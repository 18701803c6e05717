/** Models, as Anthropic's clients list them: `GET /v1/models` and `GET /v1/models/{id}` with `anthropic-version`. */
import { GatewayError } from '../../core/index.ts';

/** What there is to say of a model, or of a configured name. */
export interface AboutModel {
  readonly id: string;
  readonly name: string;
  /** Tokens of prompt and answer together. */
  readonly contextLength: number | null;
  readonly maxOutput: number | null;
  readonly retired: boolean;
}

/** @param created RFC 3339 */
export const modelInfo = (about: AboutModel, created: string) => ({
  type: 'model',
  id: about.id,
  display_name: about.name,
  created_at: created,
  max_input_tokens: about.contextLength,
  max_tokens: about.maxOutput ?? about.contextLength,
  capabilities: null,
  lifecycle: about.retired ? 'retired' : 'active',
  line: null,
  deprecated_at: null,
  retires_at: null,
});

const MOST = 1000;
const USUAL = 20;

type Query = (name: string) => string | undefined;

function limitOf(query: Query): number {
  const given = query('limit');
  if (given === undefined) return USUAL;
  const limit = Number(given);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST) return limit;
  throw new GatewayError('invalid_request', `limit: must be a whole number from 1 to ${MOST}.`, { param: 'limit' });
}

function placeOf(ids: readonly string[], name: 'after_id' | 'before_id', query: Query): number | undefined {
  const id = query(name);
  if (id === undefined || id === '') return undefined;
  const at = ids.indexOf(id);
  if (at >= 0) return at;
  throw new GatewayError('invalid_request', `${name}: there is no model ${id.slice(0, 100)} in this list.`, {
    param: name,
  });
}

/** The ids of one page: up to `limit` after `after_id`, or the last so many before `before_id`. */
export function pageOf(
  ids: readonly string[],
  query: Query,
): { readonly page: readonly string[]; readonly more: boolean } {
  const limit = limitOf(query);
  const after = placeOf(ids, 'after_id', query);
  const before = placeOf(ids, 'before_id', query);
  if (after !== undefined && before !== undefined) {
    throw new GatewayError('invalid_request', 'before_id: give either this or after_id.', { param: 'before_id' });
  }
  if (before !== undefined) {
    const from = Math.max(0, before - limit);
    return { page: ids.slice(from, before), more: from > 0 };
  }
  const from = after === undefined ? 0 : after + 1;
  return { page: ids.slice(from, from + limit), more: from + limit < ids.length };
}

export const modelList = (data: readonly { readonly id: string }[], more: boolean) => ({
  data,
  has_more: more,
  first_id: data[0]?.id ?? null,
  last_id: data.at(-1)?.id ?? null,
});
