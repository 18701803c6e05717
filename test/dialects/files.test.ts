import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChat } from '../../src/dialects/openai/index.ts';
import { context, errorOf } from './support.ts';

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const parse = (file: object) =>
  parseChat({ model: 'm', messages: [{ role: 'user', content: [{ type: 'file', file }] }] }, context).call.messages[0];

describe('a file in a message', () => {
  it('is its text where it is text, after its name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const said = (name: string) => ({ role: 'user', content: [{ type: 'text', text: `${name}${text}` }] });
        expect(parse({ filename: 'notes.md', file_data: base64(text) })).toEqual(said('notes.md:\n'));
        expect(parse({ file_data: `data:text/csv;charset=utf-8;base64,${base64(text)}` })).toEqual(said(''));
        expect(parse({ file_data: `data:application/json,${encodeURIComponent(text)}` })).toEqual(said(''));
      }),
    );
  });

  it('is a file where it is a PDF, by its type or its name', () => {
    const file = { type: 'file', mediaType: 'application/pdf', data: 'JVBERi0=' };
    expect(parse({ file_data: 'data:application/pdf;base64,JVBERi0=' })).toEqual({ role: 'user', content: [file] });
    const named = { role: 'user', content: [{ ...file, name: 'a.pdf' }] };
    expect(parse({ filename: 'a.pdf', file_data: 'JVBERi0=' })).toEqual(named);
    expect(parse({ filename: 'a.pdf', file_data: 'data:application/octet-stream;base64,JVBERi0=' })).toEqual(named);
  });

  it.each([
    ['a PDF that is none', { file_data: 'data:application/pdf;base64,SGVsbG8=' }, 'file_data', 'application/pdf'],
    ['a PDF that is not base64', { file_data: 'data:application/pdf,%25PDF-1.7' }, 'file_data', 'base64'],
    ['a Word file', { file_data: 'data:application/msword;base64,0M8R4A==' }, 'file_data', 'application/msword'],
    ['no type and a name of no text', { filename: 'a.docx', file_data: 'UEsDBA==' }, 'file_data', 'a.docx'],
    ['an id', { file_id: 'file-1' }, 'file_id', 'stores no files'],
    ['nothing', {}, 'file_data', 'Send its data'],
    ['no base64', { filename: 'a.txt', file_data: '!!' }, 'file_data', 'base64'],
    ['no UTF-8', { filename: 'a.txt', file_data: btoa('\xff\xfe') }, 'file_data', 'UTF-8'],
  ])('of %s is refused by the name of its field', (_what, file, field, why) => {
    const error = errorOf(() => parse(file));
    expect(error.status).toBe(400);
    expect(error.details.param).toBe(`messages[0].content[0].file.${field}`);
    expect(error.message).toContain(why);
  });
});
