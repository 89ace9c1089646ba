/** A message that somebody here wants to send: checked, before it is anything of the room's. */
import { InvalidArgumentError, TooLargeError } from '../errors.ts'
import { encodeText } from './body.ts'
import { utf8Length } from './cbor.ts'
import { MAX_TEXT_BYTES } from './constants.ts'
import { hexToBytes } from './hex.ts'

export interface SendOptions {
  /** Makes the send idempotent: the same cid answers what the first call answered, also after a crash. */
  cid?: string | undefined
  /** Id of the message answered. */
  replyTo?: string | undefined
  /** What `/me` sends. */
  action?: boolean | undefined
}

/** The payload of its body. @throws InvalidArgumentError `text`, `replyTo`; TooLargeError */
export function composeText(text: string, replyTo: string | undefined): unknown {
  if (!text.isWellFormed()) throw new InvalidArgumentError('text', 'the text is not well-formed Unicode')
  if (text === '') throw new InvalidArgumentError('text', 'the text is empty')
  if (utf8Length(text) > MAX_TEXT_BYTES)
    throw new TooLargeError('a message has at most 32 KiB of text: send a longer one in parts')
  if (replyTo !== undefined && !/^[0-9a-f]{64}$/.test(replyTo))
    throw new InvalidArgumentError('replyTo', 'replyTo is a message id: 64 hex digits')
  return encodeText({ text, replyTo: replyTo === undefined ? undefined : hexToBytes(replyTo) })
}
