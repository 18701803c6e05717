import { crc32 as zlibCrc32 } from 'node:zlib';
import { array, assert, constantFrom, property, string, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from './bedrock/crc32.ts';
import { type Ask, estimate, PLAIN, readPrompt, type Turn, think } from './brain/index.ts';
import { fill } from './brain/schema.ts';

const ask = (question: string, rest: Partial<Ask> = {}): Ask => ({
  ...PLAIN,
  model: 'llama-2-70b-chat',
  turns: [{ role: 'user', text: question }],
  ...rest,
});
const answer = (question: string, rest?: Partial<Ask>): string => think(ask(question, rest)).pieces.join('');

describe("the examples of Meta's guide", () => {
  it.each([
    ['The typical color of the sky is: ', /^blue/],
    ['which model version are you?', /Llama/],
    ['What is the capital of the California?', /Sacramento/],
    ['Explain the pros and cons of using PyTorch.', /documentation[\s\S]*steep learning curve/],
    [
      'Your role is a machine learning expert who gives highly technical advice to senior engineers who work with complicated datasets. Explain the pros and cons of using PyTorch.',
      /autograd[\s\S]*layers/,
    ],
    ['Explain the latest advances in large language models to me.', /2017/],
    ["Text: This was the best movie I've ever seen! \n The sentiment of the text is: ", /positive/],
    ['Text: The director was trying too hard. \n The sentiment of the text is: ', /negative/],
    ['Who lived longer Elvis Presley or Mozart?', /^Mozart/],
    [
      "Who lived longer Elvis Presley or Mozart? Let's think through this carefully, step by step.",
      /Elvis lived longer/,
    ],
    ['What was the temperature in Menlo Park on December 12th, 2023?', /don't have access/],
    [
      "Given the following information: 'The temperature in Menlo Park was 51 degrees Fahrenheit on 2023-12-12'', respond to: 'What is the temperature in Menlo Park on 2023-12-12?'",
      /was 51 degrees Fahrenheit/,
    ],
    [
      "Given the following information: 'The temperature in Menlo Park was unknown temperature on 2023-07-18'', respond to: 'What is the temperature in Menlo Park on 2023-07-18?'",
      /not able to provide/,
    ],
    ['What time is my dinner reservation on Saturday and what should I wear?', /not able to access/],
    ["Give me the zip code for Menlo Park in JSON format with the field 'zip_code'", /^\{"zip_code": 94025\}$/],
  ])('%s', (question, expected) => {
    expect(answer(question)).toMatch(expected);
  });

  it('keeps to twelve words', () => {
    const words = answer('Describe quantum physics in one short sentence of no more than 12 words').split(' ');
    expect(words.length).toBeLessThanOrEqual(12);
  });

  it('cites nothing that is too old', () => {
    const cited = answer(
      'Explain the latest advances in large language models to me. Always cite your sources. Never cite sources older than 2020.',
    ).match(/\d{4}/g);
    expect(cited?.every((year) => Number(year) >= 2020)).toBe(true);
  });

  it('writes a program that comes to the right result', () => {
    const code = answer('\n    # Python code to calculate: ((-5 + 93 * 4 - 0) * (4^4 + -7 + 0 * 5))\n    ');
    const [, a, b] = /num1 = (.+)\nnum2 = (.+)\n/.exec(code) ?? [];
    expect(Function(`return ${a} * ${b}`)()).toBe(91383);
    expect(code).toMatch(/print\(answer\)/);
  });

  it('remembers what was said, and learns a form from examples', () => {
    const turns: Turn[] = [
      { role: 'user', text: 'My favorite color is blue.' },
      { role: 'assistant', text: "That's great to hear!" },
      { role: 'user', text: 'What is my favorite color?' },
    ];
    expect(answer('', { turns })).toBe('Sure, I can help you with that! Your favorite color is blue.');
    const shots: Turn[] = [
      { role: 'user', text: 'I liked it' },
      { role: 'assistant', text: '70% positive 30% neutral 0% negative' },
    ];
    const feeling = (text: string) => answer('', { turns: [...shots, { role: 'user', text }] });
    expect(feeling('I loved it!')).toBe('100% positive 0% neutral 0% negative');
    expect(feeling('Terrible service 0/10')).toBe('0% positive 0% neutral 100% negative');
    expect(feeling('I thought it was okay')).toMatch(/^(?!100)\d+% positive \d+% neutral/);
  });

  it('is right in most of any five warm samples, but not in all', () => {
    const question =
      'John found that the average of 15 numbers is 40.If 10 is added to each number then the mean of the numbers is?Report the answer surrounded by three backticks, for example: ```123```';
    const sample = (rest: Partial<Ask>) => /```(\d+)```/.exec(answer(question, rest))?.[1];
    const warm = Array.from({ length: 12 }, () => sample({ temperature: 0.6 }));
    for (let i = 0; i + 5 <= warm.length; i++) {
      const right = warm.slice(i, i + 5).filter((one) => one === '50').length;
      expect(right).toBeGreaterThan(2);
      expect(right).toBeLessThan(5);
    }
    expect(new Set(Array.from({ length: 5 }, () => sample({ temperature: 0.01 })))).toEqual(new Set(['50']));
    expect(sample({ temperature: 1, seed: 3 })).toBe(sample({ temperature: 1, seed: 3 }));
  });

  it('writes another haiku when it is warm, the same when it is cold', () => {
    const haiku = (temperature: number) => answer('Write a haiku about llamas', { temperature });
    expect(haiku(0.01)).toBe(haiku(0.01));
    expect(haiku(1)).not.toBe(haiku(1));
  });
});

const TURNS: readonly Turn[] = [
  { role: 'system', text: 'Answer like a pirate.' },
  { role: 'user', text: 'My favorite fruit is mango.' },
  { role: 'assistant', text: 'Noted.' },
  { role: 'user', text: 'What is my favorite fruit?' },
];
const [system, first, reply, last] = TURNS.map((turn) => turn.text);

const RENDERED: Readonly<Record<string, string>> = {
  'Llama 2': `<s>[INST] <<SYS>>\n${system}\n<</SYS>>\n\n${first} [/INST] ${reply} </s><s>[INST] ${last} [/INST]`,
  'Llama 3': `<|begin_of_text|>${TURNS.map(({ role, text }) => `<|start_header_id|>${role}<|end_header_id|>\n\n${text}<|eot_id|>`).join('')}<|start_header_id|>assistant<|end_header_id|>\n\n`,
  'Llama 4': `<|begin_of_text|>${TURNS.map(({ role, text }) => `<|header_start|>${role}<|header_end|>\n\n${text}<|eot|>`).join('')}<|header_start|>assistant<|header_end|>\n\n`,
  ChatML: `${TURNS.map(({ role, text }) => `<|im_start|>${role}\n${text}<|im_end|>\n`).join('')}<|im_start|>assistant\n`,
  'Code Llama 70B': `<s>${TURNS.map(({ role, text }) => `Source: ${role}\n\n ${text} <step> `).join('')}Source: assistant\nDestination: user\n\n `,
  "the guide's buffer": `SYSTEM: ${system}\nUSER: ${first}\nASSISTANT: ${reply}\nUSER: ${last}`,
  'the buffer in Llama 2': `[INST] <<SYS>>\n${system}\n<</SYS>>\n\nUSER: ${first}\nASSISTANT: ${reply}\nUSER: ${last} [/INST]`,
};

describe('a rendered prompt', () => {
  it.each(Object.entries(RENDERED))('is read back from the template of %s', (_, prompt) => {
    expect(readPrompt(prompt)).toEqual({ turns: TURNS, begun: '' });
  });

  it.each(Object.entries(RENDERED).filter(([name]) => !name.includes('buffer')))(
    'is gone on with from any point of the answer: %s',
    (_, prompt) => {
      const whole = answer('', { turns: TURNS });
      for (let at = 1; at < whole.length; at++) {
        const begun = prompt + (prompt.endsWith(']') ? ' ' : '') + whole.slice(0, at);
        expect(whole.slice(0, at) + answer('', readPrompt(begun))).toBe(whole);
      }
    },
  );

  it('is the text itself where it has no template', () => {
    expect(readPrompt('def f(x):').turns).toEqual([{ role: 'user', text: 'def f(x):' }]);
  });
});

describe('pieces', () => {
  it('join to the text they were cut from, whatever it is', () => {
    assert(
      property(
        string({ unit: 'binary', maxLength: 300 }),
        (text) =>
          estimate(text)
            .map((piece) => piece.text)
            .join('') === text,
      ),
    );
  });

  it('are cut in linear time', () => {
    // Quadratic time would not come to its end here, on any machine.
    for (const one of [' ', 'a', ' a', '\n \t']) {
      expect(estimate(one.repeat(500_000)).length).toBeGreaterThan(one.length * 50_000);
    }
  });
});

describe('limits', () => {
  it('cut at maxTokens, and at the first stop sequence', () => {
    expect(think(ask('write 20 words', { maxTokens: 7 }))).toMatchObject({ finish: 'length', completionTokens: 7 });
    expect(answer('count to 9', { stop: [', 7', ', 4', ''] })).toBe('1, 2, 3');
    expect(think(ask('count to 9', { stop: [', 7'] })).finish).toBe('stop');
    expect(think(ask('write 20 words')).finish).toBe('end');
  });

  it('write as many words as asked for', () => {
    expect(answer('please write 5000 words').split(' ')).toHaveLength(5000);
  });
});

describe('plain instructions', () => {
  it.each([
    ['Reply with exactly OK', 'OK'],
    ['Reply with exactly "OK" and nothing else.', 'OK'],
    ['Answer only with 42', '42'],
    ['Respond with only the word READY.', 'READY'],
    ['Please reply with exactly one word: pong', 'pong'],
    ['Reply with exactly the following text: Hello, World! How are you?', 'Hello, World! How are you?'],
    ["Reply with the word 'banana' and nothing else", 'banana'],
    ['Only reply with yes. Do not explain.', 'yes'],
    ['Say hello', 'hello'],
    ['Say this is a test', 'this is a test'],
    ['Repeat exactly: two\nlines', 'two\nlines'],
    ['What is 40 + 2?', '42'],
    ['What is 17 * 3? Respond with only the number, no words.', '51'],
    ['What is 2+2? Answer with just the number.', '4'],
    ['Your reply must be exactly: done', 'done'],
    ['Return the string "x y z" exactly.', 'x y z'],
    ['Type the letter A', 'A'],
    ['Reply with: hi', 'hi'],
    ['Answer with only yes or no: is the sky blue?', 'Yes'],
    ['What is the capital of France? Answer in one word.', 'Paris'],
    ['Repeat the word apple 3 times', 'apple apple apple'],
  ])('%j is answered word by word', (question, expected) => {
    expect(answer(question)).toBe(expected);
  });

  it.each([
    'Answer with one word: what is the largest animal?',
    'Reply in exactly three words',
    'Just say what you think of llamas?',
    'Translate "llama" to French. Reply with only the translation.',
    'Reply with one short sentence.',
    'Write a function that returns only the first element.',
    'Say hello in exactly 3 words',
  ])('%j asks for no words of its own', (question) => {
    expect(answer(question)).toMatch(/^You asked/);
  });

  it('are followed where the system gives them', () => {
    const turns: Turn[] = [
      { role: 'system', text: 'Always reply with exactly OK.' },
      { role: 'user', text: 'Hello' },
    ];
    expect(answer('', { turns })).toBe('OK');
  });

  it.each([
    ['My name is Ada Lovelace.', 'What is my name?', /Ada Lovelace/],
    ["Hi, I'm Bob", "What's my name?", /Bob/],
    ['Call me Zed.', 'Who am I?', /Zed/],
    ['Remember the code 4711', 'What is the code?', /4711/],
    ['The secret word is xylophone.', 'What was the secret word?', /xylophone/],
    ['Remember this number: 73', 'What number did I tell you?', /73/],
    ['I have a dog. My lucky number is 7', 'Tell me my lucky number.', /\b7\b/],
  ])('%j is remembered', (told, question, expected) => {
    const turns: Turn[] = [
      { role: 'user', text: told },
      { role: 'assistant', text: 'Noted.' },
      { role: 'user', text: 'And llamas hum.' },
      { role: 'assistant', text: 'They do.' },
      { role: 'user', text: question },
    ];
    expect(answer('', { turns })).toMatch(expected);
  });

  it('take the latest word about a thing', () => {
    const turns = ['My name is Ada.', 'Sorry, my name is Eve.', 'What is my name?'].map(
      (text): Turn => ({ role: 'user', text }),
    );
    expect(answer('', { turns })).toBe('Your name is Eve.');
  });
});

describe('JSON that is asked for', () => {
  const system = (text: string, question: string): Turn[] => [
    { role: 'system', text },
    { role: 'user', text: question },
  ];
  const SCHEMA = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
  };
  // What the gateway tells models that no API makes keep to a format.
  const OBJECT = 'Answer with one JSON object and nothing else: no prose, no code fence.';
  const BY_SCHEMA = `Answer with JSON that is valid under this JSON Schema and nothing else: no prose, no code fence.\n${JSON.stringify(SCHEMA)}`;
  const long =
    'Tell me everything there is to know about the llamas of Peru, their wool, and the roads that they walked.';

  it.each<[string, Partial<Ask>]>([
    ['by the request', { format: 'object', turns: [{ role: 'user', text: long }] }],
    ['by the request, with a schema', { format: SCHEMA, turns: [{ role: 'user', text: long }] }],
    ['in words', { turns: [{ role: 'user', text: `${long} Reply with a JSON object with keys "name" and "age".` }] }],
    ['in the system prompt', { turns: system(OBJECT, long) }],
    ['in the system prompt, with a schema', { turns: system(BY_SCHEMA, long) }],
  ])('%s is whole within 48 tokens', (_, how) => {
    const reply = think(ask('', { ...how, maxTokens: 48 }));
    expect(reply.finish).toBe('end');
    expect(typeof JSON.parse(reply.pieces.join(''))).toBe('object');
  });

  it('holds what the prompt says', () => {
    const person = { name: 'Jason', age: 25 };
    expect(JSON.parse(answer('Jason is 25 years old', { format: SCHEMA }))).toEqual(person);
    expect(JSON.parse(answer('', { turns: system(BY_SCHEMA, 'Jason is 25 years old') }))).toEqual(person);
    expect(JSON.parse(answer('Return JSON with keys answer, and confidence.'))).toEqual({
      answer: 'example',
      confidence: 'example',
    });
    expect(JSON.parse(answer('Only JSON: an object with a "name" field and an "age" field. Ada is 36.'))).toEqual({
      name: 'Ada',
      age: 36,
    });
    expect(JSON.parse(answer('Reply with this JSON exactly: {"ok": true}'))).toEqual({ ok: true });
    const message = { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] };
    expect(JSON.parse(answer('Reply with exactly OK', { format: message }))).toEqual({ message: 'OK' });
    expect(JSON.parse(answer('Reply with exactly OK', { format: 'object' }))).toEqual({ answer: 'OK' });
  });

  it('follows the words by which DSPy and Genkit ask for it', () => {
    const order = 'Respond with a JSON object in the following order of fields: `reasoning`, then `answer`.';
    expect(Object.keys(JSON.parse(answer(order, { format: 'object' })))).toEqual(['reasoning', 'answer']);
    const headings =
      '[[ ## text ## ]]\nThe city is Lima.\n\nRespond with the corresponding output fields, starting with the field ' +
      '`[[ ## city ## ]]`, then `[[ ## note ## ]]`, and then ending with the marker for `[[ ## completed ## ]]`.';
    expect(answer(headings)).toMatch(
      /^\[\[ ## city ## \]\]\nLima\n\n\[\[ ## note ## \]\]\n.+\n\n\[\[ ## completed ## \]\]$/,
    );
    const conform = 'Output should be in JSON format and conform to the following schema:';
    const schema = '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}';
    const fenced = `${conform}\n\n\`\`\`\n${schema}\n\`\`\`\n`;
    expect(Object.keys(JSON.parse(answer(fenced)))).toEqual(['city']);
  });
});

describe('a value for a JSON schema', () => {
  it('follows references, picks from enums, and ends where a schema does not', () => {
    const schema = {
      $defs: { node: { type: 'object', required: ['next'], properties: { next: { $ref: '#/$defs/node' } } } },
      type: 'object',
      required: ['colour', 'count', 'chain'],
      properties: {
        colour: { enum: ['red', 'green'] },
        count: { type: ['null', 'integer'], minimum: 2 },
        chain: { $ref: '#/$defs/node' },
      },
    };
    expect(fill(schema, 'a green one').value).toMatchObject({
      colour: 'green',
      count: 2,
      chain: { next: { next: {} } },
    });
  });
});

describe('the CRC of event streams', () => {
  it('is that of zlib', () => {
    assert(property(uint8Array({ maxLength: 200 }), (bytes) => crc32(bytes) === zlibCrc32(bytes)));
  });
});

describe('any conversation', () => {
  it('gets an answer, whatever was said and by whom', () => {
    const turn = constantFrom<Turn['role']>('user', 'assistant', 'system', 'tool');
    assert(
      property(array(turn, { maxLength: 5 }), string(), (roles, text) => {
        const turns = roles.map((role) => ({ role, text }));
        return answer('', { turns }).length > 0;
      }),
    );
  });
});
