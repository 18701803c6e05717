/**
 * `npm run compare`: prints what a prompt would cost at every provider, by asking a running gateway for its offer
 * sheet. With `--call` it also prints the answer and its receipt. It uses nothing but the gateway's HTTP API.
 */
import { command, understood, WIDTH } from './command.ts';
import { type RunningGateway, reach } from './gateway.ts';
import { callAt, Failure, HELP, type Options, type RequestBody, readBody, readOptions } from './options.ts';
import { answer, cheapestFirst, offerList, offerTable, receiptText } from './report.ts';

const print = (text: string): void => console.log(text);

/** The route that a request body is for. */
function pathOf(body: RequestBody): string {
  if ('messages' in body) return '/v1/chat/completions';
  if ('documents' in body) return '/v1/rerank';
  return 'input' in body ? '/v1/embeddings' : '/v1/completions';
}

async function compare(options: Options, body: RequestBody, gateway: RunningGateway): Promise<void> {
  const sheet = await gateway.ask('/v1/offers', body);
  const offers = understood(offerList, sheet).data;
  const [first] = cheapestFirst(offers);
  if (!options.json) {
    print(offerTable(offers, WIDTH));
    if (gateway.sandbox) print('\nThe sandbox stands in for all providers here, at the prices of the price book.');
  }
  if (!options.call) {
    if (options.json) print(JSON.stringify(sheet, null, 2));
    return;
  }
  if (!first) throw new Failure('There is no offer to make the call at.');
  const path = pathOf(body);
  const said = await gateway.ask(path, callAt(body, first, offers), { 'x-chasqui-debug': '1' });
  if (options.json) print(JSON.stringify({ offers: sheet, answer: said }, null, 2));
  else print(`\n${receiptText(understood(answer, said), WIDTH)}`);
}

await command(async (note) => {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help) return print(HELP);
  const body = await readBody(options);
  const gateway = await reach(options, note);
  try {
    await compare(options, body, gateway);
  } finally {
    await gateway.stop();
  }
});
