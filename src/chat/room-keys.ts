/** Everything that follows from a room's name and its secret. docs/PROTOCOL.md, "Rooms". */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { InvalidArgumentError } from '../errors.ts'
import { FIRST_ROOM } from '../room-name.ts'
import { equalBytes } from './cbor.ts'
import { bytesToHex } from './hex.ts'
import type { Crypto } from './seams.ts'

export type RoomKind = 'open' | 'locked'

const ARGON2_MEMORY_KIB = 64 * 1024
const ARGON2_ITERATIONS = 3

/** Everything derived from a room's secret. */
export interface RoomKeys {
  kind: RoomKind
  secret: Uint8Array
  /** First 16 bytes of SHA-256(access public key): what the room is called on the wire. */
  tag: Uint8Array
  topic: string
  /** What its members are registered under at a rendezvous point: it tells nothing of the room, nor of its topic. */
  namespace: string
  /** Seals messages, and control events under a key of their own. */
  messageKey: Uint8Array
  controlKey: Uint8Array
  presenceKey: Uint8Array
  /** Ed25519: who holds the seed may sync. */
  accessSeed: Uint8Array
  accessKey: Uint8Array
}

export function openRoomSecret(canonicalName: string, crypto: Crypto): Uint8Array {
  return crypto.hkdf(utf8ToBytes(canonicalName), 'p2pnode/open/v1', 32)
}

/** Takes about a third of a second: argon2id, 64 MiB, three passes, the same for everybody, for other parameters are another room. */
export async function lockedRoomSecret(canonicalName: string, passphrase: string, crypto: Crypto): Promise<Uint8Array> {
  if (passphrase === '') throw new InvalidArgumentError('passphrase', 'the room passphrase is empty')
  const salt = crypto.sha256(utf8ToBytes(`p2pnode/locked/v1${canonicalName}`)).subarray(0, 16)
  const stretched = await crypto.argon2id(passphrase.normalize('NFKC'), salt, ARGON2_MEMORY_KIB, ARGON2_ITERATIONS)
  return crypto.hkdf(stretched, 'p2pnode/locked/v1', 32)
}

export function deriveRoomKeys(kind: RoomKind, secret: Uint8Array, crypto: Crypto): RoomKeys {
  const derive = (label: string): Uint8Array => crypto.hkdf(secret, `p2pnode/${label}/v1`, 32)
  const accessSeed = derive('access')
  const accessKey = crypto.publicKey(accessSeed)
  return {
    kind,
    secret,
    tag: tagOf(accessKey, crypto),
    topic: `p2pnode/room/${bytesToHex(derive('topic').subarray(0, 16))}`,
    namespace: `p2pnode/${bytesToHex(derive('rendezvous').subarray(0, 16))}`,
    messageKey: derive('message'),
    controlKey: derive('control'),
    presenceKey: derive('presence'),
    accessSeed,
    accessKey,
  }
}

/** What a room is called on the wire. */
export const tagOf = (accessKey: Uint8Array, crypto: Crypto): Uint8Array => crypto.sha256(accessKey).slice(0, 16)

/** The room of that name is for those around: nobody who is not in it is told of it, no keeper either. */
export const isLocal = ({ kind, secret }: RoomKeys, crypto: Crypto): boolean =>
  kind === 'open' && equalBytes(secret, openRoomSecret(FIRST_ROOM, crypto))

/** Two words (22 bits) from bytes that nobody can choose cheaply: to compare aloud. */
export function checkWords(bytes: Uint8Array): string {
  const [a = 0, b = 0, c = 0] = bytes
  const bits = (a << 16) | (b << 8) | c
  return `${wordlist[(bits >> 13) & 2047]}-${wordlist[(bits >> 2) & 2047]}`
}
