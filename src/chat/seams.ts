/**
 * What the chat core is handed, so that it runs in Node, in a page and in the simulator alike: crypto, clock, network. Each is
 * an interface with a real implementation elsewhere; the simulator hands in its own.
 */

/** The primitives of docs/PROTOCOL.md. All key, hash and nonce lengths are 32, 32 and 24 bytes. */
export interface Crypto {
  randomBytes(length: number): Uint8Array
  sha256(bytes: Uint8Array): Uint8Array
  /** Of all parts one after the other, each of which may be overwritten once the next is asked for. */
  sha256Of(parts: Iterable<Uint8Array>): Uint8Array
  /** Ed25519 (RFC 8032). `seed` is the 32-byte private key. */
  publicKey(seed: Uint8Array): Uint8Array
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array
  /** The cofactorless equation, S < L, as node:crypto and WebCrypto do; false for anything malformed, never a throw. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Canonical encoding of a torsion-free point: what a key must be to be admitted at all. */
  isValidKey(publicKey: Uint8Array): boolean
  /** HKDF-SHA256 (RFC 5869) without salt unless given. */
  hkdf(ikm: Uint8Array, info: string, length: number, salt?: Uint8Array): Uint8Array
  /** XChaCha20-Poly1305 with a random nonce: nonce || ciphertext || tag. */
  seal(key: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array
  /** undefined if it does not open. */
  open(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array | undefined
  /** argon2id v1.3, 32 bytes out. */
  argon2id(password: string, salt: Uint8Array, memoryKiB: number, iterations: number): Promise<Uint8Array>
}

/** Time, in milliseconds. `setTimeout` returns what cancels it. */
export interface Clock {
  /** Since 1970, as the device has it: people and other devices change it, forwards and backwards. */
  now(): number
  /** Since a moment that means nothing; never set. What tells how long ago something was, and when something is due. */
  monotonic(): number
  setTimeout(callback: () => void, milliseconds: number): () => void
}

/** What a topic validator answers: forward it; drop it silently; drop it and count it against whoever brought it. */
export type Verdict = 'accept' | 'ignore' | 'reject'

export type TopicValidator = (from: string, bytes: Uint8Array) => Verdict | Promise<Verdict>

/**
 * A message stream between two peers: whole messages, in order, or an end. `send` resolves when there is room for more (back
 * pressure), `receive` with undefined at the other side's end; both throw once the stream is broken or was aborted.
 */
export interface Channel {
  readonly peer: string
  send(message: Uint8Array): Promise<void>
  receive(): Promise<Uint8Array | undefined>
  /** Says that nothing more will be sent. */
  close(): Promise<void>
  abort(reason: Error): void
}

/** A peer that keeps ciphertext for others, as it was configured here. */
export interface KeeperPeer {
  peer: string
  /** Shows its operator's leave; at most 64 bytes. */
  token?: Uint8Array | undefined
}

/** A set of peers joined by links that come and go. Peers are named by their peer id in text form. */
export interface Network {
  readonly self: string
  /** The peer that an Ed25519 device key belongs to. */
  peerOf(device: Uint8Array): string
  /** Best effort, at most once a peer; never waits for anybody. */
  publish(topic: string, bytes: Uint8Array): void
  subscribe(topic: string, validator: TopicValidator): void
  unsubscribe(topic: string): void
  /** Connected peers that are subscribed to the topic. */
  mates(topic: string): string[]
  /** Tells of each peer that becomes a mate, and each that ceases to be one. At most one listener. */
  onMate(listener: (topic: string, peer: string, change: 'joined' | 'left') => void): void
  /** Connected peers that were configured as keepers and speak `/p2pnode/keep/1.0.0`. */
  keepers(): KeeperPeer[]
  /** Tells of each that comes, and each that goes. At most one listener. */
  onKeeper(listener: (keeper: KeeperPeer, change: 'joined' | 'left') => void): void
  /** Throws when the peer cannot be reached or does not speak the protocol. */
  open(peer: string, protocol: string): Promise<Channel>
  /** `accept` owns the channel; what it throws ends the channel and is logged, nothing more. */
  handle(protocol: string, accept: (channel: Channel) => Promise<void>): Promise<void>
}
