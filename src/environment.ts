/**
 * The environment as people write it: variables, one JSON file in place of several of them, the credentials in them,
 * and warnings about names that are probably misspelt.
 */

import { nearestOf } from './catalog/index.ts';
import { isObject, type Variables } from './core/index.ts';

/** Members of `CHASQUI_CONFIG`, and the variable that each of them stands for. */
const MEMBERS: Readonly<Record<string, string>> = {
  services: 'OPENAI_COMPATIBLE_SERVICES',
  anyscale_services: 'ANYSCALE_SERVICES',
  prices: 'CHASQUI_PRICES',
  routes: 'CHASQUI_ROUTES',
  timeouts: 'CHASQUI_TIMEOUTS',
  markers: 'CHASQUI_MARKERS',
  privacy: 'CHASQUI_PRIVACY',
  subrequests: 'CHASQUI_SUBREQUESTS',
};

export type Env = Readonly<Record<string, unknown>>;

/** The environment with the settings of the configuration file in it. */
export interface WithFile {
  readonly env: Env;
  readonly mistakes: readonly string[];
  /** Rewrites a mistake about a variable to name the place in the file, if the variable came from there. */
  readonly placed: (mistake: string) => string;
}

const NONE = (env: Env, mistakes: readonly string[] = []): WithFile => ({
  env,
  mistakes,
  placed: (mistake) => mistake,
});

/** A variable's JSON, or the value itself where the platform has parsed it already. Undefined for what is not JSON. */
export function json(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    // The parser's message quotes the text, which may contain tokens. The caller says what was expected.
    return undefined;
  }
}

/**
 * Reads `CHASQUI_CONFIG`, the text of a JSON file that replaces several variables. A setting may stand in the file
 * or in its variable, but not in both.
 *
 * @example
 * CHASQUI_CONFIG = '{"services": [{"id": "mine", "base_url": "http://127.0.0.1:8080"}], "routes": {"small": "my-model"}}'
 */
export function withConfigFile(env: Env): WithFile {
  const value = env.CHASQUI_CONFIG;
  if (value === undefined || value === '') return NONE(env);
  const known = Object.keys(MEMBERS).join(', ');
  const file = json(value);
  if (!isObject(file)) return NONE(env, [`CHASQUI_CONFIG must be a JSON object of ${known}.`]);
  const mistakes: string[] = [];
  const from = new Map<string, string>();
  const read: Record<string, unknown> = { ...env };
  for (const [member, setting] of Object.entries(file)) {
    const variable = Object.hasOwn(MEMBERS, member) ? MEMBERS[member] : undefined;
    // For editors.
    if (member === '$schema') continue;
    if (variable === undefined) {
      mistakes.push(`CHASQUI_CONFIG.${member.slice(0, 80)} is not known; known are ${known}.`);
    } else if (env[variable] !== undefined && env[variable] !== '') {
      mistakes.push(`CHASQUI_CONFIG.${member} and ${variable} are both set: say it in one of them.`);
    } else {
      read[variable] = setting;
      from.set(variable, `CHASQUI_CONFIG.${member}`);
    }
  }
  const placed = (mistake: string): string => {
    const variable = /^[A-Z_]+/.exec(mistake)?.[0] ?? '';
    const place = from.get(variable);
    return place === undefined ? mistake : `${place}${mistake.slice(variable.length)}`;
  };
  return { env: read, mistakes, placed };
}

/** Variables that hold credentials, and members of JSON values that do. Stricter for members: models have any name. */
const CREDENTIAL_VARIABLE = /key|token|secret|passw|credential|authorization/i;
const CREDENTIAL_MEMBER = /(?:^|[._-])(?:api_?key|key|key_id|token|secret|password|authorization|cookie)$/i;
/** A header value that looks like a credential: long, with letters and digits. */
const CREDENTIAL_VALUE = /^(?=.*\d)(?=.*[A-Za-z])[!-~]{20,}$/;
const SCHEME = /^(?:Bearer|Basic|Token|Key)\s+/i;

