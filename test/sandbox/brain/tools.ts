import { object } from '../json.ts';
import { instanceOf, places } from './schema.ts';
import type { Ask, Tool, ToolUse } from './types.ts';

const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word.length > 3);

/** The tool that is named, or whose name's words are in the question, or the first. */
function chosen({ tools, toolChoice }: Ask, question: string): Tool | undefined {
  if (typeof toolChoice === 'object') return tools.find((tool) => tool.name === toolChoice.name);
  const said = question.toLowerCase();
  return tools.find((tool) => wordsOf(tool.name).some((word) => said.includes(word))) ?? tools[0];
}

/** The calls a question leads to: one, or one for each place it names. */
export function toolUses(ask: Ask, question: string): ToolUse[] {
  if (ask.toolChoice === 'none' || ask.tools.length === 0) return [];
  const tool = chosen(ask, question);
  if (!tool) return [];
  const input = object(instanceOf({ type: 'object', ...tool.parameters }, question));
  const named = places(question);
  const at = Object.keys(input).find((key) => typeof input[key] === 'string' && input[key] === named[0]);
  const inputs = at && ask.parallelTools ? named.map((place) => ({ ...input, [at]: place })) : [input];
  return inputs.map((one) => ({ name: tool.name, input: JSON.stringify(one) }));
}
