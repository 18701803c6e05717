import { inject } from 'vitest';

export interface DeliveryPlan {
  readonly name: string;
  /** Offsets to cut the body at. */
  readonly cuts?: readonly number[];
  /** Cut after every so many bytes. */
  readonly every?: number;
}

/** A recorded answer and the meaning it must have: see test/captures/README.md. */
export interface Capture {
  readonly id: string;
  readonly provider: string;
  readonly api: string;
  readonly fidelity: string;
  readonly scope: string;
  readonly request: { method: string; url: string; body: Record<string, unknown> | null } | null;
  readonly response: { status: number | null; headers: Record<string, string> };
  readonly expected: {
    readonly outcome: 'ok' | 'error' | 'pending' | 'stream-error' | 'truncated' | 'decode-error' | 'foreign-shape';
    readonly choices?: readonly {
      readonly index: number;
      readonly text: string | null;
      readonly reasoning: string | null;
      readonly toolCalls: readonly { id?: string; name: string; arguments: unknown }[];
      readonly finishReason: string | null;
    }[];
    readonly usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null;
    readonly error?: {
      readonly category: string;
      readonly httpStatus: number | null;
      readonly nativeType: string | null;
      readonly message: string | null;
      readonly retryable: boolean | null;
      readonly where: string | null;
    } | null;
    readonly native?: Record<string, unknown>;
    readonly acceptable?: readonly string[];
  };
  readonly delivery?: readonly DeliveryPlan[];
  readonly notes?: string;
  readonly bodyBase64: string;
}

export const captures = (prefix: string): Capture[] => inject('captures').filter((c) => c.id.startsWith(prefix));

export function capture(id: string): Capture {
  const found = inject('captures').find((c) => c.id === id);
  if (!found) throw new Error(`no capture ${id}`);
  return found;
}

export const bodyOf = (c: Capture): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(c.bodyBase64), (character) => character.charCodeAt(0));

/** The plans of a case, and one of our own for cases that have none: the body in one piece. */
export const plansOf = (c: Capture): readonly DeliveryPlan[] =>
  c.delivery?.length ? c.delivery : [{ name: 'whole', cuts: [] }];

/** The recorded answer, its body delivered in the plan's pieces, one piece a read. */
export function replay(c: Capture, plan: DeliveryPlan = { name: 'whole' }): Response {
  const body = bodyOf(c);
  const headers = new Headers(c.response.headers);
  headers.delete('content-length');
  headers.delete('content-encoding');
  const cuts = plan.every
    ? Array.from(
        { length: Math.max(0, Math.ceil(body.length / plan.every) - 1) },
        (_, i) => (i + 1) * (plan.every ?? 1),
      )
    : (plan.cuts ?? []);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const cut of [...cuts, body.length]) {
    if (cut > from) pieces.push(body.subarray(from, cut));
    from = Math.max(from, cut);
  }
  let next = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces[next++];
      if (piece) controller.enqueue(piece);
      else controller.close();
    },
  });
  return new Response(stream, { status: c.response.status ?? 200, headers });
}
