const GOOD =
  /\b(lov(e|ed|ely)|great|best|amazing|excellent|wonderful|fantastic|perfect|happy|enjoy(ed)?|awesome|delightful)\b/gi;
const BAD =
  /\b(terrible|worst|bad|awful|hate[sd]?|horrible|poor|boring|trying too hard|disappoint\w*|rude|0\/10|broken)\b/gi;

const balance = (text: string): number => (text.match(GOOD)?.length ?? 0) - (text.match(BAD)?.length ?? 0);

export function feeling(text: string): 'positive' | 'negative' | 'neutral' {
  const sum = balance(text);
  if (sum === 0) return 'neutral';
  return sum > 0 ? 'positive' : 'negative';
}

/** In the form that the examples of Meta's guide teach. */
const PERCENTAGES = {
  positive: '100% positive 0% neutral 0% negative',
  negative: '0% positive 0% neutral 100% negative',
  neutral: '30% positive 50% neutral 20% negative',
};

export const percentages = (text: string): string => PERCENTAGES[feeling(text)];
