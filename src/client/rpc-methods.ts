/** The methods of the JSON-RPC interface: their parameters, and when each may run. */
import { InvalidArgumentError } from '../errors.ts'
import type { Client } from './client.ts'

/** A request's `params`, whose own fields were checked against the method's table; the rest of them is ignored. */
export type Params = Readonly<Record<string, unknown>>

/** Answers what a value must be when it is not. */
type Check = (value: unknown) => string | undefined

/**
 * When a request of one connection runs, so that lines written without waiting for the answers mean what they say.
 * `change`: after everything before it. `write`: after the changes before it, together with other writes. `read`: after the
 * changes and writes before it. `free`: at once. `last`: after everything before it that comes to an end soon.
 */
export type Order = 'change' | 'write' | 'read' | 'free' | 'last'

export interface Method {
  readonly order: Order
  readonly params: Readonly<Record<string, Check>>
  call(client: Client, params: Params): Promise<unknown>
}

/** Characters of a cid. */
const MAX_CID = 64
/** Messages in one answer. */
const MAX_HISTORY = 1000

const isText: Check = (value) =>
  typeof value === 'string' && value.isWellFormed() ? undefined : 'must be a string of well-formed Unicode'

const isName: Check = (value) => isText(value) ?? (value === '' ? 'must not be empty' : undefined)

const isBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false')

const isMessageId: Check = (value) =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? undefined : 'must be a message id: 64 lower-case hex digits'

const isCid: Check = (value) =>
  isName(value) ?? ([...(value as string)].length <= MAX_CID ? undefined : `must have 1 to ${MAX_CID} characters`)

const isPreferenceKey: Check = (value) =>
  typeof value === 'string' && /^[a-z.-]{1,32}$/.test(value) ? undefined : 'must be 1 to 32 of the letters a to z, . and -'

const isLimit: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_HISTORY
    ? undefined
    : `must be a whole number from 1 to ${MAX_HISTORY}`

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? undefined : check(value)

function method<K extends Exclude<keyof Client, 'on' | 'off'>>(
  name: K,
  order: Order,
  params: Readonly<Record<string, Check>>,
): [K, Method] {
  const call = (client: Client, given: Params): Promise<unknown> =>
    (client[name] as (params: Params) => Promise<unknown>).call(client, given)
  return [name, { order, params, call }]
}

const room = { room: isName }
const who = { who: isName }

/** Every method there is, by name. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  method('status', 'read', {}),
  method('join', 'change', { ...room, passphrase: optional(isName), as: optional(isName) }),
  method('leave', 'change', room),
  method('rooms', 'read', {}),
  method('members', 'read', room),
  method('send', 'write', {
    ...room,
    text: isText,
    cid: optional(isCid),
    replyTo: optional(isMessageId),
    action: optional(isBoolean),
  }),
  method('typing', 'write', room),
  method('away', 'write', { away: isBoolean }),
  method('read', 'write', { ...room, id: isMessageId }),
  method('block', 'write', who),
  method('unblock', 'write', who),
  method('history', 'read', {
    ...room,
    limit: optional(isLimit),
    before: optional(isMessageId),
    after: optional(isMessageId),
  }),
  method('search', 'read', { query: isName, room: optional(isName), limit: optional(isLimit) }),
  method('digest', 'read', room),
  method('peers', 'read', {}),
  method('connect', 'free', { address: isName }),
  method('disconnect', 'free', { peerId: isName }),
  method('profile', 'read', { who: optional(isName) }),
  method('setProfile', 'write', { name: optional(isName), bio: optional(isText) }),
  method('preference', 'read', { key: isPreferenceKey }),
  method('setPreference', 'write', { key: isPreferenceKey, value: optional(isText) }),
  method('verify', 'read', { room: optional(isName), who: optional(isName) }),
  method('doctor', 'free', {}),
  method('stop', 'last', {}),
])

/**
 * The named parameters of a method: checked, and nothing but them.
 *
 * Errors: `InvalidArgumentError`, whose `field` is the first that is wrong or missing, `params` when they are no object.
 */
export function checkParams(name: string, { params: checks }: Method, given: unknown): Params {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new InvalidArgumentError('params', 'params must be an object')
  }
  const source = new Map(Object.entries(given ?? {}))
  const params: Record<string, unknown> = {}
  for (const [field, check] of Object.entries(checks)) {
    const value = source.get(field)
    const wrong = check(value)
    if (wrong !== undefined) throw new InvalidArgumentError(field, `${field} ${value === undefined ? 'is missing' : wrong}`)
    if (value !== undefined) params[field] = value
  }
  if (name === 'verify' && (params.room === undefined) === (params.who === undefined)) {
    throw new InvalidArgumentError('room', 'either room or who must be given')
  }
  return params
}
