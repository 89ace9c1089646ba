/** Every limit of the chat core, with its unit. docs/LIMITS.md gives the reasons. */

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute
const KiB = 1024
const MiB = 1024 * KiB

/** Events in a run. */
export const MAX_RUN_EVENTS = 256
/** Bytes of an encoded run. */
export const MAX_RUN_BYTES = 256 * KiB
/** Bytes of an event's sealed body: with its header an event stays below 64 KiB. */
export const MAX_BODY_BYTES = 64 * KiB - 256
/** UTF-8 bytes of a message's text. */
export const MAX_TEXT_BYTES = 32 * KiB
/** Code points of a display name. */
export const MAX_NAME_LENGTH = 64
/** UTF-8 bytes of a profile's bio. */
export const MAX_BIO_BYTES = 1 * KiB
/** Sequence numbers are 1 <= seq < 2^48. */
export const MAX_SEQ = 2 ** 48 - 1
/** Events that an event names as its parents. */
export const MAX_PARENTS = 4
/** The smallest plaintext that is sealed; longer ones are padded by Padmé. */
export const MIN_PLAINTEXT_BYTES = 128

/** The largest hybrid clock value: what a date can show, less room for counting on. */
export const MAX_HLC = 8_640_000_000_000_000 - 2 ** 32
/** A clock further ahead than this does not pull ours: see PROTOCOL.md, Writing. */
export const MAX_CLOCK_PULL = 60 * second
/** From here a message is marked as having a clock ahead of ours. */
export const CLOCK_AHEAD = 5 * minute
/** Future clocks remembered until they are past. */
export const MAX_FUTURE_CLOCKS = 1000

/** Idempotence keys kept a room, and for how long at least. */
export const MAX_CIDS = 10_000
export const CID_LIFETIME = 7 * day
export const MAX_CID_LENGTH = 64

/** Sends waiting for a room's append queue. */
export const MAX_QUEUED_APPENDS = 10_000

/** Bytes of a message on a sync stream. */
export const MAX_SYNC_MESSAGE_BYTES = MAX_RUN_BYTES + 4 * KiB
/** Bytes read from a sync stream and not yet taken from it. */
export const MAX_SYNC_IN_FLIGHT = 1 * MiB
/** Bytes taken from a sync stream and not yet on disk. What waits longer than the collector's youngest generation lasts is dear. */
export const MAX_SYNC_UNSTORED = 256 * KiB
/** Small runs that share one message on a sync stream, in bytes. */
export const SYNC_MESSAGE_TARGET = 64 * KiB
/** Ranges of one log that one page of a frontier names. */
export const MAX_PAGE_RANGES = 64
/** Logs above which a frontier is compared by buckets first. */
export const MAX_FLAT_LOGS = 512
/** Entries of a frontier that are read in one round. */
export const MAX_FRONTIER_ENTRIES = 200_000
/** Rounds of one sync session. */
export const MAX_SYNC_ROUNDS = 64
/** A sync partner that says nothing for this long is left. */
export const SYNC_SILENCE = 15 * second
/** Who opens or answers a session must have proved access within this time. */
export const SYNC_HANDSHAKE = 5 * second
/** Mates whose pauses are remembered while they are gone. */
export const MAX_REMEMBERED_MATES = 1024
/** What was written this recently and came by sync is passed on by gossip: others may have missed it too. Runs of this size, a session. */
export const PASS_ON_AGE = 2 * minute
export const MAX_PASS_ON_BYTES = 32 * KiB
export const MAX_PASS_ON_RUNS = 64
/** Sync sessions under way in a room: opened by us, opened by others. */
export const MAX_SYNCS_OUT = 2
export const MAX_SYNCS_IN = 8
/** Syncs with one peer are this far apart; the pause doubles while they bring nothing. */
export const SYNC_PAUSE = 10 * second
export const MAX_SYNC_PAUSE = 10 * minute
/** A session that broke is tried again after this, once: until one with that peer was of use. */
export const SYNC_RETRY = 1 * second
/** A difference must last this long without arrivals before it permits a sync. */
export const SYNC_SETTLE = 3 * second
/** Without any sign of a difference a mate is compared with this often (plus or minus a quarter). */
export const SYNC_INTERVAL = 60 * second
/** How much of a sync is still to come is told at most this often. */
export const PROGRESS_INTERVAL = 0.2 * second
/** What one connection may be sent in an hour beyond the room's size, in bytes. */
export const SYNC_ALLOWANCE = 64 * MiB
export const SYNC_ALLOWANCE_PERIOD = 60 * minute

