import { stopAtBarrier } from './control/barrier.ts';
import type { ErrorFault, Fault } from './control/faults.ts';
import type { Entry } from './control/journal.ts';
import { hang, sleep } from './wait.ts';
import type { Answer, Frame, Wire } from './wire/types.ts';

type Of<K extends Fault['kind']> = Extract<Fault, { kind: K }>;

const find = <K extends Fault['kind']>(faults: readonly Fault[], kind: K): Of<K> | undefined =>
  faults.find((fault): fault is Of<K> => fault.kind === kind);

const BODY_FAULTS: readonly Fault['kind'][] = ['mute', 'stall', 'cut', 'flip', 'no_end', 'malformed'];

const PAGE = `<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;

const encoder = new TextEncoder();
const bytesOf = (data: string | Uint8Array): Uint8Array => (typeof data === 'string' ? encoder.encode(data) : data);

/** What is to happen before the provider looks at the request: a wait, or an answer in its place. */
export async function precede(
  faults: readonly Fault[],
  wire: Wire,
  signal: AbortSignal,
): Promise<Response | undefined> {
  if (find(faults, 'barrier')) await stopAtBarrier(signal);
  const delay = find(faults, 'delay');
  if (delay) await sleep(delay.ms, signal);
  if (find(faults, 'hang')) {
    await hang(signal);
    return new Response(null, { status: 504 });
  }
  const html = find(faults, 'html');
  if (html) return new Response(PAGE, { status: html.status ?? 502, headers: { 'content-type': 'text/html' } });
  const status = find(faults, 'status');
  if (!status) return undefined;
  const refusal = wire.refusal(status.status);
  const body = status.body ?? (refusal.kind === 'json' ? refusal.body : undefined);
  return new Response(typeof body === 'string' ? body : JSON.stringify(body), {
    status: status.status,
    headers: {
      'content-type': 'application/json',
      ...(status.body === undefined ? refusal.headers : {}),
      ...status.headers,
    },
  });
}

/** The frames as they come under faults that count tokens. */
async function* troubled(
  frames: Iterable<Frame> | AsyncIterable<Frame>,
  faults: readonly Fault[],
  wire: Wire,
  signal: AbortSignal,
): AsyncGenerator<Frame, void, undefined> {
  if (find(faults, 'mute')) return hang(signal);
  const stall = find(faults, 'stall');
  const error = find(faults, 'error');
  const malformed = find(faults, 'malformed');
  const drip = find(faults, 'drip');
  const noEnd = find(faults, 'no_end');
  let tokens = 0;
  let garbled = false;
  for await (const frame of frames) {
    const comes = frame.tokens ?? 0;
    // A provider that fails at once has framed nothing yet; later, the failure takes the place of the next token.
    const due = (after = 0) => (after === 0 ? true : tokens >= after && (comes > 0 || frame.terminal === true));
    if (error && due(error.after)) return yield* wire.interruption(error);
    if (malformed && !garbled && due(malformed.after)) {
      garbled = true;
      yield wire.garbage();
    }
    if (stall && tokens >= stall.after && (comes > 0 || frame.terminal)) return hang(signal);
    if (noEnd && frame.terminal) continue;
    if (drip && comes > 0) await sleep(drip.ms * comes, signal);
    if (signal.aborted) return;
    tokens += comes;
    yield frame;
  }
}

/** Joins frames into network writes. */
async function* written(frames: AsyncIterable<Frame>, batch: number): AsyncGenerator<Uint8Array, void, undefined> {
  let pending: Uint8Array[] = [];
  const flush = () => {
    const whole = new Uint8Array(pending.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pending) {
      whole.set(piece, at);
      at += piece.length;
    }
    pending = [];
    return whole;
  };
  for await (const frame of frames) {
    pending.push(bytesOf(frame.data));
    if (pending.length >= batch) yield flush();
  }
  if (pending.length > 0) yield flush();
}

/** How long a cut waits for what comes before it, in ms. */
const CUT_MS = 200;

class Broken extends Error {}

/** The writes as they come under faults that count bytes. Throws `Broken` where the connection is to break. */
async function* damaged(
  writes: AsyncIterable<Uint8Array>,
  faults: readonly Fault[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const cut = find(faults, 'cut');
  const flip = find(faults, 'flip');
  let sent = 0;
  for await (const write of writes) {
    let bytes = write;
    if (flip && flip.byte >= sent && flip.byte < sent + bytes.length) {
      bytes = bytes.slice();
      const at = flip.byte - sent;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    }
    if (cut && sent + bytes.length >= cut.bytes) {
      const rest = bytes.subarray(0, cut.bytes - sent);
      if (rest.length > 0) yield rest;
      if (cut.clean) return;
      // What was sent is to arrive: the runtime drops what it still holds when a body breaks.
      await sleep(CUT_MS, signal);
      throw new Broken('The connection was cut, as asked.');
    }
    sent += bytes.length;
    yield bytes;
  }
}

function bodyOf(source: AsyncGenerator<Uint8Array, void, undefined>, entry: Entry, settle: () => void) {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await source.next();
          if (!done) return controller.enqueue(value);
          if (!entry.aborted) entry.ended = 'complete';
          controller.close();
        } catch (error) {
          // After the client has gone, a failure is only that nobody listens.
          if (!entry.aborted) entry.ended = 'broken';
          controller.error(error);
        }
        settle();
      },
      cancel() {
        entry.aborted = true;
        settle();
        // Not awaited: it may be in the middle of a wait that only the end of the request ends.
        void source.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** In two halves, so that faults find a middle: the second is what says that it is whole. */
function* halves(body: string, tokens: number): Generator<Frame> {
  const middle = Math.ceil(body.length / 2);
  yield { data: body.slice(0, middle), tokens };
  yield { data: body.slice(middle), terminal: true };
}

interface Delivery {
  readonly wire: Wire;
  readonly entry: Entry;
  readonly signal: AbortSignal;
  readonly faults: readonly Fault[];
  /** Called once nothing more will be sent. */
  readonly settle: () => void;
}

/** The answer on the wire, under the faults that it is to suffer. */
export async function deliver(answer: Answer, { wire, entry, signal, settle, ...rest }: Delivery): Promise<Response> {
  const faults = answer.faults ?? rest.faults;
  const stream = (headers: Readonly<Record<string, string>>, frames: AsyncIterable<Frame>, batch: number) =>
    new Response(bodyOf(damaged(written(frames, batch), faults, signal), entry, settle), { headers });

  if (answer.kind === 'stream') {
    // A frame that waits for others to share a write with it would wait for ever.
    const batch = find(faults, 'drip') || find(faults, 'stall') ? 1 : (answer.batch ?? 1);
    return stream(answer.headers, troubled(answer.frames, faults, wire, signal), batch);
  }
  const error: ErrorFault | undefined = find(faults, 'error');
  if (answer.status < 300 && error) {
    settle();
    return deliver({ ...wire.refusal(error.status ?? 500), faults: [] }, { wire, entry, signal, faults: [], settle });
  }
  const headers = { 'content-type': 'application/json', ...answer.headers };
  const body = JSON.stringify(answer.body);
  const drip = find(faults, 'drip');
  if (drip) await sleep(drip.ms * (answer.tokens ?? 1), signal);
  if (answer.status < 300 && faults.some((fault) => BODY_FAULTS.includes(fault.kind))) {
    if (find(faults, 'malformed')) return stream(headers, one(body.slice(0, body.length / 2)), 1);
    return stream(headers, troubled(halves(body, answer.tokens ?? 1), withoutDrip(faults), wire, signal), 1);
  }
  entry.ended = 'complete';
  settle();
  return new Response(body, { status: answer.status, headers });
}

const withoutDrip = (faults: readonly Fault[]): readonly Fault[] => faults.filter((fault) => fault.kind !== 'drip');

async function* one(data: string): AsyncGenerator<Frame> {
  yield { data };
}
