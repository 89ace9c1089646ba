/** id, whois, verify, profile, block, unblock. */
import type { Client } from '../../client/client.ts'
import { UsageError } from '../../view/explain.ts'
import { formatProfile, formatVerified } from '../../view/format.ts'
import { NameBook } from '../../view/names.ts'
import { type Context, noStore, withPeer, withStore } from '../context.ts'
import { dataDirExists } from '../data-dir.ts'
import { EXIT, ExitError } from '../exit.ts'
import { recoveryPhrase } from '../runtime.ts'
import { storePassphrase } from '../secret.ts'

/** What `profile set` can set. */
const PROFILE_KEYS = ['name', 'bio'] as const

export async function id(context: Context, { phrase }: { phrase?: boolean }): Promise<void> {
  if (phrase === true) return await showPhrase(context)
  const { io, settings } = context
  const { own, peerId } = await withStore(context, async (client) => {
    const [own, { peerId }] = await Promise.all([client.profile({}), client.status()])
    return { own, peerId }
  })
  if (settings.json === true) return io.json({ ...own, peerId })
  for (const line of formatProfile(own)) io.data(line)
  if (peerId !== '') io.data(`peer id      ${peerId}`)
}

/** Only from the store itself: a running peer gives it to nobody. */
async function showPhrase(context: Context): Promise<void> {
  const { io, settings, dataDir } = context
  if (!dataDirExists(dataDir)) throw noStore(dataDir)
  const words = await storePassphrase(context, (passphrase) => recoveryPhrase({ dataDir, passphrase }))
  if (settings.json === true) return io.json({ phrase: words })
  io.say('Whoever has these words is you. Write them down, keep them from everybody:')
  io.data(words)
}

export async function whois(context: Context, who: string): Promise<void> {
  const { io, settings } = context
  const found = await withStore(context, async (client) => await client.profile({ who: await person(client, who) }))
  if (settings.json === true) return io.json(found)
  for (const line of formatProfile(found)) io.data(line)
}

/** Ends with 1 if a room's signatures or chains do not hold. */
export async function verify(context: Context, subject: string): Promise<void> {
  const { io, settings } = context
  if (subject.trim() === '') throw new UsageError('verify needs a room or a person')
  const result = await withStore(context, async (client) => {
    const wanted = subject.normalize('NFKC').trim().replace(/^#/, '').toLowerCase()
    const room = (await client.rooms()).find(({ id, name }) => name === wanted || id === wanted)
    return await client.verify(room === undefined ? { who: await person(client, subject) } : { room: room.id })
  })
  if (settings.json === true) io.json(result)
  else for (const line of formatVerified('room' in result ? { ...result, room: subject } : result)) io.data(line)
  if ('ok' in result && !result.ok) throw new ExitError(EXIT.FAILURE)
}

export async function profile(context: Context, [verb, ...pairs]: string[]): Promise<void> {
  const { io, settings } = context
  if (verb !== undefined && verb !== 'set') throw new UsageError('usage: p2pnode profile [set key=value…]')
  const values = verb === 'set' ? profileValues(pairs) : undefined
  const found =
    values === undefined
      ? await withStore(context, (client) => client.profile({}))
      : await withPeer(context, (client) => client.setProfile(values))
  if (settings.json === true) return io.json(found)
  if (values !== undefined) return
  for (const line of formatProfile(found)) io.data(line)
}

function profileValues(pairs: string[]): { name?: string; bio?: string } {
  if (pairs.length === 0) throw new UsageError(`profile set needs key=value, a key being ${PROFILE_KEYS.join(' or ')}`)
  const values: { name?: string; bio?: string } = {}
  for (const pair of pairs) {
    const [, key, value = ''] = /^(\w+)=([^]*)$/.exec(pair) ?? []
    const known = PROFILE_KEYS.find((name) => name === key)
    if (known === undefined) throw new UsageError(`profile set needs key=value, a key being ${PROFILE_KEYS.join(' or ')}`)
    if (known === 'name' && value.trim() === '') throw new UsageError('a name cannot be empty')
    values[known] = value
  }
  return values
}

export async function block(context: Context, who: string): Promise<void> {
  await withPeer(context, async (client) => client.block({ who: await person(client, who) }))
}

export async function unblock(context: Context, who: string): Promise<void> {
  await withPeer(context, async (client) => client.unblock({ who: await person(client, who) }))
}

/** The account behind a name as it is shown in the chat (`bob·3f2a`), or what was typed: the peer knows names as well. */
async function person(client: Client, who: string): Promise<string> {
  if (who.trim() === '') throw new UsageError('the name is empty')
  if (!who.includes('·')) return who
  for (const { id } of await client.rooms()) {
    const names = new NameBook()
    for (const member of await client.members({ room: id })) names.add(member)
    const account = names.account(who)
    if (account !== who) return account
  }
  return who
}
