import type { SpecialTokens } from './special-tokens.ts';

/** One stretch of a text: plain, or a special token that stands for itself. */
export interface Stretch {
  readonly text: string;
  readonly id?: number;
}

/**
 * Cuts texts at the special tokens written in them, as servers do that tokenize a rendered prompt. Linear: a candidate
 * starts at a first character of some name and ends at the next such, since no name has one inside.
 */
export function specialCutter(special: SpecialTokens): (text: string) => Stretch[] {
  const ids = new Map(Object.entries(special));
  const names = [...ids.keys()];
  if (names.length === 0) return (text) => (text === '' ? [] : [{ text }]);
  const first = new Set(names.map((name) => name.charCodeAt(0)));
  const last = new Set(names.map((name) => name.charCodeAt(name.length - 1)));
  const longest = Math.max(...names.map((name) => name.length));
  const opening = new RegExp(`[${[...first].map((code) => `\\${String.fromCharCode(code)}`).join('')}]`, 'g');

  const nameAt = (text: string, at: number): string | undefined => {
    const most = Math.min(text.length, at + longest);
    for (let end = at + 1; end < most; end++) {
      const code = text.charCodeAt(end);
      if (first.has(code)) return undefined;
      if (!last.has(code)) continue;
      const name = text.slice(at, end + 1);
      if (ids.has(name)) return name;
    }
    return undefined;
  };

  return (text) => {
    const found: Stretch[] = [];
    let plain = 0;
    opening.lastIndex = 0;
    for (let match = opening.exec(text); match !== null; match = opening.exec(text)) {
      const name = nameAt(text, match.index);
      const id = name === undefined ? undefined : ids.get(name);
      if (name === undefined || id === undefined) continue;
      if (match.index > plain) found.push({ text: text.slice(plain, match.index) });
      found.push({ text: name, id });
      plain = match.index + name.length;
      opening.lastIndex = plain;
    }
    if (plain < text.length) found.push({ text: text.slice(plain) });
    return found;
  };
}
