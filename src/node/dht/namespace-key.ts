import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { base32 } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import { create, decode } from 'multiformats/hashes/digest'

/** https://github.com/multiformats/multicodec/blob/master/table.csv */
const RAW = 0x55
const SHA2_256 = 0x12

/** Under which those who are in a namespace are found: servers see a hash of it only. */
export function namespaceKey(namespace: string): CID {
  return CID.createV1(RAW, create(SHA2_256, sha256(utf8ToBytes(namespace))))
}

/** The hash itself, in hex, of a key as @libp2p/kad-dht names it. */
export function hashOf(key: string): string {
  return bytesToHex(decode(base32.baseDecode(key)).digest)
}
