/**
 * W3C Trace Context: reads the caller's place in a trace, begins a trace where there is none, and writes the headers
 * that go on. Source: https://www.w3.org/TR/trace-context-2/
 */
import type { CallTrace } from '../core/index.ts';
import { isSampled, type Sampler } from './settings.ts';

/** Version, trace, parent, flags. Ids of zeros alone and version `ff` are invalid. Later versions may say more. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

const SAMPLED = 1;
const RANDOM = 2;

/** "At least 512 characters" must be passed on; a longer list is dropped as a whole. */
const LONGEST_STATE = 512;

export type Parent = Required<Pick<CallTrace, 'traceId' | 'parentId' | 'sampled' | 'random'>> &
  Pick<CallTrace, 'state'>;

/** The caller's place in a trace, by `traceparent` and `tracestate`. Undefined if it is not valid. */
export function readParent(headers: Headers): Parent | undefined {
  const [, version, traceId, parentId, flags = '', more] = TRACEPARENT.exec(headers.get('traceparent') ?? '') ?? [];
  if (traceId === undefined || parentId === undefined || (version === '00' && more !== undefined)) return undefined;
  const bits = Number.parseInt(flags, 16);
  const state = headers.get('tracestate') ?? '';
  return {
    traceId,
    parentId,
    sampled: (bits & SAMPLED) !== 0,
    random: (bits & RANDOM) !== 0,
    ...(state === '' || state.length > LONGEST_STATE ? {} : { state }),
  };
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * The place of a call in its caller's trace, or in a new one.
 *
 * @param random 24 random bytes
 */
export function beginTrace(parent: Parent | undefined, sampler: Sampler, random: Uint8Array): CallTrace {
  const { traceId = hex(random.subarray(0, 16)), ...known } = parent ?? { random: true };
  return {
    ...known,
    traceId,
    spanId: hex(random.subarray(16, 24)),
    sampled: isSampled(sampler, traceId, parent?.sampled),
  };
}

/** The id of an attempt's span. It follows from the call's, so the record of the call need not keep it. */
export function attemptSpanId({ spanId }: Pick<CallTrace, 'spanId'>, attempt: number): string {
  const id = BigInt.asUintN(64, BigInt(`0x${spanId}`) + BigInt(attempt));
  // Zero is no id.
  return (id || 1n).toString(16).padStart(16, '0');
}

/** The value of `traceparent` for whoever is called in this span, and of `traceresponse` for whoever called it. */
export function traceparent({ traceId, sampled, random }: Omit<CallTrace, 'spanId'>, spanId: string): string {
  const flags = (sampled ? SAMPLED : 0) | (random ? RANDOM : 0);
  return `00-${traceId}-${spanId}-0${flags}`;
}
