/** Every limit of the rendezvous, in one place. docs/LIMITS.md gives the reasons at length. */
import { minute, second } from '../constants.ts'

export { second } from '../constants.ts'

/** https://github.com/libp2p/specs/blob/master/rendezvous/README.md, r3 */
export const PROTOCOL = '/rendezvous/1.0.0'

const hour = 60 * minute

/** How long a registration lasts, in milliseconds: when nothing is asked for, and what may be asked for. All three are the spec's. */
export const DEFAULT_TTL = 2 * hour
export const MIN_TTL = 2 * hour
export const MAX_TTL = 72 * hour

/** Of UTF-8. */
export const MAX_NAMESPACE_BYTES = 255
/** A signed peer record in its envelope; what it may hold. An RSA key and its signature take 1 KiB. */
export const MAX_RECORD_BYTES = 4 * 1024
export const MAX_RECORD_ADDRESSES = 32
export const MAX_ADDRESS_BYTES = 256

/** One message to a point: a record, a namespace, a cookie. */
export const MAX_REQUEST_BYTES = 8 * 1024
/** One message from a point: others allow as much. */
export const MAX_ANSWER_BYTES = 1024 * 1024
/** Registrations that are read from one answer, and that a point gives in one. */
export const MAX_READ_REGISTRATIONS = 1_000
export const MAX_ANSWER_REGISTRATIONS = 100
/** Of a point's cookie; ours have 44. */
export const MAX_COOKIE_BYTES = 1024
/** What may be received of a stream and not yet read, besides one message. */
export const MAX_UNREAD_BYTES = 32 * 1024

/** What a point keeps: in all, of one peer, and from one IPv4 /24 or IPv6 /64. */
export const MAX_REGISTRATIONS = 10_000
export const MAX_NAMESPACES_PER_PEER = 64
export const MAX_REGISTRATIONS_PER_BLOCK = 256
/** Streams of one connection. */
export const MAX_STREAMS = 8
/** Requests of one connection: at once, and a second. Enough for 64 namespaces that are registered and looked at four times. */
export const REQUEST_BURST = 512
export const REQUEST_RATE = 8
/** A request, an answer to be taken, or the end of a stream is waited for this long. */
export const STREAM_TIMEOUT = 10 * second

/** A point has this much time for one request. */
export const REQUEST_TIMEOUT = 10 * second
/** Requests to one point under way. */
export const MAX_IN_FLIGHT = 4
/** Points that are asked, and namespaces that are kept at them; of these, 64 are registered at each point. */
export const MAX_POINTS = 64
export const MAX_NAMESPACES = 512
/** Registrations asked for in one look. */
export const LOOK_LIMIT = 50
/** After joining, or when a point connects: at once, and these times later. Two that start together meet within seconds. */
export const FIRST_LOOKS = [0, 1 * second, 3 * second, 8 * second]
/** Then this often for each namespace, plus or minus a quarter; with many namespaces, one of them in this time. */
export const LOOK_INTERVAL = 30 * second
export const LOOK_GAP = 0.5 * second
/** The first pause after a failure; it doubles up to the second figure. */
export const FIRST_RETRY = 2 * second
export const LAST_RETRY = 5 * minute
/** A registration is renewed half way through its time, and not more often than this, whatever a point grants. */
export const MIN_RENEWAL = 1 * minute
/** How long a peer that stops waits for its registrations to be taken back. */
export const GOODBYE_TIMEOUT = 1 * second
