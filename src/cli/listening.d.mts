declare const DEFAULT_PORT: number;

export { DEFAULT_PORT };
export function portObstacle(port: number, host: string, command: string): Promise<string | undefined>;
export function whatServes(origin: string): Promise<{ readonly ready: boolean; readonly text: string }>;
