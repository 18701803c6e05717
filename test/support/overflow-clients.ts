/** How clients tell that a conversation has to be shortened, from their code. */
export const OVERFLOW_CLIENTS: Readonly<Record<string, RegExp>> = {
  'LiteLLM 1.110':
    /exceed context limit|this model's maximum context length is|is longer than the model's context length|prompt is too long|exceeds the available context size/i,
  'opencode and pi':
    /prompt is too long|reduce the length of the messages|maximum context length is \d+ tokens|context[_ ]length[_ ]exceeded/i,
  LangChain: /Input tokens exceed the configured limit|exceeds the context window|maximum context length/,
  'Cline and Roo Code': /\bcontext\s*(?:length|window)\b/i,
};
