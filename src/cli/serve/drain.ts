/**
 * Stops workerd without cutting anything off. On SIGTERM workerd takes no new requests and ends after the last running
 * one. It then drops work that goes on after an answer (`waitUntil`), like settling what a call cost. So one request
 * of ours is kept running until the others have ended, and a moment longer.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** How long work may go on after the last answer. */
const AFTER_MS = 1000;
const LOOK_MS = 100;

/** State ESTABLISHED in the tables of proc(5). */
const ESTABLISHED = '01';

/** How many connections a port has; 0 where the system has no such tables. */
function connectionsTo(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => {
    try {
      return readFileSync(table, 'utf8').split('\n');
    } catch {
      // Not Linux, or no IPv6.
      return [];
    }
  });
  return rows.filter((row) => {
    const [, local = '', , state] = row.trim().split(/\s+/);
    return state === ESTABLISHED && local.endsWith(`:${hex}`);
  }).length;
}

/** Begins a request that runs until the returned function is called. Undefined if it could not be begun. */
function hold(socketPath: string): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    const held = request({ socketPath, path: '/' }, (answer) => {
      answer.on('error', () => undefined).resume();
      resolve(() => held.destroy());
    });
    held.on('error', () => resolve(undefined)).end();
  });
}

export interface DrainOptions {
  readonly ports: readonly number[];
  /** Where workerd listens for `hold`. */
  readonly holdSocket: string;
  /** Sends SIGTERM. */
  readonly terminate: () => void;
  /** Set when workerd has ended. */
  readonly ended: () => boolean;
}

/** Returns when workerd may end. The caller kills it if it takes too long. */
export async function drain({ ports, holdSocket, terminate, ended }: DrainOptions): Promise<void> {
  const release = await hold(holdSocket);
  terminate();
  const open = () => ports.some((port) => connectionsTo(port) > 0);
  while (!ended() && open()) await wait(LOOK_MS);
  await wait(AFTER_MS);
  release?.();
}
