/** The addresses and ids that people and programs give. */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { InvalidArgumentError } from '../errors.ts'
import { MAX_RELAYS } from './constants.ts'
import type { PeerInit } from './index.ts'

/** @throws InvalidArgumentError naming the field */
export function parse(field: string, address: string): Multiaddr {
  try {
    const parsed = multiaddr(address)
    const id = idIn(parsed)
    if (id !== undefined) peerIdFromString(id)
    if (parsed.getComponents().length > 0) return parsed
  } catch (error) {
    throw new InvalidArgumentError(field, `not a multiaddr: ${address} (like /ip4/192.0.2.7/tcp/4747)`, { cause: error })
  }
  throw new InvalidArgumentError(field, 'an empty multiaddr')
}

/** The relays to use: none while offline. */
export function relaysOf({ relays = [], offline = false }: PeerInit): Multiaddr[] {
  const parsed = relays.map((address) => parse('relays', address))
  for (const [i, address] of parsed.entries()) {
    const text = relays[i] ?? ''
    if (isCircuit(address)) throw new InvalidArgumentError('relays', `${text} leads through a relay, and is none`)
    if (idIn(address) === undefined)
      throw new InvalidArgumentError(
        'relays',
        `${text} names no peer: a relay's address ends in /p2p/12D3KooW…, as the relay prints it`,
      )
  }
  if (parsed.length > MAX_RELAYS) throw new InvalidArgumentError('relays', `at most ${MAX_RELAYS} relays`)
  return offline ? [] : parsed
}

const isCircuit = (address: Multiaddr): boolean => address.getComponents().some(({ name }) => name === 'p2p-circuit')

export function parseId(peerId: string): PeerId {
  try {
    return peerIdFromString(peerId)
  } catch (error) {
    throw new InvalidArgumentError('peerId', `not a peer id: ${peerId}`, { cause: error })
  }
}

/** The peer that an address names: the last one, as a relayed address names the relay before. */
export function idIn(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

/** The same address, naming the peer. */
export function withId(address: Multiaddr, id: PeerId): Multiaddr {
  return idIn(address) === id.toString() ? address : address.encapsulate(`/p2p/${id}`)
}
