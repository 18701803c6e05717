declare module 'mistral-tokenizer-js' {
  const tokenizer: {
    readonly vocabById: readonly string[];
    encode(text: string, addBos?: boolean, addSpace?: boolean): number[];
    decode(ids: readonly number[], hasBos?: boolean, hasSpace?: boolean): string;
  };
  export default tokenizer;
}
