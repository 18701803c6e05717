import type { Mutant } from '../mutant.ts';
import { ACCOUNT_MUTANTS } from './accounts.ts';
import { ADMISSION_MUTANTS } from './admission.ts';
import { CALLERS_MUTANTS } from './callers.ts';
import { CATALOG_MUTANTS } from './catalog.ts';
import { CORE_MUTANTS } from './core.ts';
import { HTTP_MUTANTS } from './http.ts';
import { KEYS_MUTANTS } from './keys.ts';
import { LIVE_MUTANTS } from './live.ts';
import { MESSAGES_MUTANTS } from './messages.ts';
import { OFFERS_MUTANTS } from './offers.ts';
import { PAGE_MUTANTS } from './page.ts';
import { PANEL_MUTANTS } from './panels.ts';
import { RELAY_MUTANTS } from './relay.ts';
import { REPORT_MUTANTS } from './reports.ts';
import { RESPONSES_MUTANTS } from './responses.ts';
import { RETRIEVAL_MUTANTS } from './retrieval.ts';
import { SERVE_MUTANTS } from './serve.ts';
import { TOKENS_MUTANTS } from './tokens.ts';
import { TRACE_MUTANTS } from './traces.ts';
import { VOTE_MUTANTS } from './vote.ts';
import { WIRES_MUTANTS } from './wires.ts';

export const MUTANTS: readonly Mutant[] = [
  ...HTTP_MUTANTS,
  ...KEYS_MUTANTS,
  ...RELAY_MUTANTS,
  ...OFFERS_MUTANTS,
  ...CATALOG_MUTANTS,
  ...CORE_MUTANTS,
  ...TOKENS_MUTANTS,
  ...VOTE_MUTANTS,
  ...WIRES_MUTANTS,
  ...CALLERS_MUTANTS,
  ...RETRIEVAL_MUTANTS,
  ...MESSAGES_MUTANTS,
  ...RESPONSES_MUTANTS,
  ...SERVE_MUTANTS,
  ...ACCOUNT_MUTANTS,
  ...REPORT_MUTANTS,
  ...ADMISSION_MUTANTS,
  ...TRACE_MUTANTS,
  ...LIVE_MUTANTS,
  ...PAGE_MUTANTS,
  ...PANEL_MUTANTS,
];
