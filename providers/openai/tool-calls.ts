/** Puts the pieces of streamed tool calls in order, whatever way the server numbers and names them. */
import { type Event, GatewayError, isObject } from '../../src/core/index.ts';
import type { Upstream } from './errors.ts';
import { filled } from './response-fields.ts';

interface PendingCall {
  /** The server's `index`. */
  readonly number: number | undefined;
  /** The server's id. */
  id?: string;
  name?: string;
  /** Our index: 0, 1, … in the order in which the calls got their names. Undefined until this one has its name. */
  index?: number;
  /** Arguments that came before the name did. */
  held: string;
}

/** The tool calls of one choice. */
export interface ToolCalls {
  /** Takes one entry of `tool_calls`. */
  read(entry: unknown, into: Event[]): void;
  readonly any: boolean;
  /**
   * Call it when all pieces are here. A call without arguments gets `{}`.
   * @throws GatewayError if a call never got a name
   */
  end(upstream: Upstream, into: Event[]): void;
}

const argumentsOf = (value: unknown): string =>
  typeof value === 'string' ? value : isObject(value) ? JSON.stringify(value) : '';

/**
 * Servers number tool calls from 0, from 1, not at all, or give all of them one number. Then ids and names tell them
 * apart. A piece starts a new call if its number is new, or if it has a name, the current call has a name too, and the
 * ids differ. A new id alone starts none, because old vLLM made a new id for every piece. A piece with the id of an
 * earlier call belongs to that call whatever its number, because LocalAI numbers the pieces of one call.
 *
 * @param form `whole`: a JSON answer, where every entry is a call of its own
 */
export function toolCalls(choice: number, form: 'chunks' | 'whole'): ToolCalls {
  const byNumber = new Map<unknown, PendingCall>();
  /** By the server's id. */
  const byId = new Map<string, PendingCall>();
  const given = new Set<string>();
  const unnamed = new Set<PendingCall>();
  /** Calls without arguments so far. */
  const bare = new Set<PendingCall>();
  let last: PendingCall | undefined;
  let named = 0;

  function open(number: number | undefined): PendingCall {
    const opened: PendingCall = { held: '', number };
    if (number !== undefined) byNumber.set(number, opened);
    unnamed.add(opened);
    bare.add(opened);
    return opened;
  }

  function callOf(number: number | undefined, id: string | undefined, name: string | undefined): PendingCall {
    if (form === 'whole') return open(number);
    const known = number === undefined ? last : byNumber.get(number);
    if (id !== undefined && id !== known?.id) {
      const own = byId.get(id);
      if (own && (name === undefined || (own.number === number && own.name === name))) return own;
    }
    const renamed = known?.index !== undefined && name !== undefined;
    const other =
      number === undefined
        ? id === undefined || id !== known?.id || name !== known.name
        : id !== undefined && id !== known?.id;
    return known && !(renamed && other) ? known : open(number);
  }

  /** A unique id: some servers send the same id for every call, such as `null` or the function's name. */
  function idFor(id: string | undefined): string {
    const own = id === undefined || given.has(id) ? `call_${crypto.randomUUID()}` : id;
    given.add(own);
    return own;
  }

  return {
    read(entry, into) {
      if (!isObject(entry)) return;
      // Cloudflare's own format has `name` and `arguments` without a `function` around them.
      const fn = isObject(entry.function) ? entry.function : entry;
      const name = filled(fn.name);
      const id = filled(entry.id);
      const call = callOf(typeof entry.index === 'number' ? entry.index : undefined, id, name);
      last = call;
      const fragment = argumentsOf(fn.arguments);
      if (fragment.trim() !== '') bare.delete(call);
      if (call.index !== undefined) {
        if (fragment !== '') into.push({ type: 'tool', choice, index: call.index, arguments: fragment });
        return;
      }
      if (id !== undefined && call.id === undefined) {
        call.id = id;
        byId.set(id, call);
      }
      call.held += fragment;
      if (name === undefined) return;
      unnamed.delete(call);
      call.name = name;
      call.index = named++;
      into.push({ type: 'tool', choice, index: call.index, id: idFor(call.id), name, arguments: call.held });
    },
    get any() {
      return named > 0;
    },
    end(upstream, into) {
      for (const { index } of bare) {
        if (index !== undefined) into.push({ type: 'tool', choice, index, arguments: '{}' });
      }
      for (const call of unnamed) {
        if (call.held === '') continue;
        throw new GatewayError('provider_error', `${upstream.name} called a function without naming it.`, {
          provider: upstream.id,
        });
      }
    },
  };
}
