/** For whom a keeper keeps. */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { MAX_KEEPER_TOKEN_BYTES } from '../../src/chat/constants.ts'
import type { Crypto } from '../../src/chat/seams.ts'
import { InvalidArgumentError } from '../../src/errors.ts'

export interface KeeperPolicy {
  /** Peer ids and room ids: those peers' rooms, and those rooms whoever asks. */
  allow?: readonly string[] | undefined
  /** A secret that the operator hands out: at most 64 bytes of UTF-8. */
  token?: string | undefined
  /** Keep for anybody as well, as long as there is space. @default false */
  open?: boolean | undefined
}

/** `allowed`: by the operator, and not to be ended to make space. */
export type Standing = 'allowed' | 'anybody' | 'refused'

export class Policy {
  readonly #allow: ReadonlySet<string>
  /** SHA-256 of the token. */
  readonly #token: Uint8Array | undefined
  readonly #open: boolean
  readonly #crypto: Crypto

  /** @throws InvalidArgumentError `token` */
  constructor({ allow = [], token, open = false }: KeeperPolicy, crypto: Crypto) {
    const bytes = token === undefined ? undefined : utf8ToBytes(token)
    if (bytes !== undefined && (bytes.length === 0 || bytes.length > MAX_KEEPER_TOKEN_BYTES))
      throw new InvalidArgumentError('token', `a keeper's token has 1 to ${MAX_KEEPER_TOKEN_BYTES} bytes`)
    this.#allow = new Set(allow)
    this.#token = bytes && crypto.sha256(bytes)
    this.#open = open
    this.#crypto = crypto
  }

  /** `room` is the room's id in hex; `token` is empty where none was shown. */
  judge(peer: string, room: string, token: Uint8Array): Standing {
    if (this.#allow.has(peer) || this.#allow.has(room) || this.#knows(token)) return 'allowed'
    return this.#open ? 'anybody' : 'refused'
  }

  /** In the same time wherever the first difference lies. */
  #knows(token: Uint8Array): boolean {
    if (this.#token === undefined) return false
    const given = this.#crypto.sha256(token)
    let difference = 0
    for (const [i, byte] of this.#token.entries()) difference |= byte ^ (given[i] as number)
    return difference === 0
  }
}
