/** Numbers, times and names as people read them. Times are UTC, and say so. */

export const UNKNOWN = '–';
const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

const plain = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });

/** 12,345.67 */
export const count = (value) => (isNumber(value) ? plain.format(value) : UNKNOWN);
/** 12.3K */
export const brief = (value) => (isNumber(value) ? compact.format(value) : UNKNOWN);
/** 12.3 % */
export const percent = (share) => (isNumber(share) ? `${plain.format(Math.round(share * 1000) / 10)} %` : UNKNOWN);

/** 840 ms, 2.4 s, 3 min */
export function duration(ms) {
  if (!isNumber(ms)) return UNKNOWN;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${plain.format(Math.round(ms / 100) / 10)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

const isoOf = (time) => {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
};
/** 2026-11-28 07:00:00 UTC, of milliseconds or RFC 3339 */
export const moment = (time) =>
  time == null
    ? UNKNOWN
    : (isoOf(time)
        ?.replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC') ?? UNKNOWN);
/** 2026-11-28 */
export const day = (time) => (time == null ? UNKNOWN : (isoOf(time)?.slice(0, 10) ?? UNKNOWN));
/** 07:00:00, in UTC */
export const clock = (time) => (time == null ? UNKNOWN : (isoOf(time)?.slice(11, 19) ?? UNKNOWN));

/** How long ago: now, 5 min, 3 h, 12 days */
export function ago(time, now = Date.now()) {
  const minutes = Math.floor((now - new Date(time).getTime()) / 60_000);
  if (!isNumber(minutes)) return UNKNOWN;
  if (minutes < 1) return 'now';
  if (minutes < 120) return `${minutes} min ago`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 1440)} days ago`;
}
