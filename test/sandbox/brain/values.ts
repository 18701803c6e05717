/** A word that can do no harm wherever it ends up: letters and digits, at most a hyphen or an underscore inside. */
const SAFE = /^[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,38}[\p{L}\p{N}])?$/u;

export const isSafeWord = (word: string): boolean => SAFE.test(word);

const NUMBER = /(?<![\p{L}\p{N}_.])-?\d{1,15}(?:\.\d{1,9})?(?![\p{L}\p{N}_])/gu;
const NAME = String.raw`\p{Lu}[\p{L}-]{0,38}(?: \p{Lu}[\p{L}-]{0,38}){0,2}`;
const PLACES = new RegExp(
  String.raw`\b(?:in|for|at|of|to|from|between) (${NAME}(?:(?:, and |, | and | or )${NAME}){0,7})`,
  'gu',
);
/** For those who write "in paris". */
const LOWER_PLACE =
  /\b(?:in|for|at) (?!the\b|this\b|that\b|my\b|your\b|celsius\b|fahrenheit\b|metric\b|imperial\b|json\b|english\b)(\p{Ll}{3,40})(?=[?.!,]|\s*$| in | today| tomorrow| now| right| and| please)/u;
const QUOTED = /["“‘`]([^"”“‘’`]{1,40})["”’`]/gu;
const CALLED = new RegExp(
  String.raw`(?:\bnamed |\bcalled |\bname is |\bname: |\bI am |\bI'm )(${NAME})|(${NAME})(?= (?:is|was|has|lives|works|turned)\b)`,
  'u',
);
/** Capitalised because a sentence begins with them, or always. */
const NO_NAME = /^(?:The|This|That|There|It|He|She|They|We|You|I|What|Who|How|When|Where|Which|My|Your|JSON|API)$/;

export const escaped = (name: string): string => name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** `a=40`, `city: Paris`, `the unit is celsius`, for a property called so, or `undefined`. */
function assigned(text: string, name: string, value: string): RegExpExecArray | null {
  const called = escaped(name).replaceAll('_', '[_ ]');
  return new RegExp(
    String.raw`(?<![\p{L}\p{N}_])["'\x60]?${called}["'\x60]?(?:\s{0,3}[=:]\s{0,3}| (?:is|of|as|equals|set to) )["'\x60]?(${value})(?![\p{L}\p{N}_])`,
    'iu',
  ).exec(text);
}

/** Whether a text says this word or these words, in whatever case. */
export const saysWords = (text: string, words: string): boolean =>
  new RegExp(String.raw`(?<![\p{L}\p{N}])${escaped(words)}(?![\p{L}\p{N}])`, 'iu').test(text);

/** Places that a text names: capitalised words after a preposition, and those joined to them. */
export const places = (text: string): string[] =>
  [...text.matchAll(PLACES)].flatMap((match) => (match[1] ?? '').split(/, and |, | and | or /)).filter(Boolean);

/**
 * The plain values that a prompt offers: numbers and single safe words. All else that a prompt says may be a command, a
 * path or code, and so is no value of anything.
 */
export interface Values {
  /** The number given to this name, else the next that no name was given. */
  number(name: string): number | undefined;
  /** Only what was given to this very name. */
  assignedNumber(name: string): number | undefined;
  /** A safe word that was given to this very name. */
  word(name: string): string | undefined;
  flag(name: string): boolean | undefined;
  place(): string | undefined;
  /** Of a person. */
  person(): string | undefined;
  /** A safe word in quotation marks; each is given once. */
  quoted(): string | undefined;
  /** Whether a text says this word or these words. */
  says(words: string): boolean;
}

export function valuesIn(text: string): Values {
  const numbers = [...text.matchAll(NUMBER)].map((match) => ({ at: match.index, value: Number(match[0]) }));
  const used = new Set<number>();
  const quotes = [...text.matchAll(QUOTED)].map((match) => match[1] ?? '').filter(isSafeWord);
  const assignedNumber = (name: string): number | undefined => {
    const match = assigned(text, name, String.raw`-?\d{1,15}(?:\.\d{1,9})?`);
    if (!match?.[1]) return undefined;
    used.add(match.index + match[0].length - match[1].length);
    return Number(match[1]);
  };
  return {
    assignedNumber,
    number(name) {
      const given = assignedNumber(name);
      if (given !== undefined) return given;
      const next = numbers.find(({ at }) => !used.has(at));
      if (next) used.add(next.at);
      return next?.value;
    },
    word: (name) => assigned(text, name, String.raw`[\p{L}\p{N}][\p{L}\p{N}_-]{0,39}`)?.[1],
    flag(name) {
      const said = assigned(text, name, 'true|false|yes|no|on|off')?.[1]?.toLowerCase();
      return said === undefined ? undefined : ['true', 'yes', 'on'].includes(said);
    },
    place: () => places(text)[0] ?? LOWER_PLACE.exec(text)?.[1],
    person() {
      const [, called, subject] = CALLED.exec(text) ?? [];
      const name = called ?? subject;
      return name === undefined || NO_NAME.test(name) ? undefined : name;
    },
    quoted: () => quotes.shift(),
    says: (words) => saysWords(text, words),
  };
}
