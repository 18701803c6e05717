const DAY_MS = 86_400_000;

let known = { number: Number.NaN, text: '' };

/** The day of a moment in UTC, as `2026-11-27`, by which prices and retirements are judged. Written once for each day. */
export function dayOf(ms: number): string {
  const number = Math.floor(ms / DAY_MS);
  if (number !== known.number) known = { number, text: new Date(ms).toISOString().slice(0, 10) };
  return known.text;
}
