/**
 * The variables that say whether and where traces are sent. Their names and forms are OpenTelemetry's:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and `protocol/exporter`.
 */

/** Decides by the id of a trace, so that all who take part decide alike. */
export interface Sampler {
  /** A caller's decision stands. */
  readonly byParent: boolean;
  /** The share of the others that is recorded: 0 to 1. */
  readonly ratio: number;
}

export interface Collector {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What is true of all spans: `service.name` and whatever the operator adds. */
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: Sampler;
}

export interface TraceSettings {
  /** Absent: nothing is recorded. */
  readonly collector?: Collector;
  /** Requests to providers carry `traceparent`. */
  readonly toProviders: boolean;
}

/** The last 14 digits of an id are random (W3C Trace Context Level 2), and 13 fit a number exactly. */
const RANDOM_DIGITS = 13;

export const isSampled = ({ byParent, ratio }: Sampler, traceId: string, parent: boolean | undefined): boolean =>
  byParent && parent !== undefined
    ? parent
    : Number.parseInt(traceId.slice(-RANDOM_DIGITS), 16) < ratio * 16 ** RANDOM_DIGITS;

const SAMPLERS = ['always_on', 'always_off', 'traceidratio'];

/** `key=value,key=value` with percent-encoded values. Undefined if it is something else. */
function pairs(text: string): Record<string, string> | undefined {
  const read: Record<string, string> = {};
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    if (at < 1 || name === '') return undefined;
    try {
      read[name] = decodeURIComponent(part.slice(at + 1).trim());
    } catch {
      // A lone percent sign: the value was written without encoding.
      read[name] = part.slice(at + 1).trim();
    }
  }
  return read;
}

/** Where traces are sent: an endpoint of their own as it is, else the common one with their path. */
function addressOf(said: (name: string) => string | undefined): string | undefined {
  const own = said('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const common = said('OTEL_EXPORTER_OTLP_ENDPOINT');
  return own ?? (common === undefined ? undefined : `${common.replace(/\/+$/, '')}/v1/traces`);
}

/** `fetch` refuses an address with credentials in it. */
function isAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

const areHeaders = (headers: Readonly<Record<string, string>>): boolean =>
  Object.entries(headers).every(([name, value]) => HEADER_NAME.test(name) && HEADER_VALUE.test(value));

/**
 * Reads the variables. What is wrong with one becomes a warning, which shows no value: calls are served whatever
 * becomes of their traces.
 */
export function readTraceSettings(
  env: Readonly<Record<string, unknown>>,
): TraceSettings & { readonly mistakes: readonly string[]; readonly warnings: readonly string[] } {
  const said = (name: string): string | undefined => {
    const value = env[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const mistakes: string[] = [];
  const warnings: string[] = [];
  const forward = said('CHASQUI_TRACE_PROVIDERS')?.toLowerCase() ?? '0';
  if (!/^(?:0|1|true|false)$/.test(forward)) mistakes.push('CHASQUI_TRACE_PROVIDERS must be 1 or 0.');
  const toProviders = forward === '1' || forward === 'true';

  const url = addressOf(said);
  const off = said('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || said('OTEL_TRACES_EXPORTER') === 'none';
  const without = { toProviders, mistakes, warnings };
  if (url === undefined || off) return without;
  const noTraces = (why: string) => {
    warnings.push(`${why} No traces are sent.`);
    return without;
  };
  if (!isAddress(url)) {
    return noTraces('OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https address without credentials.');
  }
  const headers = pairs(said('OTEL_EXPORTER_OTLP_TRACES_HEADERS') ?? said('OTEL_EXPORTER_OTLP_HEADERS') ?? '');
  if (!headers || !areHeaders(headers)) {
    return noTraces('OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs with commas between them.');
  }
  const protocol = said('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? said('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/json';
  if (protocol !== 'http/json') {
    warnings.push('OTEL_EXPORTER_OTLP_PROTOCOL is not http/json, and traces are sent in that form all the same.');
  }
  const attributes = pairs(said('OTEL_RESOURCE_ATTRIBUTES') ?? '');
  if (!attributes) warnings.push('OTEL_RESOURCE_ATTRIBUTES must be name=value pairs with commas between them.');
  const service = said('OTEL_SERVICE_NAME');
  return {
    ...without,
    collector: {
      url,
      headers,
      resource: {
        'service.name': 'chasqui',
        ...attributes,
        ...(service === undefined ? {} : { 'service.name': service }),
      },
      sampler: samplerOf(
        said('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on',
        said('OTEL_TRACES_SAMPLER_ARG'),
        warnings,
      ),
    },
  };
}

function samplerOf(name: string, share: string | undefined, warnings: string[]): Sampler {
  const byParent = name.startsWith('parentbased_');
  const own = byParent ? name.slice('parentbased_'.length) : name;
  if (!SAMPLERS.includes(own)) {
    warnings.push(`OTEL_TRACES_SAMPLER must be ${SAMPLERS.join(', ')}, or one of these after parentbased_.`);
    return { byParent: true, ratio: 1 };
  }
  if (own !== 'traceidratio') return { byParent, ratio: own === 'always_on' ? 1 : 0 };
  const ratio = Number(share ?? 1);
  if (ratio >= 0 && ratio <= 1) return { byParent, ratio };
  warnings.push('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.');
  return { byParent, ratio: 1 };
}
