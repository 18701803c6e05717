export function readConfigFile(): string | undefined;
export function devArguments(text: string, args: readonly string[], env: string): string[];
export function deployArguments(text: string): string[];
export function usualEnvFiles(env: string): string[];
