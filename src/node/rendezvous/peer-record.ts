/** Where a peer can be reached, in its own signed words: RFC 0002 and RFC 0003 of https://github.com/libp2p/specs. */
import type { PeerId, PrivateKey } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { isLoopback } from '@libp2p/utils'
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { equalBytes } from '@noble/ciphers/utils.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { InvalidEventError, UnreachableError } from '../../errors.ts'
import { MAX_ADDRESS_BYTES, MAX_RECORD_ADDRESSES, MAX_RECORD_BYTES } from './constants.ts'
import { BYTES, readFields, VARINT } from './protobuf.ts'

/** A record whose signature was verified, by the key of the peer that it names. */
export interface OpenedRecord {
  peerId: PeerId
  /** Of two records of a peer, the newer has the larger one. */
  seq: bigint
  /** Without the peer id; those of a kind that is not known here are left out. */
  multiaddrs: Multiaddr[]
}

/**
 * The domain that an envelope is signed for, by its payload type in hex. The first is what go-libp2p and js-libp2p write, with
 * the payload type of the multicodec table; the second is what RFC 0003 says, and rust-libp2p writes.
 */
const DOMAINS: Readonly<Record<string, string>> = {
  [bytesToHex(PeerRecord.CODEC)]: PeerRecord.DOMAIN,
  [bytesToHex(utf8ToBytes('/libp2p/routing-state-record'))]: 'libp2p-routing-state',
}

/** @throws InvalidEventError when `envelope` is malformed or too large, its signature is wrong, or it is another peer's than it says */
export async function openPeerRecord(envelope: Uint8Array): Promise<OpenedRecord> {
  if (envelope.length > MAX_RECORD_BYTES) throw new InvalidEventError('a peer record that is too large')
  const { signer, payload } = await verified(envelope)
  const { id, seq, addresses } = readRecord(payload)
  if (!equalBytes(id, signer.toMultihash().bytes)) throw new InvalidEventError('a peer record by another than it names')
  return { peerId: signer, seq, multiaddrs: addresses.flatMap(known) }
}

async function verified(bytes: Uint8Array): Promise<{ signer: PeerId; payload: Uint8Array }> {
  let cause: unknown
  try {
    const envelope = RecordEnvelope.createFromProtobuf(bytes)
    const domain = DOMAINS[bytesToHex(envelope.payloadType)]
    if (domain !== undefined && (await envelope.validate(domain))) {
      return { signer: peerIdFromPublicKey(envelope.publicKey), payload: envelope.payload }
    }
  } catch (error) {
    // Also a key of a kind that no peer has.
    cause = error
  }
  throw new InvalidEventError('not an envelope that is signed as a peer record', { cause })
}

/** The addresses in an envelope that was opened before. */
export function addressesIn(envelope: Uint8Array): Multiaddr[] {
  return readRecord(RecordEnvelope.createFromProtobuf(envelope).payload).addresses.flatMap(known)
}

/** Read here because @libp2p/peer-record parses every address, however many and long they are, and none if one is unknown. */
function readRecord(payload: Uint8Array): { id: Uint8Array; seq: bigint; addresses: Uint8Array[] } {
  const record = { id: new Uint8Array(), seq: 0n, addresses: [] as Uint8Array[] }
  readFields(payload, {
    [8 + BYTES]: (from) => {
      record.id = from.bytes()
    },
    [16 + VARINT]: (from) => {
      record.seq = from.uint64()
    },
    [24 + BYTES]: (from) => {
      if (record.addresses.length === MAX_RECORD_ADDRESSES) throw new InvalidEventError('too many addresses')
      const info = from.bytes()
      readFields(info, {
        [8 + BYTES]: (field) => {
          record.addresses.push(field.bytes())
        },
      })
    },
  })
  if (record.addresses.some(({ length }) => length > MAX_ADDRESS_BYTES))
    throw new InvalidEventError('an address that is too long')
  return record
}

function known(bytes: Uint8Array): Multiaddr[] {
  try {
    const address = multiaddr(bytes)
    return address.getComponents().length > 0 ? [address] : []
  } catch {
    return []
  }
}

export interface OwnRecordComponents {
  peerId: PeerId
  privateKey: PrivateKey
  addressManager: Pick<AddressManager, 'getAddresses'>
}

/** This peer's record, signed anew when its addresses have changed. */
export class OwnRecord {
  readonly #components: OwnRecordComponents
  #seq = 0
  #sealed: { of: string; envelope: Promise<Uint8Array> } | undefined

  constructor(components: OwnRecordComponents) {
    this.#components = components
  }

  /** What is in the record: changes when the addresses do. */
  get addresses(): string {
    return this.#multiaddrs().join(' ')
  }

  /** @throws UnreachableError while this peer has no address */
  async envelope(): Promise<Uint8Array> {
    const multiaddrs = this.#multiaddrs()
    if (multiaddrs.length === 0) throw new UnreachableError('this peer has no address that it could tell others')
    const of = multiaddrs.join(' ')
    if (this.#sealed?.of !== of) this.#sealed = { of, envelope: this.#seal(multiaddrs) }
    return await this.#sealed.envelope
  }

  /** The next one is newer, be it with the same addresses. */
  renew(): void {
    this.#sealed = undefined
  }

  async #seal(multiaddrs: Multiaddr[]): Promise<Uint8Array> {
    const { peerId, privateKey } = this.#components
    // The device's own time, as the RFC allows: a peer that restarts goes on where it was.
    this.#seq = Math.max(Date.now(), this.#seq + 1)
    const record = new PeerRecord({ peerId, multiaddrs, seqNumber: BigInt(this.#seq) })
    return (await RecordEnvelope.seal(record, privateKey)).marshal()
  }

  /** Loopback addresses lead everybody else to themselves: only where there are no others, on one machine without a network. */
  #multiaddrs(): Multiaddr[] {
    const all = this.#components.addressManager
      .getAddresses()
      .map((address) => address.decapsulateCode(CODE_P2P))
      .filter(({ bytes }) => bytes.length <= MAX_ADDRESS_BYTES)
    const isOwnLoopback = (address: Multiaddr): boolean => isLoopback(address) && !isRelayed(address)
    const afar = all.filter((address) => !isOwnLoopback(address))
    return (afar.length > 0 ? afar : all).slice(0, MAX_RECORD_ADDRESSES)
  }
}

function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some(({ name }) => name === 'p2p-circuit')
}
