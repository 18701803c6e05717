import type { Template } from './template.ts';

/** What each kind of model does with chats that are more than one question: a part of its template, side by side. */
export type Rules = Pick<Template, 'systemIn' | 'sameRole' | 'opens' | 'strip' | 'dropsEmptySystem'>;

type Row = readonly [
  systemIn: Rules['systemIn'],
  sameRole: Rules['sameRole'],
  opens: Rules['opens'],
  contents: 'strip' | 'keep',
  emptySystem: 'write' | 'drop',
];

/**
 * The same for all: an answer that ends the chat is left open for the model to go on; one that is empty has not been
 * begun; any other empty message is written, with nothing in it.
 */
const TABLE = {
  //                 system goes     neighbours  who opens  contents  empty system
  llama2: /*     */ ['first-user', 'merge', 'user', 'strip', 'write'],
  codeLlama70b: /**/ ['front', 'merge', 'user', 'strip', 'write'],
  llama3: /*     */ ['message', 'leave', 'anyone', 'strip', 'write'],
  llama4: /*     */ ['message', 'leave', 'anyone', 'keep', 'write'],
  mistralV1: /*  */ ['first-user', 'merge', 'user', 'keep', 'drop'],
  mistralV3: /*  */ ['last-user', 'merge', 'user', 'keep', 'drop'],
  mistralV13: /* */ ['message', 'merge', 'user', 'keep', 'write'],
  chatml: /*     */ ['message', 'leave', 'anyone', 'keep', 'write'],
  deepseek: /*   */ ['front', 'leave', 'anyone', 'keep', 'write'],
  harmony: /*    */ ['front', 'leave', 'anyone', 'keep', 'drop'],
  buffer: /*     */ ['front', 'leave', 'anyone', 'keep', 'drop'],
  plain: /*      */ ['message', 'leave', 'anyone', 'keep', 'write'],
} as const satisfies Readonly<Record<string, Row>>;

export function rulesOf(name: keyof typeof TABLE): Rules {
  const [systemIn, sameRole, opens, contents, emptySystem] = TABLE[name];
  return { systemIn, sameRole, opens, strip: contents === 'strip', dropsEmptySystem: emptySystem === 'drop' };
}
