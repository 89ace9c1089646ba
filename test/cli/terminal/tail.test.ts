import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Tail } from '../../../src/cli/terminal/tail.ts'
import type { Message } from '../../../src/client/client.ts'
import type { Entry } from '../../../src/view/entry.ts'
import { plainStyle } from '../../../src/view/style.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const test = suite('cli/terminal/tail')

const author = { account: 'a', name: 'alice', fingerprint: 'f' }

function entry(id: string, via: Message['via'] = 'self'): Entry {
  const message = { id, via, kind: 'text', text: id, author, sentAt: 'no time', room: 'r' } as Message
  return { kind: 'message', message, name: 'alice', own: via === 'self', mention: false }
}

function setup(limit: number = 10) {
  const printed: string[] = []
  const clock = new VirtualClock()
  const onlyHere: string[] = []
  const tail = new Tail({
    style: plainStyle,
    columns: () => 40,
    limit: () => limit,
    print: (lines) => printed.push(...lines),
    onOnlyHere: ({ id }) => onlyHere.push(id),
    after: clock.after,
  })
  return { tail, printed, clock, onlyHere }
}

const by = (held: number, keepers = 0) => ({ held, members: 3, keepers })

test('what others write goes into the scrollback at once', () => {
  const { tail, printed } = setup()
  tail.add(entry('one', 'gossip'), false)
  tail.add({ kind: 'note', text: 'bob is here' }, false)
  assert.equal(printed, ['--:-- alice: one', 'bob is here'])
  assert.equal(tail.lines.view(), [])
})

test('a message of one’s own waits with what follows, until somebody holds it', () => {
  const { tail, printed, clock } = setup()
  tail.add(entry('mine'), false)
  tail.add(entry('theirs', 'gossip'), false)
  assert.equal(printed, [])
  assert.equal(tail.lines.view(), ['--:-- alice: mine …', '--:-- alice: theirs'])
  tail.delivered('mine', by(0))
  assert.equal(printed, [], 'that nobody holds it is no news')
  tail.delivered('mine', by(2))
  assert.equal(printed, ['--:-- alice: mine ✓2', '--:-- alice: theirs'])
  assert.equal([tail.lines.view(), clock.pending], [[], 0])
})

test('whoever holds one holds those before it; a keeper is enough', () => {
  const { tail, printed } = setup()
  tail.add(entry('first'), false)
  tail.add(entry('second'), false)
  tail.add(entry('third'), false)
  tail.delivered('second', by(0, 1))
  assert.equal(printed, ['--:-- alice: first ✓', '--:-- alice: second ✓'])
  assert.equal(tail.lines.view(), ['--:-- alice: third …'])
})

test('patience has an end: it is only here, and says so', () => {
  const { tail, printed, clock } = setup()
  tail.add(entry('mine'), false)
  clock.advance(14_999)
  assert.equal(printed, [])
  clock.advance(1)
  assert.equal(printed, ['--:-- alice: mine (only here)'])
  tail.delivered('mine', by(1)) // too late for the scrollback
  assert.is(printed.length, 1)
})

test('that nobody holds it is told of as well where it was heard before', () => {
  const { tail, printed, clock, onlyHere } = setup()
  tail.add(entry('mine'), false)
  tail.delivered('mine', by(0))
  clock.advance(15_000)
  assert.equal([printed, onlyHere], [['--:-- alice: mine (only here)'], ['mine']])
})

test('where nobody is known to be there patience is short, for somebody may just have come', () => {
  const { tail, printed, clock, onlyHere } = setup()
  tail.add(entry('mine'), true)
  tail.add(entry('mine too'), true)
  tail.delivered('mine', by(1))
  assert.equal(printed, ['--:-- alice: mine ✓'])
  clock.advance(1_999)
  assert.is(printed.length, 1)
  clock.advance(1)
  assert.equal([printed.slice(1), clock.pending], [['--:-- alice: mine too (only here)'], 0])
  assert.equal(onlyHere, ['mine too'])
})

test('what is pushed out while nobody is there is only here, as far as is known', () => {
  const { tail, printed } = setup(1)
  for (const id of ['a', 'b']) tail.add(entry(id), true)
  assert.equal(printed, ['--:-- alice: a (only here)'])
  tail.flush()
  assert.equal(printed.slice(1), ['--:-- alice: b (only here)'])
})

test('what waits never takes more lines than it may, and what is pushed out makes no claim', () => {
  const { tail, printed } = setup(3)
  for (const id of ['a', 'b', 'c', 'd']) tail.add(entry(id), false)
  assert.equal(printed, ['--:-- alice: a'])
  assert.is(tail.lines.view().length, 3)
  tail.delivered('d', by(1))
  assert.equal(printed.slice(1), ['--:-- alice: b ✓', '--:-- alice: c ✓', '--:-- alice: d ✓'])
})

test('long ones are wrapped behind the time', () => {
  const { tail, printed } = setup()
  tail.add(entry('word '.repeat(12).trim(), 'gossip'), false)
  assert.ok(printed.length === 2 && printed.every((line) => line.length <= 40), printed.join('|'))
  assert.match(printed[1] ?? '', /^ {6}word/)
})

test('at the end all of it goes into the scrollback', () => {
  const { tail, printed, clock } = setup()
  tail.add(entry('mine'), false)
  tail.add(entry('theirs', 'gossip'), false)
  tail.flush()
  assert.equal(printed, ['--:-- alice: mine', '--:-- alice: theirs'])
  assert.is(clock.pending, 0)
})

test.run()
