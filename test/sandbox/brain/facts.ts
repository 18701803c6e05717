import type { Turn } from './types.ts';
import { escaped } from './values.ts';

const ASKED =
  /\b(?:what|who|which)(?:'s|’s| is| was| are| were)? (my|the|our|your) ([\p{L}\p{N}][\p{L}\p{N} _-]{0,60}?)(?: is| was)?\s*\?/iu;
const ALSO_ASKED =
  /\b(?:tell me|repeat|recall|remember|do you (?:know|remember)|give me)(?: what)? (my|the|our) ([\p{L}\p{N}][\p{L}\p{N} _-]{0,60}?)(?: is| was)?(?: that I (?:told|gave) you)?\s*[?.]/iu;
/** "What number did I tell you?", "Who am I?" */
const TOLD =
  /\b(?:what|which) ([\p{L}\p{N}][\p{L}\p{N} _-]{0,60}?) (?:did I (?:tell|give|ask)|have I (?:told|given)|was I)\b/iu;
const WHO = /\bwho am I\b/i;
const SAID_BEFORE = /\bwhat (?:did I (?:just )?(?:say|ask)|was my (?:first|last|previous) (?:message|question))/i;

const VALUE = String.raw`["“'\x60]?([\p{L}\p{N}][\p{L}\p{N}_.:/@-]{0,80}(?: \p{Lu}[\p{L}\p{N}_-]{0,40}){0,3})`;

/** What somebody called himself, without the word "name". */
const NAMED = /\b(?:[Cc]all me|I am|I'm|I’m) (\p{Lu}[\p{L}-]{1,40}(?: \p{Lu}[\p{L}-]{1,40})?)/u;

function told(thing: string, turns: readonly Turn[]): string | undefined {
  const fact = new RegExp(
    String.raw`(?<![\p{L}\p{N}])${escaped(thing)}(?: number| word| phrase)? (?:is|are|was|=|:|to be|called) (?:called |the (?:word|number) )?${VALUE}|(?<![\p{L}\p{N}])${escaped(thing)}\s?[:=]\s?${VALUE}|\b(?:the|my|this) ${escaped(thing)} (?!is\b|are\b|was\b|of\b|to\b|in\b|for\b|and\b|that\b)${VALUE}`,
    'iu',
  );
  for (const { text } of turns) {
    const match = fact.exec(text.slice(0, 20_000));
    const found =
      match?.slice(1).find(Boolean) ?? (/^(?:full |first )?name$/i.test(thing) ? NAMED.exec(text)?.[1] : undefined);
    if (found !== undefined) return found.replace(/[.:/]+$/, '');
  }
  return undefined;
}

/** A question about something: the words that ask, whose it is, and what. */
function asks(question: string): readonly string[] | undefined {
  const known = ASKED.exec(question) ?? ALSO_ASKED.exec(question);
  if (known) return known;
  const [told, thing = ''] = TOLD.exec(question) ?? [];
  if (told !== undefined) return [told, 'the', thing];
  const who = WHO.exec(question)?.[0];
  return who === undefined ? undefined : [who, 'my', 'name'];
}

/** The answer to a question about what was told in an earlier turn, or earlier in the same one: "My name is Ada." */
export function recalled(question: string, before: readonly Turn[]): string | undefined {
  const earlier = before.filter((turn) => turn.role === 'user');
  if (SAID_BEFORE.test(question)) {
    const turn = /\bfirst\b/i.test(question) ? earlier[0] : earlier.at(-1);
    return turn && `You said: "${turn.text.slice(0, 200)}"`;
  }
  const [asked, whose = '', thing = ''] = asks(question) ?? [];
  if (asked === undefined) return undefined;
  const here: Turn = { role: 'user', text: question.slice(0, question.indexOf(asked)) };
  // The latest word counts.
  const heard = [...before.filter(({ role }) => role === 'user' || role === 'system'), here].reverse();
  const value = told(thing, heard);
  if (value === undefined) return undefined;
  return `${{ my: 'Your', our: 'Your', your: 'My', the: 'The' }[whose.toLowerCase()] ?? 'The'} ${thing} is ${value}.`;
}
