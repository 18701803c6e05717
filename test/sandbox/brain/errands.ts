interface Errand {
  readonly when: RegExp;
  /** Nothing if it is no such errand after all. */
  readonly say: (match: RegExpExecArray) => string | undefined;
}

const TELL = String.raw`\b(?:reply|respond|answer|say|return|output|print|write|type)`;
const ONLY = `(?:exactly|only|just|simply|verbatim|nothing but|literally)`;
const THING = `(?:the|this|a|one|single|following|exact|word|words|text|string|phrase|token|number|sentence|message)`;

/** What is asked for is described there, and not said. */
const DESCRIBED =
  /^(?:the|a|an|this (?:json|object|text|message|question)|your|my|one|two|three|what|which|who|how|why|where|when|whether|yes or no|in|as|with|if|it|valid|json|\d+ (?:word|sentence|line)s?\b|(?:one|a single) (?:word|sentence)|JSON)\b/i;

/** The words that are asked for; behind a colon all of the line is. */
function literal(colon: string | undefined, words: string): string | undefined {
  const quoted = /^["“‘'`]([^"”“’`\n]{1,400})["”’'`]/.exec(words)?.[1];
  if (quoted !== undefined) return quoted;
  const plain = words
    .split('\n', 1)[0]
    ?.replace(colon ? /$^/ : /[.!] \S.*$/u, '')
    .replace(
      /,? (?:and nothing (?:else|more)|nothing else|and only that|only|with no \w+|without \w+|no punctuation)\b.*$/i,
      '',
    )
    .replace(/(?<=[\p{L}\p{N}])\.$/u, '')
    .trim();
  return plain === undefined || plain === '' || plain.length > 400 || DESCRIBED.test(plain) ? undefined : plain;
}

/** An answer that is asked for word by word. */
const EXACT: readonly Errand[] = [
  {
    when: /\b(?:repeat|echo|say)(?: (?:exactly|verbatim|after me))*: *([\s\S]+)$/i,
    say: ([, words = '']) => words.trim(),
  },
  {
    // "Reply with exactly OK", "answer only with the word pong", "output just: ready".
    when: new RegExp(
      String.raw`${TELL}(?: back)?(?: to (?:me|this))?(?:,)?(?: with)? ${ONLY}(?:,)?(?: with)?(?: ${THING}){0,4}\s*(:)?\s+(\S[\s\S]{0,500})`,
      'i',
    ),
    say: ([, colon, words = '']) => literal(colon, words),
  },
  {
    when: new RegExp(
      String.raw`\b${ONLY} (?:reply|respond|answer|say|return|output)(?: with)?(?: ${THING}){0,4}\s*(:)?\s+(\S[\s\S]{0,500})`,
      'i',
    ),
    say: ([, colon, words = '']) => literal(colon, words),
  },
  {
    // "Reply with the single word pong".
    when: new RegExp(
      String.raw`${TELL} with(?: (?:the|this|a|one|single|following|exact))* (?:word|words|text|string|phrase|token|number)\s*(:)?\s+(\S[\s\S]{0,500})`,
      'i',
    ),
    say: ([, colon, words = '']) => literal(colon, words),
  },
  {
    when: new RegExp(String.raw`${TELL}(?: with)?\s*(:)?\s+(["“'\x60][^"”\n]{1,200}["”'\x60])`, 'i'),
    say: ([, colon, words = '']) => literal(colon, words),
  },
];

/** Things one asks a model for to see its plumbing: an echo, a count, a text of a certain length. */
const ERRANDS: readonly Errand[] = [
  {
    // "Reply OK", "Say hello", "Say this is a test".
    when: /^\s*(?:please )?(?:reply(?: with)?|respond with|answer with|say) ([^\n?]{1,60}?)(?: and nothing else)?[.!]?\s*$/i,
    say: ([, words = '']) => literal(undefined, words.replace(/^to me /i, '')),
  },
  {
    when: /\bwrite (?:exactly |about )?(\d{1,6}) words\b/i,
    say: ([, count]) => numbered(Number(count), (i) => WORDS[i % WORDS.length] ?? ''),
  },
  {
    when: /\bcount (?:from 1 )?to (\d{1,6})\b/i,
    say: ([, count]) => Array.from({ length: Math.min(Number(count), MAX_WORDS) }, (_, i) => i + 1).join(', '),
  },
  {
    // "What is 40 + 2?"
    when: /\bwhat(?:'s| is) (-?\d{1,9}) ?(\+|plus|-|minus|\*|x|×|times) ?(-?\d{1,9})\b/i,
    say: ([, a, sign = '', b]) => String(SUMS[sign.toLowerCase()]?.(Number(a), Number(b))),
  },
];

const add = (a: number, b: number): number => a + b;
const subtract = (a: number, b: number): number => a - b;
const multiply = (a: number, b: number): number => a * b;
const SUMS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': add,
  plus: add,
  '-': subtract,
  minus: subtract,
  '*': multiply,
  x: multiply,
  '×': multiply,
  times: multiply,
};

const MAX_WORDS = 100_000;
const WORDS = 'swift runners carry knotted cords along the old road from post to post'.split(' ');

const numbered = (count: number, word: (i: number) => string): string =>
  Array.from({ length: Math.min(count, MAX_WORDS) }, (_, i) => word(i)).join(' ');

function first(errands: readonly Errand[], text: string): string | undefined {
  for (const { when, say } of errands) {
    const match = when.exec(text);
    const said = match ? say(match) : undefined;
    if (said !== undefined) return said;
  }
  return undefined;
}

export const exactly = (text: string): string | undefined => first(EXACT, text);

export const errand = (question: string): string | undefined => exactly(question) ?? first(ERRANDS, question);