/** Beacons: the interval is max(BEACON_INTERVAL, BEACON_INTERVAL_EACH * members online) plus or minus a quarter. */
export const BEACON_INTERVAL = 30 * second
export const BEACON_INTERVAL_EACH = 0.5 * second
/** A newcomer is greeted by a beacon, but no oftener than this. */
export const BEACON_MIN_INTERVAL = 2 * second
/** After arrivals somebody says what the room holds now: the first after this long, unless another has said the same. Least, and spread. */
export const BEACON_SETTLE = 3 * second
export const BEACON_SETTLE_SPREAD = 5 * second
/** Missed intervals after which a member is offline. */
export const BEACON_MISSES = 3
/** A member whose connection closed and who is not heard again within this time is offline. */
export const OFFLINE_GRACE = 5 * second
/** Bytes of a beacon. */
export const MAX_BEACON_BYTES = 8 * KiB
/** Logs whose tips a beacon names. */
export const MAX_BEACON_TIPS = 32
/** Above this many online, presence is a number. */
export const MAX_PRESENCE = 256

/** Delivery: whoever was heard within this time is a member. */
export const MEMBER_LIFETIME = 30 * day
/** Above this many members it is "held by at least". */
export const MAX_COUNTED_MEMBERS = 64
/** Devices of members whose claims are remembered; peers and authors of whom nobody knows yet whose they are; keepers. */
export const MAX_CLAIMANTS = 128
export const MAX_STRANGERS = 64
export const MAX_KEEPERS = 16
/** Ranges that are remembered of one claimant, all logs together. */
export const MAX_CLAIMED_RANGES = 256
/** Own logs whose holders are asked for: those that were begun last. */
export const MAX_OWN_LOGS = 64
/** The newest own messages of a room are told of when somebody holds them, all at once, at most this often. */
export const MAX_TOLD_MESSAGES = 50
export const DELIVERY_INTERVAL = 0.5 * second
/** What nobody is known to hold after this time is asked for. */
export const DELIVERY_DOUBT = 10 * second

/** Per connection: signature checks and bytes over gossip, as bursts and rates a second. */
export const GOSSIP_CHECKS = { burst: 8_000, rate: 4_000 }
export const GOSSIP_BYTES = { burst: 32 * MiB, rate: 8 * MiB }
/** Per connection: author keys never seen before, over gossip. */
export const NEW_AUTHORS = { burst: 64, rate: 1 }
/** Gossiped bytes waiting for the disk, all peers together; beyond it sync brings them later. */
export const MAX_GOSSIP_IN_FLIGHT = 16 * MiB

/** History answered at once: default, most, and bytes. */
export const DEFAULT_HISTORY = 50
export const MAX_HISTORY = 1000
export const MAX_HISTORY_BYTES = 960 * KiB

/** UTF-8 bytes of what is searched for. */
export const MAX_QUERY_BYTES = 1 * KiB
/** A search reads so many messages at once, from runs of so many bytes, and looks at so many events for them. */
export const MAX_SCAN_EVENTS = 256
export const MAX_SCAN_BYTES = 4 * MiB
export const MAX_SCAN_STEPS = 10_000
/** After this long it lets others have their turn. */
export const SEARCH_SLICE = 0.02 * second

/** What faces keep on this device: how many texts, and UTF-8 bytes of each. */
export const MAX_PREFERENCES = 32
export const MAX_PREFERENCE_BYTES = 64 * KiB

/** Authors who are passed over at keepers because they have signed what does not open; the oldest are forgotten. */
export const MAX_UNREADABLE_AUTHORS = 4096

/** What each run that is kept for others counts for beyond its bytes. */
export const KEPT_RUN_OVERHEAD = 128
/** Logs of a kept room of which it is remembered up to where they were given up. */
export const MAX_HORIZONS = 4096

/** How long a member asks a keeper to keep a room. Every visit renews it. */
export const LEASE_SECONDS = (7 * day) / second
/** The longest lease and pause that can be told, in seconds. */
export const MAX_LEASE_SECONDS = (3650 * day) / second
/** Bytes of the token by which a keeper knows those whom its operator lets in. */
export const MAX_KEEPER_TOKEN_BYTES = 64
/** Visits of one keeper under way, all rooms together. */
export const MAX_KEEPER_VISITS = 4
/** A keeper is visited so long after the last own message, and at the latest so long after the first. */
export const KEEP_SETTLE = 1 * second
export const KEEP_LATEST = 5 * second
/** Visits of a keeper are at least so far apart. */
export const KEEP_PAUSE = 2 * second
/** Without any news of our own a keeper is visited this often (plus or minus a quarter): while no mate is there, and otherwise. */
export const KEEP_INTERVAL_ALONE = 60 * second
export const KEEP_INTERVAL = 10 * minute
/** A keeper that has refused is asked again after this long, doubled each time. */
export const KEEP_REFUSAL_PAUSE = 1 * minute
export const MAX_KEEP_REFUSAL_PAUSE = 60 * minute
/** What was just written is brought to the keepers before a room is closed, for so long at most. */
export const KEEP_FLUSH = 2 * second
