import type { Mutant } from '../mutant.ts';

/** Embeddings and reranking: order, splitting, failing over, money. */

const inFile =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `retrieval/${name}`,
    what,
    file,
    find,
    replace,
    tests,
  });

const GATEWAY = ['test/gateway/embeddings.test.ts'];
const relay = inFile('src/relay/retrieval.ts', ['test/relay/retrieval.test.ts']);
const offers = inFile('src/offers/retrieval.ts', GATEWAY);
const dialect = inFile('src/dialects/openai/retrieval.ts', GATEWAY);
const floats = inFile('src/dialects/openai/floats.ts', ['test/dialects/floats.test.ts']);
const cut = inFile('providers/http/vectors.ts', ['test/providers/vectors.test.ts']);
const resolve = inFile('src/offers/resolve.ts', GATEWAY);
const wire = inFile('providers/openai/retrieval.ts', ['test/gateway/rerank.test.ts']);

export const RETRIEVAL_MUTANTS: readonly Mutant[] = [
  relay(
    'order',
    'vectors are in the order of the answers',
    'parts[at] = await answerTo(job);',
    'parts.push(await answerTo(job));',
  ),
  relay('billed', 'a failed part is not said to have cost anything', 'maybeBilled: sent > 0', 'maybeBilled: false'),
  relay('abort', 'other parts go on after one failed', '    controller.abort(error);\n    return', '    return'),
  relay(
    'again',
    'what may have been billed is asked again',
    "stage: 'asked' })) throw error;",
    "stage: 'asked' })) sent++;",
  ),
  relay(
    'short',
    'fewer vectors than texts are an answer',
    'if (made.vectors.length === job.inputs.length) return made;',
    'if (made.vectors.length > 0) return made;',
  ),
  relay(
    'silent',
    'a part without usage costs nothing',
    'promptTokens === undefined || told === undefined ? undefined : told + promptTokens',
    'told === undefined ? undefined : told + (promptTokens ?? 0)',
  ),
  offers(
    'split',
    'the last part of a split call is lost',
    'from < inputs.length; from += mostInputs',
    'from + mostInputs <= inputs.length; from += mostInputs',
  ),
  offers(
    'ids',
    'token ids of another tokenizer are taken',
    'again.length !== input.length || input.some((id, place) => again[place] !== id)',
    'false',
  ),
  offers(
    'dimensions',
    'a length that the model has not is sent',
    'has === undefined || has.includes(dimensions)',
    'true',
  ),
  dialect(
    'base64',
    'vectors in base64 are 64-bit floats',
    'base64Of(floatsIn(vector.numbers))',
    'Buffer.from(Float64Array.from(floatsIn(vector.numbers)).buffer).toString("base64")',
  ),
  floats(
    'nearest',
    'a number halfway between two floats becomes either',
    'return float === Math.fround(most * MOST) ? float : Number.NaN;',
    'return most < least ? Number.NaN : float;',
  ),
  floats(
    'digits',
    'what follows the sixteenth digit may be anything',
    'if (from[at] !== COMMA || Number.isNaN(float)) {',
    'if (Number.isNaN(float)) {',
  ),
  cut(
    'letters',
    'a later list with a letter is passed on',
    "return text[end] === ']' ? end : -1;",
    "return text.indexOf(']', from);",
  ),
  dialect('models', 'a second model stands in', '  if (given.models == null) return;\n', '  if (given) return;\n'),
  resolve('kind', 'a chat model is asked for embeddings', 'useOf(offer.kind) === asked)) return;', 'true)) return;'),
  wire(
    'best',
    'documents come in the order of the server',
    'ranked.sort((a, b) => b.score - a.score)',
    'ranked.sort((a, b) => a.score - b.score)',
  ),
];
