/** Every limit of the keeper, with its unit. docs/LIMITS.md gives the reasons. */

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/** A lease lasts this long from the last visit, and no longer than this is kept what came. */
export const LEASE_TIME = 7 * day
export const KEPT_TIME = 30 * day

/** The most that is kept. Bytes are those of encoded runs, with what a run and a room count for beyond them. */
export interface Quotas {
  roomBytes: number
  roomEvents: number
  roomAuthors: number
  /** Of the rooms that one peer was the first to ask for. */
  peerBytes: number
  peerRooms: number
  /** Of those first asked for from one network: a /24 of IPv4, a /64 of IPv6. */
  networkBytes: number
  networkRooms: number
  totalBytes: number
  totalRooms: number
}

export const QUOTAS: Quotas = {
  roomBytes: 64 * MiB,
  roomEvents: 100_000,
  roomAuthors: 1024,
  peerBytes: 256 * MiB,
  peerRooms: 64,
  networkBytes: 512 * MiB,
  networkRooms: 256,
  totalBytes: 2 * GiB,
  totalRooms: 4096,
}

/** What each room counts for besides its runs: its lease, and the horizons of its logs. */
export const ROOM_OVERHEAD = 32 * KiB
/** A room is taken only where there is at least so much space. */
export const MIN_SPACE = 1 * MiB
/** Space that is made for a room before each visit, at the cost of leases that are nobody's. */
export const SPACE_A_VISIT = 8 * MiB
/** A lease that was renewed this recently is not ended to make space. */
export const MIN_LEASE_AGE = 1 * hour
/** Characters of a network as it is stored. */
export const MAX_NETWORK_LENGTH = 64

/** Visits under way: all, those from one network, those of one peer. */
export const MAX_VISITS = 64
export const MAX_NETWORK_VISITS = 16
export const MAX_PEER_VISITS = 8
/** Streams of one connection. */
export const MAX_STREAMS = 16
/** Visits that a peer, and a network, may begin: at once, and a second. */
export const PEER_VISITS = { burst: 128, rate: 1 }
export const NETWORK_VISITS = { burst: 512, rate: 4 }
/** Bytes that a peer, and a network, may send: at once, and a second. Beyond that no more is read. */
export const PEER_BYTES = { burst: 64 * MiB, rate: 4 * MiB }
export const NETWORK_BYTES = { burst: 256 * MiB, rate: 16 * MiB }
/** What the check of a signature counts for, in bytes. */
export const RUN_COST = 4 * KiB
/** Who has sent too much is heard again after this long, in milliseconds; what is owed is paid in parts of so many bytes. */
export const THROTTLE_STEP = 250
export const THROTTLE_PART = 1 * MiB
/** A visit lasts at most this long; the next one goes on where it was. */
export const VISIT_TIME = 10 * minute
/** Peers and rooms of which it is remembered how much was served within the hour. */
export const MAX_ALLOWANCES = 16_384
/** Logs that a member may tell of in a round, and ranges that may be asked for. */
export const MAX_VISIT_ENTRIES = 20_000

/** Events in the indexes of open rooms: beyond the first nobody new is let in, beyond the second visits are ended. */
export const MAX_OPEN_EVENTS = 250_000
export const MAX_OPEN_EVENTS_GROWN = 375_000
/** Rooms whose indexes stay in memory while nobody is there. */
export const MAX_IDLE_ROOMS = 32

/** Ended leases, and what is kept for too long, are looked for this often. */
export const SWEEP_INTERVAL = 10 * minute
/** Records that are removed in one batch. */
export const REMOVALS_A_BATCH = 512

/** When to come back, in seconds: who is not on the list; who is over a quota; who comes while there is much to do. */
export const RETRY_NOT_ALLOWED = (1 * hour) / second
export const RETRY_QUOTA = (10 * minute) / second
export const RETRY_BUSY = (15 * second) / second
