import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_PEER_VISITS, MAX_VISIT_ENTRIES, VISIT_TIME } from '../../../bootstrap/keeper/constants.ts'
import { decodeRun, encodeRun } from '../../../src/chat/event.ts'
import { decodeKeepMessage, encodeKeepMessage, keepChallenge } from '../../../src/chat/keep-codec.ts'
import { accessChallenge, decodeMessage, encodeMessage, type SyncMessage } from '../../../src/chat/sync-codec.ts'
import { fill, idsOf, type MemoryChannel, rejection, roomKeys, Scribe } from '../../chat/support.ts'
import { ask, endOf, type Guest, guest, open, refusalOf, type Setting, setting, stored, visit, write } from './support.ts'

const test = suite('bootstrap/keeper/hostile')

/** A keeper with 20 messages of Ann's. */
async function withHistory(): Promise<{ here: Setting; ann: Guest }> {
  const here = await setting()
  const ann = await guest(here, 'ann')
  await write(ann, 20)
  await visit(here, ann)
  return { here, ann }
}

const challengeOf = async (channel: MemoryChannel): Promise<Uint8Array> => {
  const message = decodeKeepMessage((await channel.receive()) as Uint8Array)
  assert.is(message.type, 'challenge')
  return (message as { nonce: Uint8Array }).nonce
}

type Prove = (by: Guest, theirs: Uint8Array, ours: Uint8Array) => Uint8Array

/** What becomes of somebody who knows the room's access key, as every keeper does, and proves it like this. */
async function knock(here: Setting, eve: Guest, prove: Prove): Promise<string> {
  const { channel, over } = open(here, eve)
  const nonce = fill(3)
  await channel.send(encodeKeepMessage({ type: 'ask', accessKey: eve.keys.accessKey, nonce }))
  const theirs = await challengeOf(channel)
  const proof = prove(eve, theirs, nonce)
  await channel.send(encodeKeepMessage({ type: 'request', proof, seconds: 100, token: new Uint8Array(0) }))
  const error = await rejection(over)
  assert.is((await rejection(channel.receive())).message, 'reset by the other side')
  return error.message
}

const PROOFS: Record<string, Prove> = {
  'an invented proof': () => fill(9, 64),
  'a proof made with another room': ({ crypto, peer, keys }, theirs, ours) =>
    crypto.sign(roomKeys('cellar', crypto).accessSeed, keepChallenge(keys.tag, [ours, theirs], [peer, 'keeper'])),
  'a proof for another room': ({ crypto, peer, keys }, theirs, ours) =>
    crypto.sign(keys.accessSeed, keepChallenge(roomKeys('cellar', crypto).tag, [ours, theirs], [peer, 'keeper'])),
  'a proof of another peer': ({ crypto, keys }, theirs, ours) =>
    crypto.sign(keys.accessSeed, keepChallenge(keys.tag, [ours, theirs], ['ann', 'keeper'])),
  'a proof for another keeper': ({ crypto, peer, keys }, theirs, ours) =>
    crypto.sign(keys.accessSeed, keepChallenge(keys.tag, [ours, theirs], [peer, 'another'])),
  'a proof of an earlier visit': ({ crypto, peer, keys }, _theirs, ours) =>
    crypto.sign(keys.accessSeed, keepChallenge(keys.tag, [ours, fill(8)], [peer, 'keeper'])),
  'a proof made for a member': ({ crypto, peer, keys }, theirs, ours) =>
    crypto.sign(keys.accessSeed, accessChallenge('initiator', keys.tag, [ours, theirs], [peer, 'keeper'])),
}

for (const [what, prove] of Object.entries(PROOFS)) {
  test(`${what} opens nothing, and is counted`, async () => {
    const { here } = await withHistory()
    const eve = await guest(here, 'eve')
    assert.is(await knock(here, eve, prove), 'no proof of access')
    assert.equal([here.keeper.status().rejected, eve.log.size], [1, 0])
  })
}

test('an access key of small order is no key', async () => {
  const here = await setting()
  const eve = await guest(here, 'eve')
  const crypto = { ...here.crypto, isValidKey: () => false }
  const strict = await setting({ crypto })
  assert.is(
    await knock(strict, eve, ({ crypto: own, peer, keys }, theirs, ours) =>
      own.sign(keys.accessSeed, keepChallenge(keys.tag, [ours, theirs], [peer, 'keeper'])),
    ),
    'inadmissible access key',
  )
  assert.equal(strict.keeper.status().rooms, [])
})

test('who says something else than it is asked for is left', async () => {
  const { here } = await withHistory()
  const eve = await guest(here, 'eve')
  const wants = encodeMessage({
    type: 'wants',
    wants: [{ author: 'ab'.repeat(16), end: 'cd'.repeat(16), from: 1, to: 9 }],
    last: true,
  })
  for (const bytes of [
    wants,
    encodeMessage({ type: 'served' }),
    encodeKeepMessage({ type: 'granted', seconds: 1, bytes: 1 }),
    fill(0xff, 9),
    new Uint8Array(0),
  ]) {
    const { channel, over } = open(here, eve)
    await channel.send(bytes)
    assert.is((await rejection(over)).name, 'InvalidEventError')
  }
  assert.is(here.keeper.status().visits, 0)
})

