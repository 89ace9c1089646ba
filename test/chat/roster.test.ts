import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Roster, type RosterInit } from '../../src/chat/roster.ts'

const test = suite('chat/roster')

/** The roster of a room in which `authors` are all of one account. */
function rosterOf(authors: Iterable<string>, heardAt: (author: string) => number | undefined, online: string[] = []): Roster {
  const person = { account: 'ann', name: 'Ann', fingerprint: 'aa', bio: '' }
  return new Roster({
    members: { get: () => person, personOf: () => person, all: () => [person], authorsOf: () => authors },
    presence: { heardAt, where: (author: string) => (online.includes(author) ? 'here' : 'offline') },
    isSelf: () => false,
    isHere: () => true,
    isAway: () => false,
  } as unknown as RosterInit)
}

test('who was heard under several keys was last seen under the one heard last, and is online under any', () => {
  const times: Record<string, number> = { first: 5_000, second: 9_000, third: 1_000 }
  const roster = rosterOf(['first', 'second', 'third', 'silent'], (author) => times[author], ['third'])
  assert.equal([roster.get('ann').lastSeen, roster.get('ann').online], [new Date(9_000).toISOString(), true])
})

test('who was never heard has not been seen', () => {
  const { lastSeen, online } = rosterOf(['silent'], () => undefined).get('ann')
  assert.equal([lastSeen, online], [undefined, false])
})

test('somebody may have had more keys than a function takes arguments', () => {
  const authors = Array.from({ length: 300_000 }, (_, n) => String(n))
  assert.is(rosterOf(authors, Number).get('ann').lastSeen, new Date(299_999).toISOString())
})

type Places = Record<string, 'here' | 'away' | 'offline'>

/** The roster of a room in which everybody is one person, who may be oneself on a device that is `own`. */
function rosterAt(places: Places, own?: 'here' | 'away' | 'offline'): Roster {
  const person = { account: 'ann', name: 'Ann', fingerprint: 'aa', bio: '' }
  return new Roster({
    members: { get: () => person, personOf: () => person, all: () => [person], authorsOf: () => Object.keys(places) },
    presence: { heardAt: () => undefined, where: (author: string) => places[author] ?? 'offline' },
    isSelf: () => own !== undefined,
    isHere: () => own !== 'offline',
    isAway: () => own === 'away',
  } as unknown as RosterInit)
}

test('a person is away when all the devices are that are online', () => {
  const cases: [Places, own: 'here' | 'away' | 'offline' | undefined, online: boolean, away: true | undefined][] = [
    [{ a: 'away', b: 'offline' }, undefined, true, true],
    [{ a: 'away', b: 'away' }, undefined, true, true],
    [{ a: 'away', b: 'here' }, undefined, true, undefined],
    [{ a: 'offline', b: 'offline' }, undefined, false, undefined],
    [{ a: 'away' }, 'away', true, true],
    [{ a: 'away' }, 'here', true, undefined],
    [{ a: 'here' }, 'away', true, undefined],
    [{ a: 'offline' }, 'away', true, true],
    [{ a: 'away' }, 'offline', false, undefined],
  ]
  for (const [places, own, online, away] of cases) {
    const member = rosterAt(places, own).get('ann')
    assert.equal([member.online, member.away], [online, away], JSON.stringify([places, own]))
  }
})

test('what is told of a device, and of the person: away with the last device that was here, back with the first', () => {
  const cases: [was: 'here' | 'away' | 'offline', is: 'here' | 'away' | 'offline', other: Places[string], told: string][] = [
    ['here', 'away', 'offline', 'away'],
    ['here', 'away', 'away', 'away'],
    ['here', 'away', 'here', ''],
    ['away', 'here', 'away', 'back'],
    ['away', 'here', 'here', ''],
    ['offline', 'away', 'offline', 'online'],
    ['offline', 'away', 'here', 'online'],
    ['offline', 'here', 'away', 'online back'],
    ['here', 'offline', 'away', 'offline away'],
    ['away', 'offline', 'here', 'offline'],
    ['away', 'offline', 'offline', 'offline'],
  ]
  for (const [was, is, other, told] of cases) {
    const change = is === 'offline' ? 'offline' : was === 'offline' ? 'online' : is === 'away' ? 'away' : 'back'
    assert.is(rosterAt({ a: is, b: other }).changes('a', change, was).join(' '), told, `${was} ${is} beside ${other}`)
  }
})

test('of oneself the same is told, with the devices one has elsewhere', () => {
  const told = (own: 'here' | 'away' | 'offline', other: Places[string]): string =>
    rosterAt({ b: other }, own).ownChanges('ann').join(' ')
  assert.equal(
    [told('away', 'offline'), told('here', 'offline'), told('away', 'here'), told('here', 'away'), told('offline', 'away')],
    ['away', 'back', '', 'back', ''],
  )
})

test.run()
