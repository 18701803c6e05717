import { describe, expect, it } from 'vitest';
import { nodeObstacle, obstacle } from '../support/requirements.mjs';

const linux = { platform: 'linux', arch: 'x64', node: '20.20.2', release: '6.1.0', glibc: '2.36' };
const mac = { platform: 'darwin', arch: 'arm64', node: '22.18.0', release: '23.1.0' };
const windows = { platform: 'win32', arch: 'x64', node: '24.21.0', release: '10.0.22631' };

describe('npm start', () => {
  it.each([
    ['Linux with Node 20, since Node 24 comes with the packages', linux],
    ['Linux on arm64', { ...linux, arch: 'arm64' }],
    ['Linux with the oldest glibc', { ...linux, glibc: '2.35' }],
    ['macOS', mac],
    ['the oldest macOS', { ...mac, release: '22.6.0' }],
    ['Windows', windows],
    ['Windows on arm64', { ...windows, arch: 'arm64' }],
  ])('works on %s', (_machine, machine) => {
    expect(obstacle(machine)).toBeUndefined();
  });

  it.each([
    ['Node 18', { ...linux, node: '18.20.0' }, /Node\.js 20\.9 or later.*18\.20\.0/],
    ['macOS with Node 20', { ...mac, node: '20.20.2' }, /Node\.js 22\.18 or later.*20\.20\.2/],
    ['Windows with Node 22.12', { ...windows, node: '22.12.0' }, /Node\.js 22\.18 or later/],
    ['Alpine', { platform: 'linux', arch: 'x64', node: '24.0.0', release: '6.1.0' }, /glibc.*Alpine.*node:24-slim/],
    ['Debian 11', { ...linux, glibc: '2.31' }, /glibc 2\.35 or later, and this is 2\.31/],
    ['an older macOS', { ...mac, release: '21.6.0' }, /macOS 13\.5/],
    ['FreeBSD', { ...linux, platform: 'freebsd' }, /freebsd x64.*workerd/],
    ['a Raspberry Pi of 32 bits', { ...linux, arch: 'arm' }, /linux arm/],
  ])('says in one sentence why it cannot on %s, and what to do', (_machine, machine, reason) => {
    const said = obstacle(machine) ?? '';
    expect(said).toMatch(reason);
    expect(said).toMatch(/; (use|install|update) [^\n]+\.$/);
    expect(said.match(/\. [A-Z]/g)).toBeNull();
  });

  it('says so where the Node of the packages was left out', () => {
    expect(nodeObstacle('24.21.0')).toBeUndefined();
    expect(nodeObstacle('20.20.2')).toMatch(/optional packages.*install Node\.js 24/);
  });
});
