/** What rooms tell the faces: plain data, the same in the library, over JSON-RPC and on the screen. */

/** Times are ISO 8601 in UTC. Ids are 64 lower-case hex. */
export interface Author {
  /** The account key in hex; the author key until that author's profile event arrives. */
  account: string
  name: string
  /** 16 hex of SHA-256(account key). */
  fingerprint: string
}

/** Who holds a message of ours, as far as they said so in this process. A claim: in open and locked rooms nobody can check it. */
export interface Held {
  /** Accounts that are known to hold it, the author's own not counted. */
  held: number
  /** Accounts heard in the last 30 days, the author's own not counted. */
  members: number
  /** Keepers that are known to hold it. */
  keepers: number
  /** There are more than 64 members, too many to follow: `held` may be more. */
  atLeast?: true
}

export interface Message {
  id: string
  /** The room's id. */
  room: string
  seq: number
  kind: 'text' | 'action' | 'unknown'
  author: Author
  text: string
  sentAt: string
  receivedAt: string
  via: 'self' | 'gossip' | 'sync'
  replyTo?: string
  /** It stands before something that was shown earlier. */
  late?: boolean
  /** Its author's clock is more than 5 minutes ahead of ours. */
  clockAhead?: boolean
  /** Of messages of one's own. Missing where nothing is known: after a start, until others have said what they hold. */
  held?: Held
}

export interface Room {
  /** 32 hex: the room tag. */
  id: string
  /** Its local name. */
  name: string
  kind: 'open' | 'locked'
  /** Two words from the room tag, to compare aloud: a wrong room passphrase cannot be told from an empty room. */
  check: string
  /** Accounts that have written here, oneself included. */
  members: number
  online: number
  /** Messages. */
  count: number
  unread: number
}

export interface Member extends Author {
  role: 'member'
  online: boolean
  /** Online, and nobody is looking at any of the devices. */
  away?: true
  self: boolean
  lastSeen?: string
}

/** What can happen to a member. `away`, `back`: of one who is online. `online`, `offline`, `left`: of one of the devices. */
export type MemberChange = 'joined' | 'left' | 'online' | 'offline' | 'profile' | 'away' | 'back'

export interface Profile extends Author {
  bio?: string
}

export interface RoomCheck {
  room: string
  /** Events whose chain, signature and seal were checked. */
  events: number
  authors: number
  /** Authors with two events at one place in their log. */
  forks: number
  ok: boolean
}

export interface SafetyNumber extends Author {
  safetyNumber: string
}

/** What a room knows of how it does. Times in milliseconds. */
export interface RoomFacts {
  name: string
  topic: string
  /** Connected peers that are in it. */
  mates: number
  /** People heard in the last 30 days or known by profile, oneself counted. */
  members: number
  /** Since the last sync that came to its end. */
  syncedAgo: number | undefined
  /** Why the last one broke, if it did. */
  syncProblem: string | undefined
  /** How far the clocks of others are ahead of this device's. */
  skew: { ahead: number; of: number } | undefined
}
