import { filled, isObject, type JsonObject } from './shape.ts';

/** What an error body says, whichever shape it has. */
export interface ErrorBody {
  readonly message?: string;
  readonly type?: string;
  readonly code?: string;
  /** The HTTP status the body itself names: Ray Serve and vLLM put it into `code`. */
  readonly status?: number;
  readonly param?: string;
  readonly requestId?: string;
}

/** A field's name or path; anything else in `param` (Ray Serve puts the offending input there) is not shown. */
const FIELD = /^[A-Za-z_][\w.[\]-]{0,99}$/;
/** Ray Serve appends it to the message; the rest of the line is internals. */
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

function described(parts: { [K in keyof ErrorBody]: ErrorBody[K] | undefined }): ErrorBody {
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

/** FastAPI and Ray Serve: `{"detail": "Not Found"}`, `{"detail": [{loc, msg, type}]}`. */
function fromDetail(detail: unknown): ErrorBody {
  const first: unknown = Array.isArray(detail) ? detail[0] : detail;
  if (!isObject(first)) return described({ message: filled(first) });
  return described({
    message: filled(first.msg) ?? filled(first.message),
    type: filled(first.type),
    param: pathOf(first.loc),
  });
}

const fromObject = (error: JsonObject, outer: JsonObject): ErrorBody =>
  described({
    message: filled(error.message) ?? filled(error.detail),
    type: filled(error.type),
    code: typeof error.code === 'string' ? filled(error.code) : undefined,
    status: statusOf(error.code) ?? statusOf(error.status),
    param: filled(error.param),
    requestId: filled(outer.id) ?? filled(outer.request_id),
  });

/**
 * The error in an object, or undefined if it is none: `{error: {…}}` (OpenAI, Together, Ray Serve), `{error: "…"}`,
 * `{object: "error", message, …}` (older vLLM), `{message, type}` and `{detail}` where there are no choices.
 */
export function errorBodyIn(wire: unknown): ErrorBody | undefined {
  if (!isObject(wire)) return undefined;
  if (isObject(wire.error) && Object.keys(wire.error).length > 0) return fromObject(wire.error, wire);
  if (filled(wire.error) !== undefined) return fromObject({ ...wire, message: wire.error }, wire);
  if (wire.choices !== undefined && wire.object !== 'error') return undefined;
  if (wire.object === 'error' || (filled(wire.message) !== undefined && (wire.type ?? wire.code) !== undefined)) {
    return fromObject(wire, wire);
  }
  return wire.detail === undefined ? undefined : fromDetail(wire.detail);
}

/** The body of an answer whose status says error: parsed JSON of any shape, or the text of a page or a line. */
export function errorBody(wire: unknown): ErrorBody {
  if (typeof wire === 'string') return described({ message: filled(wire) });
  return errorBodyIn(wire) ?? (isObject(wire) ? fromObject(wire, wire) : {});
}
