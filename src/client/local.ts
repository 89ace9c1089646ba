/** `Client` over a node in this process. */
import { ClosedError } from '../errors.ts'
import type { P2PNode } from '../p2p-node.ts'
import type { Client, ClientEvents } from './client.ts'

/** What a face can ask of a node in its own process besides. */
export interface LocalClient extends Client {
  /** Fetches no more history until the answer is called. */
  hold(): () => void
  /** Resolves with true when another member or a keeper holds everything this device wrote in its rooms, with false when `signal` aborts first. */
  waitUntilHeld(signal: AbortSignal): Promise<boolean>
}

type Listener = (detail: never) => void

const FORWARDED = ['message', 'delivery', 'member', 'sync', 'typing', 'reject', 'warning'] as const

/** What does not say itself in which room it is. */
const PLACED: ReadonlySet<string> = new Set<keyof ClientEvents>(['delivery', 'member', 'sync', 'typing'])

/** `version`: the program's. `onStop`: what `stop` does; it must end in `node.stop()`. */
export function localClient(node: P2PNode, version: string, onStop: () => Promise<void> = () => node.stop()): LocalClient {
  const listeners = new Map<string, Set<Listener>>()
  const tell = <K extends keyof ClientEvents>(type: K, detail: ClientEvents[K]): void => {
    for (const listener of listeners.get(type) ?? []) listener(detail as never)
  }
  forward(node, tell)
  return {
    status: async () => ({
      version,
      peerId: node.peerId,
      account: node.account,
      name: node.name,
      addresses: node.addresses,
      connections: node.peers().length,
      relays: node.relays(),
      rooms: node.rooms.map((room) => room.info()),
    }),
    join: async ({ room, passphrase, as }) => (await node.join(room, { passphrase, as })).info(),
    leave: ({ room }) => node.leave(room),
    rooms: async () => node.rooms.map((room) => room.info()),
    members: async ({ room }) => node.room(room).members(),
    send: async ({ room, text, cid, replyTo, action }) => node.room(room).send(text, { cid, replyTo, action }),
    typing: async ({ room }) => node.room(room).typing(),
    away: async ({ away }) => node.setAway(away),
    read: async ({ room, id }) => node.room(room).read(id),
    block: ({ who }) => node.block(who),
    unblock: ({ who }) => node.unblock(who),
    history: async ({ room, limit, before, after }) => node.room(room).page({ limit, before, after }),
    search: ({ query, room, limit }, { signal } = {}) => node.search(query, { room, limit, signal }),
    digest: async ({ room }) => node.room(room).digest(),
    peers: async () => node.peers().map((peer) => ({ ...peer, rooms: node.roomsWith(peer.peerId) })),
    connect: async ({ address }) => {
      const peer = await node.connect(address)
      return { ...peer, rooms: node.roomsWith(peer.peerId) }
    },
    disconnect: ({ peerId }) => node.disconnect(peerId),
    profile: async ({ who }) => node.profile(who),
    setProfile: async (profile) => {
      await node.setProfile(profile)
      return node.profile()
    },
    preference: async ({ key }) => {
      const value = await node.preference(key)
      return value === undefined ? {} : { value }
    },
    setPreference: ({ key, value }) => node.setPreference(key, value),
    verify: async (params) => ('room' in params ? node.room(params.room).verify() : node.safetyNumber(params.who)),
    doctor: async () => ({ checks: await node.doctor() }),
    stop: onStop,
    hold: () => node.hold(),
    on(type, listener) {
      const set = listeners.get(type) ?? new Set<Listener>()
      listeners.set(type, set.add(listener as Listener))
    },
    off(type, listener) {
      listeners.get(type)?.delete(listener as Listener)
    },
    async waitUntilHeld(signal) {
      try {
        await Promise.all(node.rooms.map((room) => room.held(signal)))
        return true
      } catch (error) {
        if (signal.aborted || error instanceof ClosedError) return false
        throw error
      }
    },
  }
}

function forward(node: P2PNode, tell: <K extends keyof ClientEvents>(type: K, detail: ClientEvents[K]) => void): void {
  for (const type of FORWARDED) {
    node.addEventListener(type, (event: Event) => {
      const { room, detail } = (event as CustomEvent<{ room?: { id: string }; detail: object }>).detail
      const placed = PLACED.has(type) ? { room: room?.id, ...detail } : detail
      tell(type, placed as ClientEvents[typeof type])
    })
  }
  node.addEventListener('peer', ({ detail }) => tell('peer', detail))
}
