/** Accounts: who may use this deployment, and on which terms. */
export { type Access, authenticate, MAIN_ACCOUNT } from './access.ts';
export type { Admission, Covered, Need } from './admission.ts';
export { CallAccount } from './call-account.ts';
export { databaseOf, type ReportDatabase } from './database.ts';
export { type AccountRow, ledgerPage, type PageQuery, rowsOfCall } from './generations.ts';
export { ACCOUNT_NAME, type Caller, KEY_ID, type Keyring, keyring } from './key-text.ts';
export { pushRows } from './ledger.ts';
export { type LedgerRow, ledgerRow } from './ledger-row.ts';
export { ledgerTables } from './ledger-schema.ts';
export { tellNow } from './outbox.ts';
export type * from './protocol.ts';
export { StaleTerms } from './refusals.ts';
export { LATENCY_BUCKETS } from './rollup.ts';
export { type Session, type Sessions, sessions } from './session.ts';
export { signInThrottle } from './sign-in-throttle.ts';
export { accountsMissing, accountUnavailable, askAccount, keyGone, rememberedTerms, type Terms } from './terms.ts';
export { type LatencyTotal, type LedgerTotal, type LedgerTotals, latencyOf, ledgerTotals } from './totals.ts';
export { type TrafficOfDays, type TrafficQuery, trafficOf, trafficOfRow } from './traffic.ts';
export {
  activeAccounts,
  GROUPS,
  type Group,
  type Hours,
  knownAccounts,
  type LedgerFilter,
  type UsageGroup,
  type UsageQuery,
  type UsageSums,
  usage,
} from './usage.ts';
