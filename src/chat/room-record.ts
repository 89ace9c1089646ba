/** A room as the store remembers it. */
import { DamagedStoreError } from '../errors.ts'
import { decodeCbor, encodeCbor, isBytes, isText } from './cbor.ts'
import type { RoomKind } from './room-keys.ts'

const KINDS: readonly RoomKind[] = ['open', 'locked']

export interface RoomRecord {
  kind: RoomKind
  /** The name that people call it by, here. */
  name: string
  secret: Uint8Array
  joined: boolean
}

export function encodeRoom({ kind, name, secret, joined }: RoomRecord): Uint8Array {
  return encodeCbor([1, KINDS.indexOf(kind), name, secret, joined])
}

/** @throws DamagedStoreError */
export function decodeRoom(value: Uint8Array): RoomRecord {
  const parts = decodeCbor(value, 16)
  if (Array.isArray(parts)) {
    const [version, index, name, secret, joined] = parts as unknown[]
    const kind = KINDS[Number(index)]
    if (version === 1 && kind !== undefined && isText(name, 512) && isBytes(secret, 32) && typeof joined === 'boolean')
      return { kind, name, secret, joined }
  }
  throw new DamagedStoreError('a room in the store is malformed')
}
