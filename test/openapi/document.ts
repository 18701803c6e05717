/**
 * The description of the API, OpenAPI 3.1: every route of `ROUTES`, with bodies made from the validators. What follows
 * from a route's level is said here once: who may use it, and the errors that it can end in.
 */
import { readFileSync } from 'node:fs';
import type { Level } from '../../src/routes/access.ts';
import { ROUTES } from '../../src/routes/access.ts';
import { ANSWERS } from './answers.ts';
import { requestSchemas } from './bodies.ts';
import {
  anything,
  count,
  described,
  flag,
  type Json,
  mapOf,
  object,
  ref,
  type Schema,
  someObject,
  text,
} from './json.ts';
import { ANSWER_HEADERS, type Operation, type Parameter, TAGS } from './operation.ts';
import { GENERATE } from './operations/generate.ts';
import { INSPECT } from './operations/inspect.ts';
import { OPERATE } from './operations/operate.ts';
import { PAGE } from './operations/page.ts';
import { REPORT_ROUTES } from './operations/reports.ts';
import { REPORTS } from './reports.ts';

const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...GENERATE,
  ...INSPECT,
  ...REPORT_ROUTES,
  ...OPERATE,
  ...PAGE,
};

const ERRORS: Readonly<Record<number, string>> = {
  400: 'The request is not valid. `param` names the field, and the message says what to do.',
  401: 'No key, or one that is not known here.',
  402: 'The budget of the key or of its account has no room for this call.',
  403: 'The key may not do this.',
  404: 'There is nothing of this name here.',
  409: 'Another request of the same kind is under way or was made before.',
  413: 'The body is too large.',
  415: 'The body is compressed in a way that is not read here.',
  422: 'The `Idempotency-Key` was used for another body or route.',
  429: 'A limit of the key, or of every provider that could be asked. `Retry-After` says when to ask again.',
  499: 'The caller left.',
  500: 'The gateway failed, or its configuration has mistakes.',
  501: 'This deployment lacks what the route needs. The message says what to bind.',
  502: 'Every provider that could be asked failed.',
  503: 'Not now. `Retry-After` says when to ask again.',
  504: 'The time for the call is over.',
  529: 'Every provider that could be asked is overloaded.',
};

/** Errors that every route of a level can end in. */
const OF_LEVEL: Readonly<Record<Level, readonly number[]>> = {
  anyone: [500],
  call: [400, 401, 402, 403, 404, 409, 422, 429, 499, 500, 501, 502, 503, 504],
  key: [401, 500, 501, 503],
  admin: [401, 403, 500, 501],
};
const OF_BODIES = [400, 413, 415];

const LEVELS: Readonly<Record<Level, string>> = {
  anyone: 'No key is needed.',
  call: 'Any key.',
  key: 'Any key.',
  admin: 'The admin key.',
};

/** Statuses that clients repeat by themselves, or that others than the caller can end. */
const SHOULD_RETRY = new Set([401, 402, 403, 409, 429, 500, 501, 502, 503, 504, 529]);
const RETRY_AFTER = new Set([409, 429, 503, 529]);
/** Providers may have been asked before. */
const AFTER_ATTEMPTS = new Set([400, 404, 429, 499, 502, 503, 504, 529]);

const JSON_TYPE = 'application/json';
/** Of other types than JSON with a schema of its own. Readers take the schema of a stream for that of an event. */
const CONTENT: Readonly<Record<string, Schema>> = { [JSON_TYPE]: someObject, 'text/event-stream': anything };

const schemaOf = (names: readonly string[]): Schema => {
  const [only, ...others] = names;
  return only !== undefined && others.length === 0 ? ref(only) : { anyOf: names.map(ref) };
};

const headerRefs = (names: readonly string[]): Schema =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const ENVELOPES = { messages: ['MessagesError'], either: ['Error', 'MessagesError'], openai: ['Error'] } as const;

/** One for each status and envelope, so that it stands once. */
const errorName = (status: number, envelope: keyof typeof ENVELOPES): string => `${envelope}-${status}`;

const errorResponse = (status: number, envelope: keyof typeof ENVELOPES): Schema => ({
  description: ERRORS[status] ?? '',
  headers: headerRefs([
    'x-request-id',
    ...(RETRY_AFTER.has(status) ? ['retry-after'] : []),
    ...(SHOULD_RETRY.has(status) ? ['x-should-retry'] : []),
    ...(status === 413 || status === 415 ? [] : ['x-chasqui-generation-id', 'ratelimit', 'ratelimit-policy']),
    ...(AFTER_ATTEMPTS.has(status) ? ['x-chasqui-attempts'] : []),
  ]),
  content: { [JSON_TYPE]: { schema: schemaOf(ENVELOPES[envelope]) } },
});

const parameterOf = ({ name, in: place, about, schema, required, example }: Parameter): Schema => ({
  name,
  in: place,
  description: about,
  ...(required ? { required } : {}),
  schema,
  ...(example === undefined ? {} : { example }),
});

function bodyOf({ body, examples }: Operation): Schema {
  if (!body) return {};
  const shown = Object.entries(examples ?? {}).map(([name, { summary, body: value }]) => [name, { summary, value }]);
  return {
    requestBody: {
      required: true,
      content: { [JSON_TYPE]: { schema: schemaOf(body), examples: Object.fromEntries(shown) as Schema } },
    },
  };
}

