import { parse } from '../json.ts';
import { barrier, closeBarrier, openBarrier } from './barrier.ts';
import { addRule, clearRules, readRule, standingRules } from './faults.ts';
import { forget, journal } from './journal.ts';

const say = (status: number, body: unknown): Response =>
  new Response(body === undefined ? null : JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'x-sandbox': 'control' },
  });

/**
 * The dial: `/sandbox/faults` (POST a rule, GET, DELETE), `/sandbox/requests` (GET the journal, DELETE it), and
 * `/sandbox/barrier` (POST closes it, as it is at first, DELETE opens it, GET says how many requests wait).
 * It has no credentials: the sandbox holds nothing and is never deployed.
 */
export function control(method: string, path: string, source: string): Response {
  const route = `${method} ${path}`;
  if (route === 'POST /faults') {
    const rule = readRule(parse(source));
    if (typeof rule === 'string') return say(400, { error: rule });
    addRule(rule);
    return say(201, rule);
  }
  if (route === 'GET /faults') return say(200, { object: 'list', data: standingRules() });
  if (route === 'DELETE /faults') {
    clearRules();
    return say(204, undefined);
  }
  if (route === 'GET /barrier') return say(200, barrier());
  if (route === 'POST /barrier') {
    closeBarrier();
    return say(201, barrier());
  }
  if (route === 'DELETE /barrier') {
    openBarrier();
    return say(204, undefined);
  }
  if (route === 'GET /requests') return say(200, { object: 'list', data: journal() });
  if (route === 'DELETE /requests') {
    forget();
    return say(204, undefined);
  }
  return say(404, { error: 'The dial has /sandbox/faults, /sandbox/requests and /sandbox/barrier.' });
}
