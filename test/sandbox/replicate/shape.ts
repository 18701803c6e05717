import type { Prediction, Progress } from './predictions.ts';

const timeOf = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/** A prediction as the API shows it. Addresses are on the host that was asked. */
export function shapeOf(prediction: Prediction, { status, pieces, startedAt, completedAt }: Progress, origin: string) {
  const { id, streamId, model, input, output, promptTokens, outputTokens, createdAt, fails } = prediction;
  const base = `${origin}/replicate/v1/predictions/${id}`;
  const ran = completedAt !== undefined && startedAt !== undefined;
  const metrics = ran && {
    input_token_count: promptTokens,
    output_token_count: status === 'succeeded' ? outputTokens : Math.max(0, pieces - 1),
    predict_time: (completedAt - startedAt) / 1000,
    total_time: (completedAt - createdAt) / 1000,
  };
  return {
    id,
    model: model.name,
    version: model.version ?? 'hidden',
    input,
    logs: '',
    output: status === 'starting' ? null : output.slice(0, pieces),
    data_removed: false,
    error: status === 'failed' ? (fails?.error ?? null) : null,
    status,
    created_at: timeOf(createdAt),
    ...(startedAt === undefined ? {} : { started_at: timeOf(startedAt) }),
    ...(completedAt === undefined ? {} : { completed_at: timeOf(completedAt) }),
    ...(metrics ? { metrics } : {}),
    urls: {
      cancel: `${base}/cancel`,
      get: base,
      stream: `${origin}/replicate-stream/v1/streams/${streamId}`,
      web: `${origin}/replicate/p/${id}`,
    },
  };
}
