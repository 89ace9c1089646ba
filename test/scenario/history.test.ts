import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RoomEvents } from '../../src/index.ts'
import { waitFor } from '../support/wait-for.ts'
import { converged, mates, textsIn, toldBy, warningsOf, withNodes } from './support.ts'

const test = suite('scenario/history')

test('a message written before anybody is connected reaches who comes later, once', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const room = await ann.join('harbour')
    for (const text of ['one', 'two', 'three']) await room.send(text)
    const bob = await nodes.start('bob', [ann])
    const his = await bob.join('Harbour')
    const told = toldBy(his)
    await converged([room, his], 3)
    assert.equal(await textsIn(his), ['one', 'two', 'three'])
    assert.equal(
      told.map(({ text, via }) => [text, via]),
      ['one', 'two', 'three'].map((text) => [text, 'sync']),
    )
    const members = await waitFor(() => (his.members().length === 2 ? his.members() : undefined), 'both to be members')
    assert.equal(members.map(({ self }) => self).sort(), [false, true])
  }))

test('who comes late is told how far it has come: the count grows, what is missing falls to nothing', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const room = await ann.join('harbour')
    const text = 'x'.repeat(2_000)
    await Promise.all(Array.from({ length: 6_000 }, () => room.send(text)))
    const bob = await nodes.start('bob', [ann])
    const told: RoomEvents['sync']['detail'][] = []
    bob.addEventListener('sync', ({ detail: { detail } }) => told.push(detail))
    const his = await bob.join('harbour')
    await converged([room, his], 6_000)
    await waitFor(() => told.some(({ state }) => state === 'done'), 'the end of the sync')
    const running = told.slice(
      0,
      told.findIndex(({ state }) => state === 'done'),
    )
    assert.ok(running.length >= 2 && (running[running.length - 1]?.count ?? 0) > 0, `${running.length} times`)
    assert.ok(running.every(({ state, count, missing }) => state === 'running' && count + missing <= 6_001))
    for (const [i, { count, missing }] of running.slice(1).entries()) {
      const before = running[i] as (typeof running)[number]
      assert.ok(count >= before.count && missing <= before.missing, JSON.stringify(running))
    }
    const { count, missing, digest } = told[running.length] as (typeof told)[number]
    assert.equal({ count, digest, missing }, { ...room.digest(), missing: 0 })
  }))

test('what was written apart is one history after a member comes back', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const hers = await ann.join('harbour')
    let bob = await nodes.start('bob', [ann])
    let his = await bob.join('harbour')
    await mates(hers, 1)
    await hers.send('together')
    await converged([hers, his], 1)
    await nodes.stop(bob)
    await waitFor(() => hers.mates().length === 0, 'Ann to be alone')
    for (let i = 0; i < 20; i++) await hers.send(`ann ${i}`)
    bob = await nodes.start('bob', [], {})
    his = bob.room('harbour')
    for (let i = 0; i < 20; i++) await his.send(`bob ${i}`)
    await bob.connect(ann.addresses[0] as string)
    await converged([hers, his], 41)
    assert.equal(new Set(await textsIn(his)).size, 41)
    assert.equal((await hers.verify()).forks, 0)
  }))

test('a room that was left is there again when it is joined again, and nobody is taken for a forger', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const bob = await nodes.start('bob', [ann])
    const [hers, his] = [await ann.join('harbour'), await bob.join('harbour')]
    const warnings = [...[ann, bob].map(warningsOf)]
    await his.send('before')
    await converged([hers, his], 1)
    await bob.leave('harbour')
    assert.throws(() => bob.room('harbour'), /not in a room/)
    await hers.send('meanwhile')
    const again = await bob.join('harbour')
    assert.is((await textsIn(again))[0], 'before', 'the history was kept')
    const { seq } = await again.send('after')
    assert.is(seq, 2, 'a new log, behind its profile')
    await converged([hers, again], 3)
    assert.equal(warnings.flat(), [])
    assert.is((await hers.verify()).forks, 0)
    assert.is(hers.members().length, 2, 'it is the same person')
  }))

test('a restart keeps the history, the order, the name and the answer to a cid', () =>
  withNodes(async (nodes) => {
    let ann = await nodes.start('ann', [], { name: 'Ann' })
    let room = await ann.join('harbour')
    const first = await room.send('once', { cid: 'c1' })
    await room.send('twice')
    const digest = room.digest()
    const { account, peerId } = ann
    await nodes.stop(ann)
    ann = await nodes.start('ann')
    room = ann.room('harbour')
    assert.equal([ann.account, ann.peerId, ann.name], [account, peerId, 'Ann'])
    assert.equal(room.digest(), digest)
    assert.equal(await room.send('once', { cid: 'c1' }), first)
    const error = await room.send('something else', { cid: 'c1' }).catch((cause: Error) => cause)
    assert.is((error as Error).name, 'CidReusedError')
    assert.is((await room.send('thrice')).seq, 4)
    const bob = await nodes.start('bob', [ann])
    await converged([room, await bob.join('harbour')], 3)
  }))

