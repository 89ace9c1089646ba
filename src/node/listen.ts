import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import { isPrivate } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { InvalidArgumentError } from '../errors.ts'
import { reason, systemCode } from './reason.ts'

/** @throws InvalidArgumentError naming the address that cannot be listened on, and why */
export async function listenOn(manager: TransportManager, addresses: string[]): Promise<void> {
  for (const address of addresses) {
    const parsed = parse(address)
    if (manager.listenTransportForMultiaddr(parsed) === undefined) {
      throw new InvalidArgumentError('listen', `cannot listen on ${address}: no transport here for that kind of address`)
    }
    try {
      await manager.listen([parsed])
    } catch (error) {
      throw new InvalidArgumentError('listen', `cannot listen on ${address}: ${reason(error)}`, { cause: error })
    }
  }
}

/**
 * All interfaces, IPv4 and, where the machine has it, IPv6.
 *
 * @param at - what follows the host, such as `/tcp/4747`
 * @throws InvalidArgumentError when neither family can be listened on, or a port is taken
 */
export async function listenEverywhere(manager: TransportManager, at: readonly string[]): Promise<void> {
  for (const each of at) {
    const failure = await listening(manager, `/ip4/0.0.0.0${each}`)
    const six = await listening(manager, `/ip6/::${each}`)
    if (failure !== undefined && (six !== undefined || isTaken(failure))) throw failure
  }
}

/**
 * TCP on all interfaces and on one port: the given one, or any free one when it is 0 or taken.
 *
 * @throws InvalidArgumentError when neither family can be listened on
 */
export async function listenOnPort(manager: TransportManager, port: number): Promise<void> {
  const failure = await tryPort(manager, '/ip4/0.0.0.0', port)
  const six = await tryPort(manager, '/ip6/::', boundPort(manager.getAddrs()) ?? port)
  if (failure !== undefined && six !== undefined) throw failure
}

async function tryPort(manager: TransportManager, host: string, port: number): Promise<InvalidArgumentError | undefined> {
  const failure = await listening(manager, `${host}/tcp/${port}`)
  return failure !== undefined && port !== 0 && isTaken(failure) ? await tryPort(manager, host, 0) : failure
}

/** @returns what went wrong, if it did */
async function listening(manager: TransportManager, address: string): Promise<InvalidArgumentError | undefined> {
  try {
    await listenOn(manager, [address])
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    return error
  }
}

function isTaken({ cause }: Error): boolean {
  const code = systemCode(cause)
  return code === 'EADDRINUSE' || code === 'EACCES'
}

/** An address of this machine's own is one it can be reached at: libp2p would have others say so first. */
export function confirmOwn(manager: TransportManager, addresses: AddressManager): void {
  for (const address of manager.getAddrs()) {
    const host = address.getComponents()[0]?.name
    if ((host === 'ip4' || host === 'ip6') && !isPrivate(address)) addresses.confirmObservedAddr(address, { type: 'transport' })
  }
}

/** The TCP port (not: WebSocket) that is listened on, to be asked for again at the next start. */
export function boundPort(addresses: Multiaddr[]): number | undefined {
  for (const address of addresses) {
    const parts = address.getComponents()
    if (parts.length === 2 && parts[1]?.name === 'tcp') return Number(parts[1].value)
  }
}

function parse(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (error) {
    throw new InvalidArgumentError('listen', `not a multiaddr: ${address} (like /ip4/0.0.0.0/tcp/4747)`, { cause: error })
  }
}
