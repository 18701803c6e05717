import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { isSampled, readTraceSettings } from '../../src/traces/settings.ts';

const ENDPOINT = 'https://collector.example/otlp/';
const read = (env: Record<string, string>) => readTraceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, ...env });

describe('the variables of OpenTelemetry', () => {
  it('say where spans go, with which headers and names', () => {
    const { collector, warnings } = read({
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi, x-scope=a%2Cb,x-raw=100%',
      OTEL_SERVICE_NAME: 'mine',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,team=a',
    });
    expect(warnings).toEqual([]);
    expect(collector).toEqual({
      url: 'https://collector.example/otlp/v1/traces',
      headers: { authorization: 'Basic YTpi', 'x-scope': 'a,b', 'x-raw': '100%' },
      resource: { 'service.name': 'mine', team: 'a' },
      sampler: { byParent: true, ratio: 1 },
    });
    const own = read({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/x',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2',
    });
    expect(own.collector).toMatchObject({ url: 'http://127.0.0.1:4318/x', headers: { b: '2' } });
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, undefined],
    [{ OTEL_SDK_DISABLED: 'TRUE' }, undefined],
    [{ OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://me:s3cret-word@collector.example' }, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 's3cret-word' }, 'OTEL_EXPORTER_OTLP_HEADERS'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=s3cret-word%0Ab' }, 'OTEL_EXPORTER_OTLP_HEADERS'],
  ])('%j: no traces', (env, named) => {
    const { collector, warnings, mistakes } = read(env as unknown as Record<string, string>);
    expect([collector, mistakes]).toEqual([undefined, []]);
    expect(warnings).toEqual(named === undefined ? [] : [expect.stringContaining(named)]);
    expect(warnings.join()).not.toContain('s3cret-word');
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL'],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, 'OTEL_TRACES_SAMPLER'],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, 'OTEL_TRACES_SAMPLER_ARG'],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'nonsense' }, 'OTEL_RESOURCE_ATTRIBUTES'],
  ])('%j is a warning, and traces are sent', (env, named) => {
    const { collector, warnings } = read(env as unknown as Record<string, string>);
    expect(collector).toBeDefined();
    expect(warnings).toEqual([expect.stringContaining(named)]);
  });

  it('are not needed, and CHASQUI_TRACE_PROVIDERS is a switch', () => {
    expect(readTraceSettings({})).toEqual({ toProviders: false, mistakes: [], warnings: [] });
    expect(readTraceSettings({ CHASQUI_TRACE_PROVIDERS: 'true' }).toProviders).toBe(true);
    expect(readTraceSettings({ CHASQUI_TRACE_PROVIDERS: 'yes' }).mistakes).toEqual([
      'CHASQUI_TRACE_PROVIDERS must be 1 or 0.',
    ]);
  });

  it('their credentials are taken out of errors, and one request is kept for the collector', () => {
    const config = readConfig(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20bGFuZ2Z1c2U6Y2FuYXJ5,x-dataset=ordinary-name',
      },
      fetch,
    );
    expect(config.redact('bGFuZ2Z1c2U6Y2FuYXJ5 of ordinary-name')).toBe('[redacted] of ordinary-name');
    expect(config.subrequests).toBe(readConfig({}, fetch).subrequests - 1);
  });
});

describe('a sampler', () => {
  const low = `${'f'.repeat(19)}${'0'.repeat(12)}1`;
  const high = `${'0'.repeat(19)}${'f'.repeat(13)}`;
  it.each([
    ['parentbased_always_on', undefined, high, undefined, true],
    ['parentbased_always_on', undefined, low, false, false],
    ['always_on', undefined, low, false, true],
    ['parentbased_always_off', undefined, low, true, true],
    ['parentbased_always_off', undefined, low, undefined, false],
    ['always_off', undefined, low, true, false],
    ['traceidratio', '0.5', low, false, true],
    ['traceidratio', '0.5', high, true, false],
    ['parentbased_traceidratio', '0.5', high, true, true],
    ['traceidratio', '1', high, undefined, true],
    ['traceidratio', '0', `${'0'.repeat(31)}1`, undefined, false],
  ])('%s %s', (name, share, traceId, parent, sampled) => {
    const { collector } = read({
      OTEL_TRACES_SAMPLER: name,
      ...(share === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: share }),
    });
    if (!collector) throw new Error('no collector');
    expect(isSampled(collector.sampler, traceId, parent)).toBe(sampled);
  });
});
