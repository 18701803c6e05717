import * as v from 'valibot';
import { TIERS } from '../../src/catalog/index.ts';
import type { Api } from '../../src/core/index.ts';

/** What a row of `models.json` and a line of `prices.json` may hold. The Worker trusts both, because these tests check them. */

const day = v.pipe(v.string(), v.isoDate());
const tokens = v.pipe(v.number(), v.integer(), v.minValue(1));
const dollars = v.pipe(v.string(), v.regex(/^\d+(?:\.\d{1,9})?$/));
/** Names with single spaces between; none is an empty text. */
const words = v.pipe(v.string(), v.regex(/^(?:\S+(?: \S+)*)?$/));

const offer = v.strictObject({
  provider: v.string(),
  id: v.string(),
  otherIds: v.exactOptional(v.array(v.string())),
  apis: v.array(
    v.picklist(['converse', 'invoke', 'predictions', 'chat', 'completions', 'embeddings', 'rerank'] satisfies Api[]),
  ),
  features: v.exactOptional(
    v.strictObject({ tools: v.exactOptional(v.boolean()), streamingTools: v.exactOptional(v.boolean()) }),
  ),
  status: v.strictObject({
    state: v.picklist(['live', 'unverified', 'unknown', 'retired']),
    date: v.exactOptional(day),
    asOf: v.exactOptional(day),
    note: v.exactOptional(v.string()),
  }),
  structured: v.exactOptional(v.boolean()),
  billing: v.exactOptional(v.picklist(['token', 'time', 'provisioned'])),
  contextLimit: v.exactOptional(tokens),
  maxOutput: v.exactOptional(v.strictObject({ converse: v.exactOptional(tokens), invoke: v.exactOptional(tokens) })),
  regions: v.exactOptional(words),
  profiles: v.exactOptional(v.record(v.string(), words)),
  versions: v.exactOptional(
    v.array(v.strictObject({ hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)), source: v.string() })),
  ),
});

export const modelRow = v.strictObject({
  id: v.string(),
  name: v.string(),
  family: v.string(),
  kind: v.picklist(['base', 'chat', 'guard', 'embedding', 'rerank']),
  contextLength: v.exactOptional(tokens),
  dimensions: v.exactOptional(v.pipe(v.array(tokens), v.minLength(1))),
  can: v.array(v.picklist(['tools', 'vision', 'reasoning', 'infill', 'systemRole'])),
  aliases: v.exactOptional(v.array(v.string())),
  openrouter: v.exactOptional(v.union([v.string(), v.array(v.string())])),
  replacedBy: v.exactOptional(v.string()),
  offers: v.array(offer),
});

export const priceLine = v.strictObject({
  provider: v.string(),
  offer: v.string(),
  profile: v.exactOptional(v.string()),
  validFrom: day,
  validTo: v.exactOptional(day),
  region: v.exactOptional(v.string()),
  tier: v.exactOptional(v.picklist(TIERS)),
  inputPerMtok: dollars,
  outputPerMtok: dollars,
  cacheReadPerMtok: v.exactOptional(dollars),
  cacheWritePerMtok: v.exactOptional(dollars),
  source: v.string(),
  checkedAt: day,
  note: v.exactOptional(v.string()),
});

/** What a file has that its schema does not allow: where, and what was expected. */
export const wrongIn = (schema: v.GenericSchema, json: unknown): string[] =>
  (v.safeParse(schema, json).issues ?? []).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
