import { nine } from './hash.ts';

/** Names as the caller writes them, and as Bedrock takes them. */
export interface ToolNames {
  toWire(name: string): string;
  fromWire(name: string): string;
}

/** API model, `ToolName`. */
const TAKEN = /^[a-zA-Z0-9_-]{1,64}$/;

/** What is not allowed becomes `_`, and a hash keeps apart what that would make one. */
const adapted = (name: string): string => `${name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 54)}_${nine(name)}`;

/** Every name that goes out must pass through `toWire` before an answer is read. */
export function toolNames(): ToolNames {
  const callers = new Map<string, string>();
  return {
    toWire(name) {
      if (TAKEN.test(name)) return name;
      const wire = adapted(name);
      callers.set(wire, name);
      return wire;
    },
    fromWire: (name) => callers.get(name) ?? name,
  };
}
