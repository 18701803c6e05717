/** OpenAI's temperatures go up to 2; Bedrock's end at 1, beyond which it refuses the request. */
export const upToOne = (temperature: number): number => Math.min(temperature, 1);
