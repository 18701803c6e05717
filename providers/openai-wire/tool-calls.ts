import { type Event, GatewayError } from '../../src/core/index.ts';
import { filled, isObject } from './shape.ts';
import type { Upstream } from './upstream.ts';

interface Opened {
  id?: string;
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
  /** @throws GatewayError if a call was never named. */
  end(upstream: Upstream): void;
}

const argumentsOf = (value: unknown): string =>
  typeof value === 'string' ? value : isObject(value) ? JSON.stringify(value) : '';

/**
 * Servers number tool calls from 0, from 1, not at all, or all alike; ids and names tell them apart then. A piece opens a
 * new call if its number is new, or if it names a call that has a name already and does not bring that call's id. (A new
 * id alone opens none: old vLLM made one for every piece.)
 */
export function toolCalls(choice: number): ToolCalls {
  const byNumber = new Map<unknown, Opened>();
  const unnamed = new Set<Opened>();
  let last: Opened | undefined;
  let named = 0;

  function callOf(number: unknown, id: string | undefined, name: string | undefined): Opened {
    const known = typeof number === 'number' ? byNumber.get(number) : last;
    const renamed = known?.index !== undefined && name !== undefined;
    const other = id === undefined ? typeof number !== 'number' : id !== known?.id;
    if (known && !(renamed && other)) return known;
    const opened: Opened = { held: '' };
    if (typeof number === 'number') byNumber.set(number, opened);
    unnamed.add(opened);
    return opened;
  }

  return {
    read(entry, into) {
      if (!isObject(entry)) return;
      const fn = isObject(entry.function) ? entry.function : {};
      const name = filled(fn.name);
      const id = filled(entry.id);
      const call = callOf(entry.index, id, name);
      last = call;
      const fragment = argumentsOf(fn.arguments);
      if (call.index !== undefined) {
        if (fragment !== '') into.push({ type: 'tool', choice, index: call.index, arguments: fragment });
        return;
      }
      if (id !== undefined) call.id ??= id;
      call.held += fragment;
      if (name === undefined) return;
      unnamed.delete(call);
      call.index = named++;
      call.id ??= `call_${crypto.randomUUID()}`;
      into.push({ type: 'tool', choice, index: call.index, id: call.id, name, arguments: call.held });
    },
    get any() {
      return named > 0;
    },
    end(upstream) {
      for (const call of unnamed) {
        if (call.held === '') continue;
        throw new GatewayError('provider_error', `${upstream.name} called a function without naming it.`, {
          provider: upstream.id,
        });
      }
    },
  };
}
