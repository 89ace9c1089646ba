/**
 * The one API that every face sees: the terminal, the page, the one-shot commands. Its local implementation is client/local.ts;
 * rpc-server.ts and rpc-client.ts carry the same methods and events as JSON-RPC 2.0.
 */

import type { Author, Held, Member, MemberChange, Message, Profile, Room, RoomCheck, SafetyNumber } from '../chat/types.ts'

export type { Author, Held, Member, MemberChange, Message, Profile, Room, RoomCheck, SafetyNumber }

export interface Peer {
  peerId: string
  addresses: string[]
  via: 'direct' | 'relay'
  direction: 'inbound' | 'outbound'
  latencyMs?: number
  /** Ids of the rooms we share. */
  rooms: string[]
}

/** `fix`: what to do, where it is not ok. */
export interface Check {
  name: string
  ok: boolean
  detail: string
  fix?: string
}

export interface Status {
  version: string
  peerId: string
  account: string
  name: string
  addresses: string[]
  /** Peers with an open connection. */
  connections: number
  /** `reserved`: others can reach this device through it; `registered`: in how many rooms it helps others find it; `problem`: why not. */
  relays: { address: string; connected: boolean; reserved: boolean; registered: number; problem?: string }[]
  rooms: Room[]
}

export interface ClientEvents {
  ready: { peerId: string; account: string; addresses: string[]; rooms: Room[]; pid: number }
  message: Message
  /** Of messages of one's own: who holds them has changed. The newest 50 of a room; `history` says it of all. */
  delivery: { room: string; id: string } & Held
  member: { room: string; member: Member; change: MemberChange }
  peer: { peerId: string; change: 'connected' | 'disconnected'; via: 'direct' | 'relay' }
  /**
   * History comes in: told when it begins, then at most five times a second; and when it is over. `count`: messages here; `missing`: events
   * known to be lacking that were asked for, 0 at the end, and while nothing is asked for. `digest`: while running that of the beginning.
   */
  sync: { room: string; state: 'running' | 'done'; count: number; missing: number; digest: string }
  typing: { room: string; member: Member }
  reject: { reason: string; peerId?: string }
  warning: { code: string; message: string }
  closing: { reason: string }
}

/** Wherever `room` is asked for, a local name or an id does. Errors are those of errors.ts. */
export interface Client {
  status(): Promise<Status>
  /** Resolves when stored and subscribed. */
  join(params: { room: string; passphrase?: string; as?: string }): Promise<Room>
  /** Keeps the history. */
  leave(params: { room: string }): Promise<void>
  rooms(): Promise<Room[]>
  members(params: { room: string }): Promise<Member[]>
  /** Resolves once durable on disk. `action` is what `/me` sends. */
  send(params: {
    room: string
    text: string
    cid?: string
    replyTo?: string
    action?: boolean
  }): Promise<{ id: string; seq: number }>
  typing(params: { room: string }): Promise<void>
  /** In every room, until the peer stops: nobody is looking, or somebody is again. */
  away(params: { away: boolean }): Promise<void>
  /** Marks everything up to `id` as read, here only. */
  read(params: { room: string; id: string }): Promise<void>
  block(params: { who: string }): Promise<void>
  unblock(params: { who: string }): Promise<void>
  /** The newest `limit` (50, at most 1,000) in display order, oldest first. `before`, `after`: a message id, exclusive. */
  history(params: {
    room: string
    limit?: number
    before?: string
    after?: string
  }): Promise<{ messages: Message[]; more: boolean }>
  /**
   * The newest `limit` (50, at most 1,000) that match in a room, or in all joined rooms, oldest first. All words must occur, also within
   * others, whatever their case, accents and width; `"some words"` as they stand; `from:name`: by whom, the beginning of a name or
   * fingerprint. `more`: there are older messages that were not looked at, or matches that had no place. Aborted, it rejects with the
   * signal's reason.
   */
  search(
    params: { query: string; room?: string; limit?: number },
    options?: { signal?: AbortSignal },
  ): Promise<{ messages: Message[]; more: boolean }>
  digest(params: { room: string }): Promise<{ count: number; digest: string }>
  peers(): Promise<Peer[]>
  connect(params: { address: string }): Promise<Peer>
  disconnect(params: { peerId: string }): Promise<void>
  profile(params: { who?: string }): Promise<Profile>
  setProfile(params: { name?: string; bio?: string }): Promise<Profile>
  /** What a face keeps on this device: sealed, and never sent. Keys have 1 to 32 of a-z, `.` and `-`. No `value`: nothing is kept. */
  preference(params: { key: string }): Promise<{ value?: string }>
  /** Resolves once durable on disk. A text of at most 64 KiB, 32 of them in all; without `value` it is deleted. */
  setPreference(params: { key: string; value?: string }): Promise<void>
  /** A room: its signatures and chains are checked anew. A person: the safety number (60 digits) to compare aloud. */
  verify(params: { room: string } | { who: string }): Promise<RoomCheck | SafetyNumber>
  /** Layer by layer why one is not connected, and what to do. */
  doctor(): Promise<{ checks: Check[] }>
  /** A clean shutdown of the peer. */
  stop(): Promise<void>
  on<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void
  off<K extends keyof ClientEvents>(type: K, listener: (detail: ClientEvents[K]) => void): void
}
