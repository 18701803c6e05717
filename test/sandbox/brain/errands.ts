interface Errand {
  readonly when: RegExp;
  /** Nothing if it is no such errand after all. */
  readonly say: (match: RegExpExecArray) => string | undefined;
}

/** The words by which an answer is asked for, where they are no key of a JSON Schema's: `"type":"object"`. */
const TELL = /\b(?:reply|respond|answer|say|return|output|print|write|type|reply must be|answer must be)\b(?!["'`])/gi;
/** Words between them and what is to be said: they qualify it, or say what kind of thing it is. */
const QUALIFIES = /^(?:exactly|only|just|simply|verbatim|literally|nothing but)\b/i;
const NAMES_IT = /^(?:words?|texts?|string|phrase|token|number|letter|character|sentence|message)\b/i;
const FILLS = /^(?:back|to|me|with|the|this|a|an|one|single|following|exact|must|be)\b/i;
const MAX_FILLERS = 10;
const MAX_LITERAL = 400;

/** What is asked for is described there, and not said. */
const DESCRIBED =
  /^(?:your|my|his|her|their|its|two|three|what|which|who|how|why|where|when|whether|in|as|if|it|valid|json|correct|short|brief|translation|answer|result|name|capital|no \w|not|final|haiku|poem|story|list|summary|\d+ (?:word|sentence|line)s?)\b|\bor\b/i;
/** How a literal is fenced in. */
const TAIL =
  /,? (?:and (?:nothing (?:else|more)|no other \w+)|nothing else|and only that|exactly|verbatim|only|with no \w+|without \w+|no punctuation)\b.*$/i;

function quotedAt(text: string): string | undefined {
  return /^(?:"([^"\n]+)"|“([^”\n]+)”|‘([^’\n]+)’|'([^'\n]+)'|`([^`\n]+)`)/.exec(text)?.slice(1).find(Boolean);
}

/** What follows one "reply with exactly the word …", if it is said there word by word. */
function literalAfter(verb: string, following: string, before: string): string | undefined {
  let rest = following;
  let qualified = /\b(?:only|just|exactly) $/i.test(before) || /must be$/i.test(verb);
  let named = false;
  let filled = false;
  for (let i = 0; i < MAX_FILLERS; i++) {
    // "Only the number, no words" names nothing.
    if (named && /^[,.]/.test(rest)) return undefined;
    rest = rest.replace(/^[ ,]+/, '');
    // Behind "the word" comes the word itself, be it an article.
    const word = (QUALIFIES.exec(rest) ?? NAMES_IT.exec(rest) ?? (named ? null : FILLS.exec(rest)))?.[0];
    if (word === undefined) break;
    qualified ||= QUALIFIES.test(word);
    named ||= NAMES_IT.test(word);
    filled ||= /^(?:the|a|an|one|with)$/i.test(word);
    rest = rest.slice(word.length);
  }
  const colon = /^\s*:\s*/.exec(rest)?.[0];
  rest = colon === undefined ? rest.replace(/^ +/, '') : rest.slice(colon.length);
  const quoted = quotedAt(rest);
  if (quoted !== undefined && quoted.length <= MAX_LITERAL) return quoted;
  if (!qualified && !named && !(colon !== undefined && filled)) return undefined;
  const line = rest.split('\n', 1)[0] ?? '';
  const plain = (colon === undefined ? line.replace(/[.!] \S.*$/u, '') : line)
    .replace(TAIL, '')
    .replace(/(?<=[\p{L}\p{N}])\.$/u, '')
    .trim();
  // "Only the translation": an article that no word, text or string follows.
  const describes =
    DESCRIBED.test(plain) ||
    (colon === undefined && plain.endsWith('?')) ||
    (filled && !named && colon === undefined && /\b(?:the|an?) $/i.test(articles(following, plain)));
  return plain === '' ||
    !/^[\p{L}\p{N}\p{S}\p{P}]/u.test(plain) ||
    /^[.,;]/.test(plain) ||
    plain.length > MAX_LITERAL ||
    describes
    ? undefined
    : plain;
}

/** What stands right before the words in the text. */
const articles = (text: string, words: string): string => text.slice(0, text.indexOf(words));

const REPEAT = /\b(?:repeat|echo|say)(?: (?:exactly|verbatim|after me))*: *([\s\S]+)$/i;

/** An answer that is asked for word by word: "Reply with exactly OK", "answer only with the word pong". */
export function exactly(text: string): string | undefined {
  const repeated = REPEAT.exec(text)?.[1];
  if (repeated !== undefined) return repeated.trim();
  for (const match of text.slice(0, 20_000).matchAll(TELL)) {
    const end = match.index + match[0].length;
    const found = literalAfter(
      match[0],
      text.slice(end, end + 600),
      text.slice(Math.max(0, match.index - 20), match.index),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

const CAPITALS: Readonly<Record<string, string>> = {
  france: 'Paris',
  germany: 'Berlin',
  spain: 'Madrid',
  italy: 'Rome',
  japan: 'Tokyo',
  peru: 'Lima',
};

/** Things one asks a model for to see its plumbing: an echo, a count, a text of a certain length. */
const ERRANDS: readonly Errand[] = [
  {
    // "Reply OK", "Say hello", "Say this is a test".
    when: /^\s*(?:please )?(?:reply(?: with)?|respond with|answer with|say) (?:to me )?([^\s?]{1,60}(?: [^\s?]{1,60}){0,4}?)(?: and nothing else)?[.!]?\s*$/i,
    say: ([, words = '']) =>
      DESCRIBED.test(words) || /^(?:an?|the)\b|\b(?:in|about|with|one|words?|json)\b/i.test(words)
        ? undefined
        : words.trim(),
  },
  {
    when: /\brepeat (?:the word )?["']?([\p{L}\p{N}]+)["']? (\d{1,6}) times\b/iu,
    say: ([, word = '', count]) => numbered(Number(count), () => word),
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
    when: /\b(?:the )?capital of (\w{1,20})\b/i,
    say: ([, country = '']) => CAPITALS[country.toLowerCase()],
  },
  { when: /\byes or no\b/i, say: () => 'Yes' },
  {
    when: /\b(?:sum of|add) (-?\d{1,9}) and (-?\d{1,9})\b/i,
    say: ([, a, b]) => String(Number(a) + Number(b)),
  },
  {
    // "What is 40 + 2?"
    when: /\b(?:what(?:'s| is)|calculate|compute) (-?\d{1,9}) ?(\+|plus|-|minus|\*|x|×|times) ?(-?\d{1,9})\b/i,
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

export function errand(question: string): string | undefined {
  const literal = exactly(question);
  if (literal !== undefined) return literal;
  for (const { when, say } of ERRANDS) {
    const match = when.exec(question);
    const said = match ? say(match) : undefined;
    if (said !== undefined) return said;
  }
  return undefined;
}
