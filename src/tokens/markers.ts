import { type Message, textOf } from '../core/index.ts';
import { TEMPLATES } from './templates.ts';

export interface FoundMarker {
  /** The field that holds it, as the caller wrote it: `messages[2].content`. */
  readonly param: string;
  readonly marker: string;
}

/**
 * The first piece of template syntax inside what a caller wrote. In a prompt that is sent as one string nothing else
 * keeps such a content apart from the template around it: it could close its turn and speak as another role. Contents are
 * searched, never the rendered prompt. Families without a template have no markers.
 */
export function findMarkers(family: string, messages: readonly Message[]): FoundMarker | undefined {
  const markers = TEMPLATES.get(family)?.markers ?? [];
  for (const [index, message] of messages.entries()) {
    const text = textOf(message.content);
    let first: string | undefined;
    let at = text.length;
    for (const marker of markers) {
      const found = text.indexOf(marker);
      if (found < 0 || found >= at) continue;
      first = marker;
      at = found;
    }
    if (first !== undefined) return { param: `messages[${index}].content`, marker: first };
  }
  return undefined;
}
