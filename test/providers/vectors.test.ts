import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutEmbeddings, cutVectors } from '../../providers/http/index.ts';

/** Vectors are cut out of an answer's JSON and passed on unread. */

const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
const vector = fc.array(number, { minLength: 1, maxLength: 40 });

interface Row {
  readonly embedding: number;
}

describe('the vectors of an answer', () => {
  it('are those that JSON.parse reads, wherever they begin', () => {
    fc.assert(
      fc.property(
        fc.array(vector, { minLength: 1 }),
        fc.constantFrom(0, 1, 2),
        fc.string(),
        (vectors, indent, name) => {
          const data = vectors.map((embedding, index) => ({ object: 'embedding', index, embedding, name }));
          const { json, vectors: cut } = cutEmbeddings(JSON.stringify({ name, data }, null, indent));
          const rows = (JSON.parse(json) as { data: Row[] }).data;
          const read = rows.map(({ embedding }) => {
            const found = cut[embedding];
            return found && 'numbers' in found ? JSON.parse(`[${found.numbers}]`) : undefined;
          });
          expect(read).toEqual(JSON.parse(JSON.stringify(vectors)));
          expect({ ...JSON.parse(json), data: [] }).toEqual({ name, data: [] });
        },
      ),
    );
  });

  it('may be base64', () => {
    const { json, vectors } = cutEmbeddings('{"data": [{"embedding" : "AACAPw=="}, {"embedding":"AAAAQA=="}]}');
    expect(JSON.parse(json)).toEqual({ data: [{ embedding: 0 }, { embedding: 1 }] });
    expect(vectors.map((one) => ('base64' in one ? one.base64 : ''))).toEqual(['AACAPw==', 'AAAAQA==']);
  });

  it.each(['NaN', 'null', '1,NaN', '1,null,2,3,4,5', 'Infinity', 'true', '"1"', '[1]', '{}', '', '1,,2', '1.', '-'])(
    'are not cut where the first is no list of numbers: [%s]',
    (list) => {
      const text = `{"data":[{"embedding":[${list}]}]}`;
      expect(cutEmbeddings(text).vectors).toEqual([]);
      expect(cutVectors(`[${list}]`).vectors).toEqual(list === '[1]' ? ['1'] : []);
    },
  );

  it('are not cut where a later one has letters that no number has', () => {
    for (const wrong of ['1,2,3,NaN', 'null', '0.125,Infinity,1', 'x']) {
      const { vectors } = cutEmbeddings(`{"data":[{"embedding":[1e-5,2E+3]},{"embedding":[${wrong}]}]}`);
      expect(vectors, wrong).toHaveLength(1);
    }
  });

  it('are left alone where the text is no JSON at all', () => {
    for (const text of ['', '"embedding"', '"embedding":', '"embedding":[', '"embedding":"abc', '{"embedding":5}']) {
      expect(cutEmbeddings(text)).toEqual({ json: text, vectors: [] });
    }
  });
});
