import type { ImageBlock } from '@aws-sdk/client-bedrock-runtime';
import { type Content, GatewayError, type Message } from '../../../src/core/index.ts';
import { imageBlock, imageObjection } from './image.ts';

/** A part of a turn. Text that says something: Bedrock refuses blank blocks, and so does not get any. */
export type Piece = { readonly text: string } | { readonly image: ImageBlock };

export const isBlank = (text: string): boolean => text.trim() === '';

/**
 * A content's parts, neighbouring texts joined as they are and blank ones left out.
 *
 * @param param where the caller wrote it, for the error
 */
export function piecesOf(content: Content, param: string): Piece[] {
  if (typeof content === 'string') return isBlank(content) ? [] : [{ text: content }];
  const pieces: Piece[] = [];
  let text = '';
  const flush = () => {
    if (!isBlank(text)) pieces.push({ text });
    text = '';
  };
  for (const [at, part] of content.entries()) {
    if (part.type === 'text') {
      text += part.text;
      continue;
    }
    flush();
    pieces.push({ image: imageBlock(part.url, `${param}[${at}].image_url`) });
  }
  flush();
  return pieces;
}

const wrongRole = (role: Message['role']): string =>
  `AWS Bedrock takes images from the user and from tools only, not in a message of role ${role}. Move the image.`;

/** Why a chat's images cannot all be sent, whatever the model; it looks at each image's URL, and decodes none. */
export function objectionTo(messages: readonly Message[]): { message: string; param: string } | undefined {
  for (const [n, { role, content }] of messages.entries()) {
    if (typeof content === 'string') continue;
    for (const [at, part] of content.entries()) {
      if (part.type !== 'image') continue;
      const param = `messages[${n}].content[${at}]`;
      if (role === 'system' || role === 'assistant') return { message: wrongRole(role), param };
      const message = imageObjection(part.url);
      if (message !== undefined) return { message, param: `${param}.image_url` };
    }
  }
  return undefined;
}

/** The text of a message that can have nothing else on Bedrock. */
export function textOnly(message: Message, param: string): string {
  if (typeof message.content === 'string') return message.content;
  let text = '';
  for (const [at, part] of message.content.entries()) {
    if (part.type !== 'text') {
      throw new GatewayError('unsupported_parameter', wrongRole(message.role), {
        provider: 'bedrock',
        param: `${param}[${at}]`,
      });
    }
    text += part.text;
  }
  return text;
}
