import { type Event, GatewayError } from '../../src/core/index.ts';
import { filled, isObject } from './shape.ts';
import type { Upstream } from './upstream.ts';

interface Opened {
  /** As the server numbers it. */
  readonly number: number | undefined;
  /** As the server calls it. */
  id?: string;
  name?: string;
  /** Dense and from 0, in the order in which the calls were named; undefined until then. */
  index?: number;
  /** Arguments that came before the name did. */
  held: string;
}

/** Puts one choice's tool calls in order. */
export interface ToolCalls {
  /** Takes one entry of `tool_calls`. */
  read(entry: unknown, into: Event[]): void;
  readonly any: boolean;
  /**
   * All of the calls are here. A function without arguments is called with none, which is `{}`.
   *
   * @throws GatewayError if a call was never named
   */
  end(upstream: Upstream, into: Event[]): void;
}

const argumentsOf = (value: unknown): string =>
  typeof value === 'string' ? value : isObject(value) ? JSON.stringify(value) : '';

/**
 * Servers number tool calls from 0, from 1, not at all, or all alike; ids and names tell them apart then. A piece opens a
 * new call if its number is new, or if it names a call that has a name already and does not bring that call's id. (A new
 * id alone opens none: old vLLM made one for every piece.) A piece that brings the id of another call belongs to that one,
 * whatever its number: LocalAI counts the pieces of one call up.
 *
 * @param form `whole`: every entry is a call of its own, whatever its number and id are
 */
export function toolCalls(choice: number, form: 'chunks' | 'whole'): ToolCalls {
  const byNumber = new Map<unknown, Opened>();
  /** By what the server calls them. */
  const byId = new Map<string, Opened>();
  const given = new Set<string>();
  const unnamed = new Set<Opened>();
  /** Calls that have no arguments so far. */
  const bare = new Set<Opened>();
  let last: Opened | undefined;
  let named = 0;

  function open(number: number | undefined): Opened {
    const opened: Opened = { held: '', number };
    if (number !== undefined) byNumber.set(number, opened);
    unnamed.add(opened);
    bare.add(opened);
    return opened;
  }

  function callOf(number: number | undefined, id: string | undefined, name: string | undefined): Opened {
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

  /** An id that no other call has: some servers call all of them `null`, or by their function's name. */
  function idFor(id: string | undefined): string {
    const own = id === undefined || given.has(id) ? `call_${crypto.randomUUID()}` : id;
    given.add(own);
    return own;
  }

  return {
    read(entry, into) {
      if (!isObject(entry)) return;
      // Cloudflare's own form has name and arguments beside each other, without a `function`.
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
