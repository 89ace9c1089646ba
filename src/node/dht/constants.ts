/** Every limit of the DHT, in one place. docs/LIMITS.md gives the reasons at length. */
import { minute, second } from '../constants.ts'

const hour = 60 * minute

export const PROTOCOL = '/p2pnode/kad/1.0.0'

/** Contacts in a bucket, servers that keep a record, contacts named in an answer: Kademlia's k. */
export const K = 8
/** Requests under way on one path of a lookup, and its paths: no server is on two of them. */
export const ALPHA = 3
export const PATHS = 2
/** A server has this long to answer, the dial included; the first figure while others answer fast. */
export const MIN_REQUEST_TIMEOUT = 5 * second
export const MAX_REQUEST_TIMEOUT = 10 * second
/** All requests of one lookup, and of putting a record where it belongs. */
export const FIND_TIMEOUT = 30 * second
export const PROVIDE_TIMEOUT = 60 * second
/** A contact that failed this often in a row is none any more. */
export const MAX_FAILURES = 2

/** How long a server keeps a record that is not renewed. */
export const RECORD_TTL = 1 * hour
/** Records are renewed this often, and soon after the first time: then more of the servers are known. */
export const PROVIDE_INTERVAL = 20 * minute
export const FIRST_PROVIDES = [0, 1 * minute]
/** With many namespaces one of them is renewed, and one looked at, in this time; records are not left to expire for it. */
export const NAMESPACE_GAP = 5 * second
export const LAST_PROVIDE_INTERVAL = 40 * minute
/** The first pause after a record could be put nowhere; it doubles up to the second figure. */
export const FIRST_PROVIDE_PAUSE = 5 * second
export const LAST_PROVIDE_PAUSE = 5 * minute
/** A peer whose addresses change renews its records after this time, and has said all that changed with them. */
export const ANNOUNCE_DELAY = 2 * second

/** After joining, and when the first contact is there: at once, and these times later. */
export const FIRST_LOOKS = [0, 1 * second, 2 * second, 5 * second, 15 * second]
/** Then after this pause, which doubles up to the second figure while nobody new is found. */
export const LOOK_PAUSE = 1 * minute
export const LAST_LOOK_PAUSE = 15 * minute

/** Namespaces of this peer; lookups and renewals of them at the same time. */
export const MAX_NAMESPACES = 512
export const MAX_TASKS = 4
/** Providers taken from one look: who is in a larger room finds others in the next. */
export const MAX_FOUND = 16
/** Providers without an address that are looked up. */
export const MAX_LOOKUPS = 2
/** Providers remembered of a namespace; each is reported anew after the second figure. */
export const MAX_REPORTED = 512
export const REPORT_AGAIN = 10 * minute
/** Addresses of one peer, told or taken. */
export const MAX_ADDRESSES = 8
/** Peers whose addresses were learned from others and not yet used. */
export const MAX_LEARNED = 1_024

/** Dials under way. */
export const MAX_DIALS = 8
/** Connections that serve a question only: closed when unused for the first figure, or when there are more. */
export const ERRAND_IDLE = 8 * second
export const MAX_ERRANDS = 32
/** How often they are looked at; how long one has to close. */
export const ERRAND_INTERVAL = 2 * second
export const CLOSE_TIMEOUT = 3 * second

/** Of a server: what one stream may bring, and one answer. */
export const MAX_REQUEST_BYTES = 16 * 1024
export const MAX_RESPONSE_BYTES = 64 * 1024
/** Streams of one connection, and in all. */
export const MAX_STREAMS_PER_CONNECTION = 16
export const MAX_STREAMS = 1_024
/** Requests of one peer in this time; peers that are counted. */
export const REQUEST_WINDOW = 10 * second
export const MAX_REQUESTS_PER_WINDOW = 256
export const MAX_REQUESTERS = 4_096
/** Of what is asked for. A peer id has 38 bytes, the hash of a namespace 34. */
export const MAX_KEY_BYTES = 64

/** What a server keeps: in all, under one key, of one peer. */
export const MAX_RECORDS = 16_384
export const MAX_RECORDS_PER_KEY = 128
export const MAX_RECORDS_PER_PEER = 512
/** How often expired records are removed. */
export const SWEEP_INTERVAL = 5 * minute
/** Providers named in one answer: others are in the next. */
export const MAX_PROVIDERS_TOLD = 16

/** That this peer was dialled directly proves for this long that it can be. */
export const EVIDENCE_TTL = 1 * hour
/** A server looks for its neighbours, and for what is far, this often. */
export const UPKEEP_INTERVAL = 15 * minute
/** And these times after it became one: many start together, and know few others at first. */
export const FIRST_UPKEEPS = [1 * second, 15 * second]