function answerOf({ answer, answers, alsoAs = {}, headers = [], links = {} }: Operation): Schema {
  const also = Object.entries(alsoAs).map(([type, description]) => [
    type,
    { schema: described(CONTENT[type] ?? text, description) },
  ]);
  const followed = Object.entries(links).map(([name, link]) => {
    const parameters = Object.entries(link.with).map(([param, at]) => [param, `$response.body#${at}`]);
    return [name, { operationId: link.to, parameters: Object.fromEntries(parameters) as Schema }];
  });
  return {
    description: answer,
    headers: headerRefs(['x-request-id', ...headers]),
    content: {
      ...(answers.length > 0 ? { [JSON_TYPE]: { schema: schemaOf(answers) } } : {}),
      ...(Object.fromEntries(also) as Schema),
    },
    ...(followed.length > 0 ? { links: Object.fromEntries(followed) as Schema } : {}),
  };
}

function operationOf(level: Level, operation: Operation): Schema {
  const { envelope = 'openai', parameters = [], errors = [], body } = operation;
  const statuses = new Set([...OF_LEVEL[level], ...(body ? OF_BODIES : []), ...errors]);
  const failures = [...statuses]
    .sort((a, b) => a - b)
    .map((status) => [status, { $ref: `#/components/responses/${errorName(status, envelope)}` }]);
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: `${operation.about}\n\n${LEVELS[level]}`,
    ...(level === 'anyone' ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters: parameters.map(parameterOf) } : {}),
    ...bodyOf(operation),
    responses: { [operation.status ?? 200]: answerOf(operation), ...(Object.fromEntries(failures) as Schema) },
  };
}

function pathsOf(): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const [route, level] of Object.entries(ROUTES)) {
    const operation = OPERATIONS[route];
    if (!operation) throw new Error(`${route} is not described. Add it to test/openapi/operations/.`);
    const [method = '', path = ''] = route.split(' ');
    const name = path.replace(':id', '{id}');
    paths[name] ??= {};
    paths[name][method.toLowerCase()] = operationOf(level, operation);
  }
  const stray = Object.keys(OPERATIONS).find((route) => !(route in ROUTES));
  if (stray !== undefined) throw new Error(`${stray} is described in test/openapi/operations/ and is no route.`);
  return paths;
}

const amount: Schema = ref('Amount');
/** Read by hand in src/catalog/prices/overrides.ts, because each mistake in it is a sentence. */
const PRICES_CHANGE: Schema = {
  ...object({
    source: described(text, 'Where the prices are from, in a few words.'),
    prices: described(
      mapOf(
        mapOf(
          object({
            'input_per_mtok?': amount,
            'output_per_mtok?': amount,
            'cache_read_per_mtok?': amount,
            'cache_write_per_mtok?': amount,
            'usd_per_second?': amount,
            'usd_per_hour?': amount,
            'hardware?': text,
            'tokens_per_second?': anything,
            'valid_from?': text,
            'valid_to?': text,
            'source?': text,
            'force?': flag,
          }),
        ),
      ),
      'By provider and model.',
    ),
    'version?': described(count, 'The version that you have seen: a 409 if another one is stored.'),
    'force?': described(flag, 'Accept implausible prices.'),
  }),
  additionalProperties: false,
};

/** Read by hand in src/routes/session.ts. */
const SIGN_IN: Schema = object({ key: described(text, 'The admin key, or a caller’s own.') });

const ABOUT = `One gateway for open-weight models at AWS Bedrock, Replicate, Anyscale, Together and servers of your own.

Money is a decimal string of dollars, except for \`usage.cost\` and its details, which are numbers. Times are
milliseconds or RFC 3339. An unknown price is null, never zero.

Every path answers \`OPTIONS\`, and \`HEAD\` where it answers \`GET\`. Other methods get a 405 with \`Allow\`.`;

function version(): string {
  const read: { version?: unknown } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url).pathname, 'utf8'),
  );
  return String(read.version);
}

/** The whole document. */
export function openApiDocument(): Schema {
  const paths = pathsOf();
  const used = JSON.stringify(paths);
  const kinds = Object.keys(ENVELOPES) as (keyof typeof ENVELOPES)[];
  const responses = kinds.flatMap((envelope) =>
    Object.keys(ERRORS)
      .map(Number)
      .filter((status) => used.includes(`"#/components/responses/${errorName(status, envelope)}"`))
      .map((status) => [errorName(status, envelope), errorResponse(status, envelope)] as const),
  );
  const headers = Object.entries(ANSWER_HEADERS).map(([name, about]) => [name, { description: about, schema: text }]);
  return {
    openapi: '3.1.0',
    info: { title: 'Chasqui', version: version(), description: ABOUT, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
      headers: Object.fromEntries(headers) as Schema,
      responses: Object.fromEntries(responses),
      schemas: { ...requestSchemas(), PricesChange: PRICES_CHANGE, SignIn: SIGN_IN, ...ANSWERS, ...REPORTS },
    },
  } satisfies { readonly [name: string]: Json };
}
