import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'

/** https://github.com/multiformats/multicodec/blob/master/table.csv */
const RAW = 0x55
const SHA2_256 = 0x12

/** Under which those who are in a namespace are found: servers see a hash of it only. */
export function namespaceKey(namespace: string): CID {
  return CID.createV1(RAW, create(SHA2_256, sha256(utf8ToBytes(namespace))))
}
