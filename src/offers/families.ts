import { models, nearestOf } from '../catalog/index.ts';
import { templateFamilies } from '../tokens/index.ts';

/** What goes on after where a family is named, if there is no family of that name. */
export function familyMistake(family: string): string | undefined {
  const known = [...new Set([...templateFamilies(), ...models().map((model) => model.family)])].sort();
  if (known.includes(family)) return undefined;
  const near = nearestOf(family, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
  return `must be the name of a family of models.${hint} There are ${known.join(', ')}`;
}
