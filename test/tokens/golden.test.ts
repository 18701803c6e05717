import { describe, expect, it } from 'vitest';
import type { Message, Tool } from '../../src/core/index.ts';
import { renderSegments } from '../../src/tokens/render.ts';
import { templateFamilies } from '../../src/tokens/templates/index.ts';
import { writtenOut } from '../../src/tokens/templates/template.ts';
import { CONVERSATIONS, GOLDEN, type GoldenMessage, type GoldenTool } from './golden/index.ts';

function messageOf({ role, content, tool_call_id, tool_calls, reasoning }: GoldenMessage): Message {
  switch (role) {
    case 'system':
    case 'user':
      return { role, content };
    case 'tool':
      return { role, content, toolCallId: tool_call_id ?? '' };
    default: {
      const toolCalls = tool_calls?.map(({ id, function: { name, arguments: given } }) => ({
        id,
        name,
        arguments: JSON.stringify(given),
      }));
      return {
        role: 'assistant',
        content,
        ...(toolCalls ? { toolCalls } : {}),
        ...(reasoning === undefined ? {} : { reasoning }),
      };
    }
  }
}

const toolOf = ({ function: { parameters, ...described } }: GoldenTool): Tool => ({
  ...described,
  parameters: { ...parameters },
});

describe.each([...GOLDEN, ...CONVERSATIONS])('$family $options.variant', ({ family, options, cases }) => {
  it.each(cases)('is rendered as its makers do: $name', ({ messages, tools, expected }) => {
    const { date: _, ...other } = options;
    const rendered = renderSegments(family, messages.map(messageOf), {
      ...other,
      ...(options.date === undefined ? {} : { date: new Date(options.date) }),
      tools: (tools ?? []).map(toolOf),
    });
    expect(rendered.kind === 'prompt' ? writtenOut(rendered.segments) : rendered.reason).toBe(expected);
  });
});

it('has at least twenty golden chats for every family that no other family stands for', () => {
  const standIns = new Set(['llama-3.2', 'mixtral', 'qwen3-coder']);
  for (const family of templateFamilies()) {
    const cases = [...GOLDEN, ...CONVERSATIONS]
      .filter((golden) => golden.family === family)
      .flatMap((golden) => golden.cases);
    if (!standIns.has(family)) expect(cases.length, family).toBeGreaterThanOrEqual(20);
  }
});
