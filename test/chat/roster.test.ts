import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Roster, type RosterInit } from '../../src/chat/roster.ts'

const test = suite('chat/roster')

/** The roster of a room in which `authors` are all of one account. */
function rosterOf(authors: Iterable<string>, heardAt: (author: string) => number | undefined, online: string[] = []): Roster {
  const person = { account: 'ann', name: 'Ann', fingerprint: 'aa', bio: '' }
  return new Roster({
    members: { get: () => person, personOf: () => person, all: () => [person], authorsOf: () => authors },
    presence: { heardAt, online: new Map(online.map((author) => [author, 0])) },
    isSelf: () => false,
    isHere: () => true,
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

test.run()
