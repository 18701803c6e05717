import type { Config } from '../config.ts';
import type { Relay } from '../relay/index.ts';

/** What every route works with; made once for each isolate. */
export interface Gateway {
  readonly config: Config;
  readonly relay: Relay;
}
