/**
 * Where a call stands in its caller's trace, and how its requests to providers say so: their signal tells to which
 * attempt they belong, so that no provider has to know of traces.
 */
import type { Fetch } from './provider.ts';

/** W3C Trace Context (https://www.w3.org/TR/trace-context-2/). Ids are lower-case hex. */
export interface CallTrace {
  /** 32 digits. */
  readonly traceId: string;
  /** The call's own span: 16 digits. */
  readonly spanId: string;
  /** The caller's span. Absent: the trace begins here. */
  readonly parentId?: string;
  /** Spans of it are recorded. */
  readonly sampled: boolean;
  /** The flag of Level 2: whoever made the trace's id took all of it at random. */
  readonly random: boolean;
  /** The caller's `tracestate`, unread. */
  readonly state?: string;
}

const carried = new WeakMap<AbortSignal, Readonly<Record<string, string>>>();

/** Requests with this signal carry these headers. */
export const carryHeaders = (signal: AbortSignal, headers: Readonly<Record<string, string>>): void => {
  carried.set(signal, headers);
};

/** Requests with `own` carry what those with `signal` do. For a provider that gives its requests a signal of its own. */
export function carryAlike(signal: AbortSignal, own: AbortSignal): void {
  const headers = carried.get(signal);
  if (headers) carried.set(own, headers);
}

/** The network, with the headers that a request's signal stands for. */
export const carrying =
  (network: Fetch): Fetch =>
  (input, init) => {
    const more = init?.signal ? carried.get(init.signal) : undefined;
    if (!more) return network(input, init);
    const headers = new Headers(init?.headers);
    for (const [name, value] of Object.entries(more)) headers.set(name, value);
    return network(input, { ...init, headers });
  };