/** All credentials in an environment, also those of providers that are not fully configured. */
export function credentialsIn(env: unknown, name = '', held = CREDENTIAL_VARIABLE): readonly string[] {
  if (typeof env === 'string') {
    const parsed = /^\s*[[{]/.test(env) ? json(env) : undefined;
    if (parsed !== undefined) return credentialsIn(parsed, '', CREDENTIAL_MEMBER);
    const inAddress = /:\/\/[^\s/@:]*:([^\s/@]+)@/.exec(env)?.[1];
    const value = env.trim().replace(SCHEME, '');
    const isOne = held.test(name) || (/^headers\./.test(name) && CREDENTIAL_VALUE.test(value));
    return [...(isOne ? [value] : []), ...(inAddress === undefined ? [] : [inAddress])];
  }
  if (Array.isArray(env)) return env.flatMap((item: unknown) => credentialsIn(item, '', CREDENTIAL_MEMBER));
  if (!isObject(env)) return [];
  return Object.entries(env).flatMap(([key, value]) =>
    isObject(value) && key !== 'headers'
      ? credentialsIn(value, '', CREDENTIAL_MEMBER)
      : credentialsIn(value, name === 'headers' ? `headers.${key}` : key, held),
  );
}

/** The gateway's own variables. Each provider lists its own in its descriptor. */
export const OWN_VARIABLES: Variables = {
  CHASQUI_ADMIN_KEY: ['CHASQUI_API_KEY', 'CHASQUI_KEY', 'ADMIN_KEY'],
  CHASQUI_CONFIG: [],
  // Read by `npm start` and `npm run deploy`, which pass its content on as CHASQUI_CONFIG.
  CHASQUI_CONFIG_FILE: [],
  CHASQUI_KEY_SECRET: [],
  CHASQUI_MARKERS: [],
  CHASQUI_PRICES: [],
  CHASQUI_PRIVACY: [],
  CHASQUI_ROUTES: ['CHASQUI_ALIASES', 'CHASQUI_MODELS'],
  CHASQUI_SANDBOX: [],
  CHASQUI_SUBREQUESTS: [],
  CHASQUI_TIMEOUTS: ['CHASQUI_TIMEOUT_MS'],
  CHASQUI_TRACE_PROVIDERS: ['CHASQUI_TRACE_PROVIDER'],
  OTEL_EXPORTER_OTLP_ENDPOINT: ['OTEL_ENDPOINT', 'OTLP_ENDPOINT'],
  OTEL_EXPORTER_OTLP_HEADERS: [],
  OTEL_EXPORTER_OTLP_PROTOCOL: [],
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: [],
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: [],
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: [],
  OTEL_RESOURCE_ATTRIBUTES: [],
  OTEL_SDK_DISABLED: [],
  OTEL_SERVICE_NAME: [],
  OTEL_TRACES_EXPORTER: [],
  OTEL_TRACES_SAMPLER: [],
  OTEL_TRACES_SAMPLER_ARG: [],
};

/** Only our variables start like this, so an unknown name that does was meant for us. */
const PREFIX = 'CHASQUI_';
/** A shorter name resembles too many others. */
const LEAST_LETTERS = 6;

const isSet = (env: Env, name: string): boolean => env[name] !== undefined && env[name] !== '';

/**
 * Warnings about variables that nothing reads: those that resemble a variable that is not set, and those that have the
 * gateway's own prefix. Whole sentences, which show names but no values.
 */
export function variableWarnings(env: Env, known: Variables): string[] {
  const names = Object.keys(known);
  return Object.keys(env).flatMap((name) => {
    if (Object.hasOwn(known, name) || name.length < LEAST_LETTERS || !/^\w{1,100}$/.test(name)) return [];
    const upper = name.toUpperCase();
    const meant = names.find((one) => known[one]?.includes(upper)) ?? nearestOf(name, names)[0];
    if (upper.startsWith(PREFIX)) {
      const hint = meant === undefined ? ` Known are ${names.filter((one) => one.startsWith(PREFIX)).join(', ')}.` : '';
      return [`${name} is not known and has no effect.${meant === undefined ? hint : ` Did you mean ${meant}?`}`];
    }
    return meant === undefined || isSet(env, meant) ? [] : [`${name} is not read. Did you mean ${meant}?`];
  });
}