test('with the right passphrase one is in the room, with a wrong one in another that is empty', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const [bob, eve] = [await nodes.start('bob', [ann]), await nodes.start('eve', [ann])]
    const room = await ann.join('vault', { passphrase: 'correct horse' })
    await room.send('the secret')
    const [right, wrong, open] = [
      await bob.join('vault', { passphrase: 'correct horse' }),
      await eve.join('vault', { passphrase: 'wrong horse' }),
      await eve.join('vault', { as: 'open-vault' }),
    ]
    await converged([room, right], 1)
    assert.is(right.info().check, room.info().check)
    assert.is.not(wrong.info().check, room.info().check)
    assert.equal([wrong.digest().count, open.digest().count, wrong.mates().length, wrong.info().kind], [0, 0, 0, 'locked'])
    await wrong.send('anybody?')
    await right.send('yes')
    await converged([room, right], 2)
    assert.equal([wrong.digest().count, open.digest().count], [1, 0])
  }))

test('a burst of 2,100 messages from three nodes is one history of 2,100', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const bob = await nodes.start('bob', [ann])
    const eve = await nodes.start('eve', [ann, bob])
    const rooms = await Promise.all([ann, bob, eve].map((node) => node.join('harbour')))
    for (const room of rooms) await mates(room, 2)
    const told = rooms.map(toldBy)
    const sent = await Promise.all(rooms.flatMap((room, r) => Array.from({ length: 700 }, (_, i) => room.send(`${r}/${i}`))))
    await converged(rooms, 2_100)
    const ids = sent.map(({ id }) => id).sort()
    for (const each of told) assert.equal(each.map(({ id }) => id).sort(), ids, 'each was told of once')
  }))

test('a copied data directory goes on under keys of its own, beside the original', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const hers = await ann.join('harbour')
    const bob = await nodes.start('bob', [ann])
    await (await bob.join('harbour')).send('before the copy')
    await converged([hers, bob.room('harbour')], 1)
    await nodes.stop(bob)
    await nodes.copy('bob', 'copy')
    const warnings = warningsOf(ann)
    const original = await nodes.start('bob', [ann])
    const copy = await nodes.start('copy', [ann])
    const strange = warningsOf(copy)
    assert.is(original.peerId, bob.peerId)
    assert.is.not(copy.peerId, bob.peerId)
    assert.is(copy.account, bob.account)
    await Promise.all([original.room('harbour').send('from the original'), copy.room('harbour').send('from the copy')])
    await converged([hers, original.room('harbour'), copy.room('harbour')], 3)
    assert.equal([warnings, strange], [[], ['COPIED']])
    assert.equal([(await hers.verify()).forks, hers.members().length], [0, 2])
  }))

test('a data directory put back to an earlier state: nothing is lost, both histories are kept, everybody is warned', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const hers = await ann.join('harbour')
    const bob = await nodes.start('bob', [ann])
    await (await bob.join('harbour')).send('before the copy')
    await converged([hers, bob.room('harbour')], 1)
    await nodes.stop(bob)
    await nodes.copy('bob', 'copy')
    const warnings = warningsOf(ann)
    const original = await nodes.start('bob', [ann])
    await original.room('harbour').send('from the original')
    await converged([hers, original.room('harbour')], 2)
    await nodes.stop(original)
    await nodes.putBack('copy', 'bob')
    const earlier = await nodes.start('bob')
    const strange = warningsOf(earlier)
    await earlier.room('harbour').send('from the past')
    await earlier.connect(ann.addresses[0] as string)
    await converged([hers, earlier.room('harbour')], 3)
    assert.equal((await textsIn(hers)).sort(), ['before the copy', 'from the original', 'from the past'])
    assert.equal([warnings.includes('FORK'), strange.includes('OWN_FORK')], [true, true])
    await earlier.room('harbour').send('under a new key')
    await converged([hers, earlier.room('harbour')], 4)
    assert.equal([(await hers.verify()).forks, hers.members().length], [1, 2])
  }))

test('a repaired data directory goes on under a new key: nobody knows what its log has lost', () =>
  withNodes(async (nodes) => {
    const ann = await nodes.start('ann')
    const hers = await ann.join('harbour')
    let bob = await nodes.start('bob', [ann])
    await (await bob.join('harbour')).send('before')
    await converged([hers, bob.room('harbour')], 1)
    await nodes.stop(bob)
    await nodes.repair('bob')
    bob = await nodes.start('bob')
    const { seq } = await bob.room('harbour').send('after')
    assert.is(seq, 2, 'a new log, behind its profile')
    await bob.connect(ann.addresses[0] as string)
    await converged([hers, bob.room('harbour')], 2)
    assert.equal([(await hers.verify()).forks, hers.members().length], [0, 2])
  }))

test.run()
