export function obstacle(machine: {
  readonly platform: string;
  readonly arch: string;
  readonly node: string;
  readonly release: string;
  readonly glibc?: string;
}): string | undefined;
export function nodeObstacle(node: string): string | undefined;
