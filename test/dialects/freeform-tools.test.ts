import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeformArguments, freeformInput, freeformReader, freeformTool } from '../../src/dialects/freeform-tools.ts';

/** A text in pieces that end anywhere. */
const cutUp = (text: string, cuts: readonly number[]): string[] => {
  const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [...at, text.length].map((end, n) => text.slice(at[n - 1] ?? 0, end));
};

const readIn = (pieces: readonly string[]): string => {
  const reader = freeformReader();
  return pieces.map((piece) => reader.push(piece)).join('') + reader.end();
};

describe('a tool that takes free text', () => {
  it('is a function of one string, with the grammar in its description', () => {
    const tool = freeformTool('apply_patch', 'Edits.', { syntax: 'lark', definition: 'start: "x"' });
    expect(tool).toMatchObject({ name: 'apply_patch', freeform: true, parameters: { required: ['input'] } });
    expect(tool.description).toContain('lark grammar:\nstart: "x"');
    expect(freeformTool('plain')).not.toHaveProperty('description');
  });

  it('gets the same input back, whole or streamed, wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), fc.array(fc.nat()), (input, escaped, cuts) => {
        const json = freeformArguments(input);
        const written = escaped
          ? json.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
          : json;
        expect(freeformInput(written)).toBe(input);
        expect(readIn(cutUp(written, cuts))).toBe(input);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads whatever a model wrote instead the same, whole or streamed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `{"input": "${text}`),
          fc.string().map((text) => ` { "input":"a\n${text}"}`),
        ),
        fc.array(fc.nat()),
        (written, cuts) => {
          const whole = freeformInput(written);
          // Members after the first input are not waited for.
          if (!/^\s*\{\s*"input"/.test(written) || !written.includes(','))
            expect(readIn(cutUp(written, cuts))).toBe(whole);
        },
      ),
      { numRuns: 2000 },
    );
    expect(freeformInput('*** Begin Patch')).toBe('*** Begin Patch');
    expect(freeformInput('{"input": "a\nb"}')).toBe('a\nb');
  });
});
