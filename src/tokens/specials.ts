/** One stretch of a text: plain, or a special token that stands for itself. */
export interface Stretch {
  readonly text: string;
  readonly id?: number;
}

/**
 * Cuts a text at the special tokens written in it, as servers do that tokenize a rendered prompt. Linear: candidates are
 * found by their first characters, which all special tokens of a family share.
 */
export function stretches(text: string, special: Readonly<Record<string, number>>): Stretch[] {
  const names = Object.keys(special);
  const opening = commonStart(names);
  if (opening === '') return text === '' ? [] : [{ text }];
  const longest = Math.max(...names.map((name) => name.length));
  const closing = opening === '<' ? '>' : '|>';
  const found: Stretch[] = [];
  let plain = 0;
  let at = text.indexOf(opening);
  while (at >= 0) {
    const end = text.slice(at, at + longest).indexOf(closing, opening.length);
    const name = end < 0 ? '' : text.slice(at, at + end + closing.length);
    const id = Object.hasOwn(special, name) ? special[name] : undefined;
    if (id === undefined) {
      at = text.indexOf(opening, at + 1);
      continue;
    }
    if (at > plain) found.push({ text: text.slice(plain, at) });
    found.push({ text: name, id });
    plain = at + name.length;
    at = text.indexOf(opening, plain);
  }
  if (plain < text.length) found.push({ text: text.slice(plain) });
  return found;
}

function commonStart(names: readonly string[]): string {
  const first = names[0] ?? '';
  if (names.length === 0) return '';
  return names.every((name) => name.startsWith('<|')) ? '<|' : first.slice(0, 1);
}
