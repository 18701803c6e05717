/** UTF-8, a character for each byte. */
export const utf8 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));
const hex = (character: string, digits: number) => character.charCodeAt(0).toString(16).padStart(digits, '0');
const flipped = (text: string): string =>
  [...text].map((one, i) => (i % 2 === 0 ? one.toUpperCase() : one.toLowerCase())).join('');

/** How a text may be written so that it still means the same. */
export const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'in capitals': (text) => text.toUpperCase(),
  'in small letters': (text) => text.toLowerCase(),
  'in a mix of both': flipped,
  'percent-encoded where it must be': encodeURIComponent,
  'percent-encoded whole': (text) => utf8(text).replace(/[\s\S]/g, (one) => `%${hex(one, 2)}`),
  'percent-encoded in part': (text) => text.replace(/[aeiou\d]/g, (one) => `%${hex(one, 2).toUpperCase()}`),
  'percent-encoded twice': (text) => encodeURIComponent(utf8(text).replace(/[\s\S]/g, (one) => `%${hex(one, 2)}`)),
  'in JSON’s escapes': (text) => text.replace(/[\s\S]/g, (one) => `\\u${hex(one, 4)}`),
  'in JSON within JSON': (text) => JSON.stringify(JSON.stringify(text).replaceAll('/', '\\/')),
  'in HTML’s escapes': (text) => text.replace(/[\s\S]/g, (one) => `&#x${hex(one, 2)};`),
  'in base64': (text) => btoa(utf8(text)),
  'in base64 behind a user': (text) => btoa(utf8(`user:${text}`)),
  'in base64 within more, cut loose': (text) => btoa(utf8(`ab {"key": "${text}"}`)).slice(1),
  'in base64 for URLs': (text) => btoa(utf8(text)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
  'in base64 twice': (text) => btoa(btoa(utf8(text))),
  'in base64, percent-encoded': (text) => encodeURIComponent(btoa(utf8(text))),
};
