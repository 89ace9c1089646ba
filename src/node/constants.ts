/** Every limit of the peer, in one place. docs/LIMITS.md gives the reasons at length. */

export const second = 1_000
export const minute = 60 * second

/** A direct connection is asked for a sign of life this often, and is dead when none comes in time: a cut is noticed in 8 to 13 s. */
export const PING_INTERVAL = 4 * second
/** One to a relay, which has many of them. */
export const RELAY_PING_INTERVAL = 10 * second
/** One through a relay: that one looks itself whether both ends are there. */
export const RELAYED_PING_INTERVAL = 60 * second
/** How often it is looked which are to be asked. */
export const HEARTBEAT_LOOK = 1 * second
export const PING_TIMEOUT = 8 * second

/** Connections, both directions. Above the first figure those that serve no purpose here are closed, so newcomers find room. */
export const MAX_USELESS_CONNECTIONS = 200
export const MAX_CONNECTIONS = 300
/**
 * Half-open connections, and new ones a second from one address: an office, or a test, has everybody behind one. One address
 * alone cannot take all places: 500 a second that say nothing are 4,000 when the first of them is cut.
 */
export const MAX_PENDING_CONNECTIONS = 4_096
export const MAX_NEW_CONNECTIONS_PER_HOST = 500
/** What a peer may send on one stream before it was read, in bytes: a reader that pauses never holds more. */
export const MAX_STREAM_WINDOW = 2 * 1024 * 1024
/** A stranger must have proved a key in this time, or it is cut. */
export const UPGRADE_TIMEOUT = 8 * second
export const NEGOTIATION_TIMEOUT = 5 * second

/** How long libp2p remembers the addresses a peer told of itself: a kept peer may be away for a night. */
export const ADDRESS_MEMORY = 24 * 60 * minute

/** One address, and all addresses of a peer. */
export const ADDRESS_DIAL_TIMEOUT = 4 * second
export const DIAL_TIMEOUT = 15 * second
export const MAX_ADDRESSES_TO_DIAL = 12

/** Peers that are dialled at the same time. */
export const MAX_DIALS = 16
/** Peers that are remembered: the ones found on the LAN go first when it is too many. */
export const MAX_TARGETS = 1_024
/** Addresses given with `connect`. */
export const MAX_CONFIGURED = 64
/** Addresses remembered of one peer. */
export const MAX_HINTS = 8
/** A peer found on the LAN is dialled for as long as it was heard of in this time. */
export const DISCOVERY_TTL = 1 * minute
/** The first pause before a lost peer is dialled again; it doubles up to the second figure. */
export const FIRST_BACKOFF = 0.5 * second
export const LAST_BACKOFF = 30 * second
/** A relay that was configured is dialled at least this often: others wait behind it, and reach nobody. */
export const LAST_RELAY_BACKOFF = 5 * second
/** The first pause before a relay is asked again for a reservation that it did not give; it doubles up to the second figure. */
export const FIRST_RESERVATION_PAUSE = 0.5 * second
export const LAST_RESERVATION_PAUSE = 30 * second
/** Relays of one peer. */
export const MAX_RELAYS = 8

/** Of a relay: connections, and peers that can be reached through it; how many of these come from one /24 or /64. */
export const MAX_RELAY_CONNECTIONS = 4_096
export const MAX_RESERVATIONS = 1_024
export const MAX_RESERVATIONS_PER_NETWORK = 256
/** Connections through a relay that one peer has opened, and that were opened to it. */
export const MAX_CIRCUITS_PER_PEER = 256
/** All of them together: one takes some 20 KiB where nothing waits in it. */
export const MAX_CIRCUITS = 8_192
/**
 * Bytes that a relay has read from one side of a connection through it and the other has not taken: more are not read until half have
 * left. The sender can send one window more, which is smaller than a peer's: there are many of them.
 */
export const CARRIED_AT_ONCE = 256 * 1024
export const RELAY_STREAM_WINDOW = 512 * 1024
/** The same of all connections together, and how often it is looked at: where it is more, the fullest is ended. */
export const MAX_CARRIED_BACKLOG = 128 * 1024 * 1024
export const RELIEF_INTERVAL = 1 * second
/** A reservation is renewed five minutes before this has passed; a connection through the relay lasts as long as it is renewed. */
export const RESERVATION_TTL = 60 * minute
/** To say whom one wants to reach, and to be put through. */
export const HOP_TIMEOUT = 10 * second
/** How often a relay asks each peer for a sign of life. */
export const GUEST_PING_INTERVAL = 15 * second
/** What ends sooner than this is a failure too: the other side does not want us. */
export const SHORT_LIVED = 5 * second
/** A peer is dialled at most once in this time, however often it is heard of. */
export const MIN_REDIAL = 1 * second
/** Who dials this peer, and is nobody from the LAN or a room of ours by then, may have come to ask the DHT. */
export const STRANGER_DELAY = 3 * second
/** Of two peers that find each other at once, the one with the larger id gives the other this much time. */
export const TIE_BREAK = 2 * second
/** After `disconnect` the peer is not dialled for this long. */
export const PAUSE = 5 * minute

/** Surplus connections to one peer are looked at when they had time to be identified. */
export const SETTLE_DELAY = 1 * second
/** How long the connection to be kept has to answer before the surplus is closed. */
export const SETTLE_PING = 2 * second
/** How long what is under way on the surplus may take to come to its end. */
export const SETTLE_PATIENCE = 10 * second

/** How often it is looked on which networks this machine is. */
export const NETWORK_LOOK = 1 * second
/** A look that comes so late was delayed by sleep. */
export const SLEPT = 10 * second
/** After a change of network each connection must answer in this time. */
export const CHANGE_PROBE = 2 * second
/** Who is lost so soon after a change of network is dialled at once. */
export const HURRY = 5 * second

/** How often scores and gossip streams are looked at. */
export const WATCH_INTERVAL = 1 * second
/** A connected peer that lost its gossip stream gets a new one after this many looks, and is cut when it gives none back. */
export const MISSING_OUTBOUND_LOOKS = 1
export const MISSING_INBOUND_LOOKS = 20
/** A flooder is refused for this long. */
export const SCORE_BAN = 5 * minute
export const MAX_BANS = 4_096

/** A run is at most 256 KiB; one gossip frame carries several when a peer asks for what it missed. */
export const MAX_GOSSIP_FRAME = 4 * 1024 * 1024
/** What a slow peer may leave unread before messages to it are dropped (sync brings them later). */
export const MAX_GOSSIP_BACKLOG = 16 * 1024 * 1024
/** A message is forwarded at some moment within this time, in milliseconds. */
export const FORWARD_DELAY = 20
/** Messages to be forwarded; more are forwarded at once. */
export const MAX_UNFORWARDED = 1_024
/** Rejected messages in quick succession that put a peer below the gray line; half are forgiven in 6.6 s. */
export const TOLERATED_REJECTS = 20

/** How often the LAN is asked who is there. */
export const LAN_INTERVAL = 5 * second
/** Answers on one interface, and reports of one peer, are at least this far apart. */
export const LAN_MIN_GAP = 1 * second
/** Addresses taken from one answer. */
export const LAN_MAX_ADDRESSES = 8
