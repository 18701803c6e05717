/** Bars that say in words what they show. Lengths are shares from 0 to 1. */
import { classes, html } from './html.js';

const clamp = (share) => Math.max(0, Math.min(1, share || 0));
const wide = (share) => `${(clamp(share) * 100).toFixed(2)}%`;

/** One length: `<${Bar} share=${0.4} label="40 % of the budget" kind="warn" />`. Kinds: good, warn, bad. */
export const Bar = ({ share, label, kind }) => html`<span class=${classes('bar', kind)} role="img" aria-label=${label}>
  <span style=${{ width: wide(share) }}></span>
</span>`;

/** From the least to the most, with a mark at what is expected. */
export const RangeBar = ({
  min,
  expected,
  max,
  label,
  kind,
}) => html`<span class=${classes('bar', kind)} role="img" aria-label=${label}>
  <span class="span" style=${{ left: wide(min), width: wide(clamp(max) - clamp(min)) }}></span>
  ${expected != null && html`<span class="mark" style=${{ left: wide(expected) }}></span>`}
</span>`;

/** Parts beside one another: `[{share, label}]`, each with a colour of its own, in this order. */
export const StackedBar = ({
  parts,
  label,
}) => html`<span class="bar stacked" role="img" aria-label=${label ?? parts.map((part) => part.label).join(', ')}>
  ${parts.map((part, at) => html`<span key=${part.label} class=${`c${(at % 6) + 1}`} title=${part.label} style=${{ width: wide(part.share) }}></span>`)}
</span>`;