test('who falls silent is left after five seconds, and after fifteen once it is let in', async () => {
  const { here } = await withHistory()
  const eve = await guest(here, 'eve')
  for (const [proved, patience] of [
    [false, 5_000],
    [true, 15_000],
  ] as const) {
    const { channel, over } = open(here, eve)
    if (proved) await ask(channel, eve)
    for (let i = 0; i < 200; i++) await Promise.resolve()
    here.clock.advance(patience - 1)
    assert.is(channel.aborted, undefined)
    here.clock.advance(1)
    assert.is((await rejection(over)).message, 'the peer fell silent')
  }
})

test('a visit is over after ten minutes, however it is drawn out', async () => {
  const { here, ann } = await withHistory()
  const { channel, over } = open(here, ann)
  await ask(channel, ann)
  await channel.receive()
  await channel.send(encodeMessage({ type: 'summary', digest: fill(1, 16), buckets: [] }))
  const nothing = encodeMessage({ type: 'pages', pages: [], last: false, more: false })
  let spent = 0
  for (; spent < VISIT_TIME && channel.aborted === undefined; spent += 10_000) {
    await channel.send(nothing)
    for (let i = 0; i < 50; i++) await Promise.resolve()
    here.clock.advance(10_000)
  }
  assert.is((await rejection(over)).message, 'a visit ends')
  assert.ok(spent > VISIT_TIME - 20_000)
})

/** What Ann's session serves, changed on its way. */
const changing =
  (change: (run: Uint8Array) => Uint8Array) =>
  (bytes: Uint8Array): Uint8Array => {
    let message: SyncMessage
    try {
      message = decodeMessage(bytes)
    } catch {
      return bytes // still asking
    }
    return message.type === 'runs' ? encodeMessage({ ...message, runs: message.runs.map(change) }) : bytes
  }

test('runs that are forged, or of another room, end the visit, and nothing of them is kept', async () => {
  const here = await setting()
  const { crypto, keeper, store } = here
  const other = new Scribe(7, roomKeys('cellar', crypto), crypto).write()
  const lies: ((run: Uint8Array) => Uint8Array)[] = [
    (run) => encodeRun({ ...decodeRun(run, crypto), signature: fill(1, 64) }),
    (run) => encodeRun({ ...decodeRun(run, crypto), author: new Scribe(9, roomKeys('harbour', crypto), crypto).key }),
    () => other,
    (run) => run.subarray(0, run.length - 3),
    () => fill(0xff, 300),
  ]
  for (const [i, lie] of lies.entries()) {
    const mallory = await guest(here, `mallory ${i}`)
    await write(mallory, 3)
    assert.is.not(await endOf(visit(here, mallory, { fromGuest: changing(lie) })), 'served')
  }
  assert.equal([await stored(store), keeper.status().rejected], [0, lies.length])
  assert.is(keeper.status().rooms[0]?.events, 0)
})

test('the same runs again are not kept again', async () => {
  const { here, ann } = await withHistory()
  const before = await stored(here.store)
  const [author] = ann.log.authors()
  const event = author?.last
  assert.ok(author !== undefined && event !== undefined)
  const bytes = (await ann.log.bytesOf(author, event.stored)) as Uint8Array
  const replay = encodeMessage({ type: 'runs', runs: Array.from({ length: 50 }, () => bytes) })
  const eve = await guest(here, 'eve')
  await visit(here, eve, {
    fromGuest: (message) => {
      try {
        return decodeMessage(message).type === 'served' ? replay : message
      } catch {
        return message
      }
    },
  }).catch(() => undefined)
  assert.equal([await stored(here.store), here.keeper.status().rooms[0]?.events], [before, 20])
})

test('who stores without end fills what is his and no more, and others are served', async () => {
  const quotas = { roomBytes: 50_000, peerBytes: 400_000, networkBytes: 2_000_000 }
  const here = await setting({ quotas: { ...quotas, peerRooms: 4 } })
  const ann = await guest(here, 'ann', { room: 'quiet' })
  await write(ann, 30)
  await visit(here, ann)
  const refused: (string | undefined)[] = []
  for (let room = 0; room < 6; room++) {
    const mallory = await guest(here, 'mallory', { room: `junk ${room}` })
    for (let round = 0; round < 6; round++) {
      await write(mallory, 40, { text: 'junk '.repeat(60), author: round % 3 })
      refused.push(await refusalOf(visit(here, mallory)))
      assert.ok((await stored(here.store)) < 4 * 50_000 + 60_000, 'the disk is bounded')
    }
  }
  assert.ok(refused.includes('peerQuota'))
  for (const { bytes } of here.keeper.status().rooms) assert.ok(bytes <= 50_000)
  const bob = await guest(here, 'bob', { room: 'quiet' })
  assert.equal([(await visit(here, bob)).outcome.received, idsOf(bob.log).length], [30, 30])
})

