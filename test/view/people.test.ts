import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Member } from '../../src/client/client.ts'
import { People } from '../../src/view/people.ts'
import { author } from '../support/fake-client.ts'

const test = suite('view/people')

const person = (name: string, changes: Partial<Member> = {}, account?: string): Member => ({
  ...author(name, account),
  role: 'member',
  online: true,
  self: false,
  ...changes,
})
const names = (people: People, room: string | undefined): string[] => people.present(room).map(({ name }) => name)

test('who looks comes first, then who is away, each by name; oneself and who is gone do not count', () => {
  const people = new People()
  people.learn('r', [
    person('me', { self: true }),
    person('dora', { away: true }),
    person('carol'),
    person('Bob'),
    person('adam', { away: true }),
    person('eve', { online: false }),
  ])
  assert.equal(
    people.present('r').map(({ name, away, self }) => [name, away, self]),
    [
      ['Bob', false, false],
      ['carol', false, false],
      ['adam', true, false],
      ['dora', true, false],
    ],
  )
})

test('nobody is in a room that is not known, or in none', () => {
  const people = new People()
  people.learn('r', [person('bob')])
  assert.equal(people.present('other'), [])
  assert.equal(people.present(undefined), [])
})

test('who comes is there, who leaves is not, and whoever was is forgotten with the next list', () => {
  const people = new People()
  people.learn('r', [person('bob')])
  people.meet({ room: 'r', member: person('carol'), change: 'joined' })
  assert.equal(names(people, 'r'), ['bob', 'carol'])
  people.meet({ room: 'r', member: person('bob', { online: false }), change: 'offline' })
  assert.equal(names(people, 'r'), ['carol'])
  people.meet({ room: 'r', member: person('carol'), change: 'left' })
  assert.equal(names(people, 'r'), [], 'although he is still there elsewhere')
  assert.is(people.member('r', author('carol').account), undefined)
  people.learn('r', [person('dora')])
  assert.is(people.member('r', author('bob').account), undefined)
  assert.is(people.member('r', author('dora').account)?.name, 'dora')
})

test('who goes away comes back', () => {
  const people = new People()
  people.learn('r', [person('bob')])
  people.meet({ room: 'r', member: person('bob', { away: true }), change: 'away' })
  assert.ok(people.present('r')[0]?.away)
  people.meet({ room: 'r', member: person('bob'), change: 'back' })
  assert.not(people.present('r')[0]?.away)
})

test('people whose names look alike are told apart, in the room where both are', () => {
  const people = new People()
  const twin = person('bоb', {}, 'x')
  people.learn('r', [person('bob'), twin])
  people.learn('other', [person('bob')])
  assert.equal(names(people, 'other'), ['bob'])
  for (const name of names(people, 'r')) assert.match(name, /^b.b·[0-9a-f]{4}$/)
  assert.is(people.show('r', twin), `bоb·${twin.fingerprint.slice(0, 4)}`)
})

test('a new name is the one that is shown', () => {
  const people = new People()
  people.learn('r', [person('bob')])
  people.meet({ room: 'r', member: person('rob', {}, author('bob').account), change: 'profile' })
  assert.equal(names(people, 'r'), ['rob'])
  assert.equal(people.names('r').all(), ['rob'])
})

test('a name is fit to be shown', () => {
  const people = new People()
  people.learn('r', [person('\u001b[31mb\u202eob\n')])
  assert.equal(names(people, 'r'), ['bob'])
})

test('of a room that was left nothing is kept', () => {
  const people = new People()
  people.learn('r', [person('bob')])
  people.forget('r')
  assert.equal(people.present('r'), [])
  assert.equal(people.names('r').all(), [])
})

test.run()
