/**
 * Reads the error bodies of servers with an OpenAI API, in all their shapes: OpenAI, Together, vLLM, Ray Serve,
 * FastAPI, OpenRouter, MiniMax, Google, Cloudflare, TGI, ASP.NET. What an error means is decided in errors.ts.
 */
import { isObject, type JsonObject } from '../../src/core/index.ts';
import { filled, parseJson } from './response-fields.ts';

/** The values of an error body. */
export interface UpstreamErrorBody {
  readonly message?: string;
  readonly type?: string;
  readonly code?: string;
  /** The HTTP status named in the body: Ray Serve and vLLM put it into `code`. */
  readonly status?: number;
  readonly param?: string;
  readonly requestId?: string;
}

/** A field's name or path. Anything else in `param` is not shown, because Ray Serve puts the caller's input there. */
const FIELD = /^[A-Za-z_][\w.[\]-]{0,99}$/;
/** Ray Serve appends it to the message. */
const REQUEST_ID = /\(Request ID: ([\w.:/-]{1,200})\)/i;

const statusOf = (code: unknown): number | undefined => {
  const status =
    typeof code === 'number' ? code : typeof code === 'string' && /^[45]\d\d$/.test(code) ? Number(code) : 0;
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
};

/** FastAPI's `loc` as a path: `["body", "messages", 0, "content"]` is `messages[0].content`. */
function pathOf(loc: unknown): string | undefined {
  if (!Array.isArray(loc)) return undefined;
  let path = '';
  for (const step of loc[0] === 'body' ? loc.slice(1) : loc) {
    path += typeof step === 'number' ? `[${step}]` : `${path && '.'}${String(step).slice(0, 100)}`;
  }
  return path;
}

/** Fields that hold an error's message, most usual first. */
const MESSAGE_FIELDS = [
  'message',
  'detail',
  'msg',
  'error_msg',
  'error_message',
  'errorMessage',
  'error_description',
  'status_msg',
  'Message',
  'faultstring',
] as const;

function messageIn(error: JsonObject): string | undefined {
  for (const name of MESSAGE_FIELDS) {
    const text = filled(error[name]);
    if (text !== undefined) return text;
  }
  return undefined;
}