test('somebody who fills the room he is in loses his own messages first', async () => {
  const here = await setting({ quotas: { roomBytes: 60_000 } })
  const ann = await guest(here, 'ann')
  await write(ann, 10)
  await visit(here, ann)
  const mallory = await guest(here, 'mallory')
  for (let round = 0; round < 10; round++) {
    await write(mallory, 50, { text: 'junk '.repeat(40) })
    await visit(here, mallory)
  }
  const bob = await guest(here, 'bob')
  await visit(here, bob)
  const [hers] = ann.log.authors()
  assert.is(bob.log.author(hers?.name ?? '')?.size, 10)
  assert.ok((here.keeper.status().rooms[0]?.bytes ?? 0) <= 60_000)
})

test('of one peer eight visits are under way, of others there is room', async () => {
  const { here } = await withHistory()
  const eve = await guest(here, 'eve')
  const visits = Array.from({ length: MAX_PEER_VISITS }, () => open(here, eve))
  assert.is(await refusalOf(visit(here, eve)), 'busy')
  const bob = await guest(here, 'bob')
  assert.is((await visit(here, bob)).outcome.received, 20)
  assert.is(here.keeper.status().visits, MAX_PEER_VISITS)
  for (const { channel, over } of visits) {
    channel.abort(new Error('enough'))
    await rejection(over)
  }
  assert.is((await visit(here, eve)).outcome.received, 20)
})

test('of one network sixteen visits are under way, whatever the peers are called', async () => {
  const { here } = await withHistory()
  const network = '192.0.2.0/24'
  const visits = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => open(here, await guest(here, `eve ${i}`, { network }))),
  )
  assert.is(here.keeper.status().visits, 16)
  const answers = await Promise.all(visits.slice(16).map(({ channel }) => channel.receive()))
  for (const answer of answers) assert.is(decodeKeepMessage(answer as Uint8Array).type, 'refused')
  const bob = await guest(here, 'bob')
  assert.is((await visit(here, bob)).outcome.received, 20)
})

test('who comes back without pause is sent away for a while', async () => {
  const { here } = await withHistory()
  const eve = await guest(here, 'eve')
  let served = 0
  while ((await refusalOf(visit(here, eve))) === undefined) served++
  assert.ok(served >= 100 && served < 200, `${served}`)
  here.clock.advance(5_000)
  assert.is(await refusalOf(visit(here, eve)), undefined)
})

test('a frontier without end ends the visit', async () => {
  const { here, ann } = await withHistory()
  const { channel, over } = open(here, ann)
  await ask(channel, ann)
  await channel.receive()
  await channel.send(encodeMessage({ type: 'summary', digest: fill(1, 16), buckets: [] }))
  for (let first = 0; first <= MAX_VISIT_ENTRIES; first += 256) {
    const pages = Array.from({ length: 256 }, (_, i) => ({ author: (first + i).toString(16).padStart(32, '0'), segments: [] }))
    await channel.send(encodeMessage({ type: 'pages', pages, last: false, more: false })).catch(() => undefined)
  }
  assert.is((await rejection(over)).message, 'frontier too long')
})

test('who claims more ranges than are asked for at once is asked for so many', async () => {
  const { here, ann } = await withHistory()
  const { channel } = open(here, ann)
  await ask(channel, ann)
  const told = new Promise<number>((resolve) => {
    void (async () => {
      let wants = 0
      for (;;) {
        const message = decodeMessage((await channel.receive()) as Uint8Array)
        if (message.type !== 'wants') continue
        wants += message.wants.length
        if (message.last) return resolve(wants)
      }
    })()
  })
  await channel.send(encodeMessage({ type: 'summary', digest: fill(1, 16), buckets: [] }))
  for (let first = 0; first < 1000; first += 50) {
    const segments = Array.from({ length: 64 }, (_, i) => ({ from: 2 * i + 1, to: 2 * i + 1, end: 'ab'.repeat(16) }))
    const pages = Array.from({ length: 50 }, (_, i) => ({ author: (first + i).toString(16).padStart(32, '0'), segments }))
    await channel.send(encodeMessage({ type: 'pages', pages, last: first === 950, more: false }))
  }
  assert.is(await told, MAX_VISIT_ENTRIES)
  channel.abort(new Error('enough'))
})

test('what a peer is served in an hour is the size of the room and 64 MiB', async () => {
  const here = await setting()
  const ann = await guest(here, 'ann')
  await write(ann, 40, { text: 'x'.repeat(20_000) })
  await visit(here, ann)
  const size = ann.log.bytes
  let served = 0
  for (let round = 0; round < 90 && served < size + 64 * 2 ** 20; round++) {
    const eve = await guest(here, 'eve')
    const { outcome } = await visit(here, eve)
    served += eve.log.bytes
    if (outcome.received < 40) break
    here.clock.advance(1_000)
  }
  assert.ok(served <= size + 64 * 2 ** 20 + 30_000, `${served}`)
  assert.ok(served > 60 * 2 ** 20)
})

test.run()
