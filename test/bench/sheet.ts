/**
 * `npm run bench:sheet`: what laying out the offer sheet costs, for a chat of 20 messages over three models with all their
 * offers, beside the whole call that it is part of. Both in workerd, in turns; CPU of the process. Prints Markdown.
 */
import { bodiesFor } from './cases.ts';
import { load } from './load.ts';
import { median } from './measure.ts';
import { cpuMs, startUpstream, startWorker } from './processes.ts';
import { AUTHORIZATION, gatewayAt } from './workers.ts';

const ROUNDS = 7;
const TIMES = 400;

const body = JSON.parse(bodiesFor('together', 20, undefined)().toString());
const { model: first, provider: _, ...rest } = body;
const models = [first, 'llama-3-70b-instruct', 'gpt-oss-120b'];
const call = Buffer.from(JSON.stringify({ ...rest, models, provider: { order: ['together'] } }));

async function main(): Promise<void> {
  const upstream = await startUpstream();
  const gateway = await startWorker(gatewayAt(upstream));
  const sheet = await startWorker({ name: 'sheet', config: 'test/bench/sheet-worker/wrangler.toml', minify: true });
  try {
    const layOut = async (times: number): Promise<number> => {
      const url = `http://127.0.0.1:${sheet.port}/?times=${times}`;
      return Number(await (await fetch(url, { method: 'POST', body: call })).text());
    };
    const shot = {
      port: gateway.port,
      path: '/v1/chat/completions',
      headers: { authorization: AUTHORIZATION },
      body: () => call,
      ending: '"finish_reason":"stop"',
    };
    const limits = { connections: 8, ms: 900, requests: 20_000 };
    await layOut(TIMES);
    await load(shot, limits);
    const sheets: number[] = [];
    const calls: number[] = [];
    let offers = 0;
    for (let round = 0; round < ROUNDS; round++) {
      let before = cpuMs(sheet.pid);
      offers = await layOut(TIMES);
      sheets.push(((cpuMs(sheet.pid) - before) * 1000) / TIMES);
      before = cpuMs(gateway.pid);
      const answered = await load(shot, limits);
      calls.push(((cpuMs(gateway.pid) - before) * 1000) / answered);
    }
    const [one, whole] = [median(sheets), median(calls)];
    console.log('| 20 messages (8.7 KB), three models | CPU |\n| --- | ---: |');
    console.log(
      `| the sheet, ${offers} offers considered, prompts counted where a count decides something | ${one.toFixed(0)} µs |`,
    );
    console.log(`| the whole call, with its sheet | ${whole.toFixed(0)} µs |`);
    console.log(`| the call without it | ${(whole - one).toFixed(0)} µs |`);
    console.log(`| the sheet's share | ${((100 * one) / whole).toFixed(0)} % |`);
  } finally {
    await Promise.all([gateway.stop(), sheet.stop()]);
  }
}

await main();
process.exit(0);
