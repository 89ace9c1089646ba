/** Rooms are opened before there is a network, and outlive it. */
import type { Network } from './seams.ts'

const nothing = (): undefined => undefined

/** No network: what is written waits on disk. */
export const OFFLINE: Network = {
  self: '',
  peerOf: () => '',
  publish: nothing,
  subscribe: nothing,
  unsubscribe: nothing,
  mates: () => [],
  onMate: nothing,
  keepers: () => [],
  onKeeper: nothing,
  open: () => Promise.reject(new Error('not on the network')),
  handle: () => Promise.resolve(),
}

/** A network that is asked for each time it is used. */
export function bindNetwork(current: () => Network): Network {
  return {
    get self() {
      return current().self
    },
    peerOf: (device) => current().peerOf(device),
    publish: (topic, bytes) => current().publish(topic, bytes),
    subscribe: (topic, validator) => current().subscribe(topic, validator),
    unsubscribe: (topic) => current().unsubscribe(topic),
    mates: (topic) => current().mates(topic),
    onMate: (listener) => current().onMate(listener),
    keepers: () => current().keepers(),
    onKeeper: (listener) => current().onKeeper(listener),
    open: (peer, protocol) => current().open(peer, protocol),
    handle: (protocol, accept) => current().handle(protocol, accept),
  }
}
