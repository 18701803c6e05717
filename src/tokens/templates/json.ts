import type { Tool } from '../../core/index.ts';

/** A quoted string, a run of anything else but space and separators, or a separator. */
const PIECE = /\s*("[^"\\]*(?:\\.[^"\\]*)*"|[^\s",:]+|[,:])\s*/gs;
const SPACED: Readonly<Record<string, string>> = { ',': ', ', ':': ': ' };

/**
 * JSON text as Python's `json.dumps` writes it, which the templates' `tojson` is: one space after commas and colons, no
 * other, and no escapes but the needed. Numbers keep their digits. Text that is no JSON comes back as it is.
 */
export function respaced(json: string): string {
  try {
    JSON.parse(json);
  } catch {
    // A model's own broken arguments: what it wrote is the best account of them.
    return json;
  }
  return json.replace(PIECE, (_, piece: string) => {
    if (piece.startsWith('"')) return JSON.stringify(JSON.parse(piece));
    return SPACED[piece] ?? piece;
  });
}

/** A tool as the OpenAI API writes it, with the keys in that order; `indent` in spaces. */
export function pythonJson(tool: Tool, indent?: number): string {
  const { name, description, parameters } = tool;
  const value = {
    type: 'function',
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  };
  return indent === undefined ? respaced(JSON.stringify(value)) : JSON.stringify(value, null, indent);
}