function described(parts: { [K in keyof UpstreamErrorBody]: UpstreamErrorBody[K] | undefined }): UpstreamErrorBody {
  const requestId = parts.requestId ?? REQUEST_ID.exec(parts.message?.slice(0, 10_000) ?? '')?.[1];
  return {
    ...(parts.message === undefined ? {} : { message: parts.message }),
    ...(parts.type === undefined ? {} : { type: parts.type }),
    ...(parts.code === undefined ? {} : { code: parts.code }),
    ...(parts.status === undefined ? {} : { status: parts.status }),
    ...(parts.param !== undefined && FIELD.test(parts.param) ? { param: parts.param } : {}),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/**
 * FastAPI and Ray Serve: `{"detail": "Not Found"}`, `{"detail": [{loc, msg, type}]}`. Gateways put the error of the
 * server behind them there, as an object or as JSON text.
 */
function fromDetail(detail: unknown, depth: number): UpstreamErrorBody {
  const first: unknown = Array.isArray(detail) ? detail[0] : detail;
  if (!isObject(first)) return within(first, depth) ?? described({ message: filled(first) });
  const inner = first.msg === undefined && depth < MAX_DEPTH ? errorIn(first, depth + 1) : undefined;
  if (inner) return inner;
  return described({
    message: filled(first.msg) ?? filled(first.message),
    type: filled(first.type),
    param: pathOf(first.loc),
  });
}

/** How deep errors are nested: Ollama wraps llama.cpp's, a gateway wraps its upstream's. */
const MAX_DEPTH = 3;

/** The error in a text that is JSON. */
function within(text: unknown, depth: number): UpstreamErrorBody | undefined {
  if (typeof text !== 'string' || depth >= MAX_DEPTH || !/^\s*\{/.test(text)) return undefined;
  return errorIn(parseJson(text)?.value, depth + 1);
}

function fromObject(error: JsonObject, outer: JsonObject, depth: number): UpstreamErrorBody {
  // OpenRouter's message is "Provider returned error". The provider's own is in `metadata.raw`.
  const raw = isObject(error.metadata) ? error.metadata.raw : undefined;
  const inner = within(raw, depth) ?? within(error.message, depth);
  // Mistral's `message` can be FastAPI's list of details.
  const listed = isObject(error.message) ? fromDetail(error.message.detail ?? error.message, depth) : undefined;
  const { message, param } = inner ?? listed ?? {};
  return described({
    message: message ?? filled(raw) ?? messageIn(error),
    // Text Generation Inference: `{"error": "Model is overloaded", "error_type": "overloaded"}`.
    type: inner?.type ?? filled(error.type) ?? filled(error.error_type),
    code: inner?.code ?? (typeof error.code === 'string' ? filled(error.code) : undefined),
    status:
      statusOf(error.code) ??
      statusOf(error.status) ??
      statusOf(error.status_code) ??
      statusOf(error.statusCode) ??
      inner?.status,
    param: param ?? filled(error.param),
    requestId: filled(outer.id) ?? filled(outer.request_id),
  });
}

/** HTTP statuses for MiniMax's own codes: https://platform.minimax.io/docs/api-reference/errorcode */
const MINIMAX: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  [1001, 504],
  [1002, 429],
  [1004, 401],
  [1008, 402],
  [1026, 400],
  [1027, 400],
  [1039, 429],
  [1041, 429],
  [2013, 400],
  [2049, 401],
  [2056, 429],
]);

function fromMiniMax(response: JsonObject): UpstreamErrorBody {
  const status = MINIMAX.get(response.status_code) ?? 500;
  return described({ message: filled(response.status_msg), code: String(response.status_code), status });
}

/** An error object with only empty values, which some servers send beside a normal answer. */
const isEmptied = (error: JsonObject): boolean =>
  Object.values(error).every((value) => value === null || value === '' || value === 0 || value === false);

/** Values of `code` that mean success, from servers that send a code with every answer. */
const FINE: ReadonlySet<unknown> = new Set([0, 200, '0', '200', 'ok', 'success']);

const hasChoices = (wire: JsonObject): boolean => Array.isArray(wire.choices) && wire.choices.length > 0;

/** The first of `errors`: Cloudflare's `[{code, message}]`, a list of texts, or ASP.NET's lists of texts by field. */
function fromErrors(errors: unknown, wire: JsonObject, depth: number): UpstreamErrorBody | undefined {
  const list = isObject(errors) ? Object.values(errors).flat() : errors;
  const first: unknown = Array.isArray(list) ? list[0] : list;
  if (isObject(first)) return fromObject(first, wire, depth);
  return filled(first) === undefined ? undefined : fromObject({ ...wire, message: first }, wire, depth);
}

function errorIn(wire: unknown, depth: number): UpstreamErrorBody | undefined {
  // Google's OpenAI endpoint sends a list of one.
  if (Array.isArray(wire)) return wire.length > 0 && depth < MAX_DEPTH ? errorIn(wire[0], depth + 1) : undefined;
  if (!isObject(wire)) return undefined;
  if (isObject(wire.error) && Object.keys(wire.error).length > 0 && !(hasChoices(wire) && isEmptied(wire.error))) {
    return fromObject(wire.error, wire, depth);
  }
  if (filled(wire.error) !== undefined) {
    return within(wire.error, depth) ?? fromObject({ ...wire, message: wire.error }, wire, depth);
  }
  if (Array.isArray(wire.error)) {
    const listed = fromErrors(wire.error, wire, depth);
    if (listed) return listed;
  }
  if (isObject(wire.base_resp) && wire.base_resp.status_code && !hasChoices(wire)) return fromMiniMax(wire.base_resp);
  if (wire.choices !== undefined && wire.object !== 'error') return undefined;
  const code = FINE.has(wire.code) ? undefined : wire.code;
  const named = wire.type ?? code ?? (wire.error === true ? true : undefined);
  const told = messageIn(wire);
  if (wire.object === 'error' || (told !== undefined && wire.detail === undefined && named !== undefined)) {
    return fromObject(wire, wire, depth);
  }
  if (isObject(wire.message) && named !== undefined) return fromObject(wire, wire, depth);
  const listed = fromErrors(wire.errors, wire, depth);
  if (listed) return listed;
  return wire.detail === undefined ? undefined : fromDetail(wire.detail, depth);
}

/**
 * The error in an object, or undefined if there is none: `{error: {…}}` (OpenAI, Together, Ray Serve), `{error:
 * "…"}`, `{object: "error", message, …}` (older vLLM), `{message, type}`, `{errors}` and `{detail}` where there are
 * no choices.
 */
export const errorBodyIn = (wire: unknown): UpstreamErrorBody | undefined => errorIn(wire, 0);

/** The body of an answer with an error status: parsed JSON of any shape, or text. */
export function errorBody(wire: unknown): UpstreamErrorBody {
  if (typeof wire === 'string') return described({ message: filled(wire) });
  return errorBodyIn(wire) ?? (isObject(wire) ? fromObject(wire, wire, 0) : {});
}
