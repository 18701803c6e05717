import type { TokenLogprob } from '../../core/index.ts';

/** Log probabilities as chat answers carry them. */
export const toChatLogprobs = (logprobs: readonly TokenLogprob[]) => ({
  content: logprobs.map(({ token, logprob, bytes, top }) => ({ token, logprob, bytes, top_logprobs: top })),
  refusal: null,
});

/** Log probabilities as the legacy completions carry them. Offsets count characters from `start`. */
export function toCompletionLogprobs(logprobs: readonly TokenLogprob[], start: number) {
  let offset = start;
  const textOffset: number[] = [];
  for (const { token } of logprobs) {
    textOffset.push(offset);
    offset += token.length;
  }
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top, logprob }) =>
      logprob === null ? null : Object.fromEntries(top.map((one) => [one.token, one.logprob])),
    ),
    text_offset: textOffset,
  };
}
