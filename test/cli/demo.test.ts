import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TextShow } from '../../src/cli/demo/show.ts'
import { demandOk, type Held, judge } from '../../src/cli/demo/verdict.ts'
import { EXIT, exitCodeOf } from '../../src/cli/exit.ts'
import { Io } from '../../src/cli/io.ts'
import type { Message } from '../../src/client/client.ts'
import { runCli } from '../support/run-cli.ts'
import { terminal } from '../support/screen.ts'

const test = suite('cli/demo')

const digestOf = (ids: string[]): string => createHash('sha256').update(ids.join('\n')).digest('hex')
const held = (name: string, ids: string[]): Held => ({ name, ids, told: ids, digest: digestOf(ids) })

test('who has everything once, in one order, passes', () => {
  const verdict = judge(['a', 'b'], [held('alice', ['b', 'a']), held('bob', ['b', 'a'])])
  assert.equal(verdict, { ok: true, written: 2, lost: 0, twice: 0, problems: [] })
  demandOk(verdict)
})

const FAILURES: [what: string, bob: Held, problems: string[]][] = [
  ['a lost message', held('bob', ['a']), ['bob lost 1 message', 'alice and bob have different histories']],
  ['a doubled message', held('bob', ['a', 'b', 'b']), ['bob got 2 messages twice', 'alice and bob have different histories']],
  ['a message told twice', { ...held('bob', ['a', 'b']), told: ['a', 'b', 'a'] }, ['bob got 1 message twice']],
  [
    'a message of nobody',
    held('bob', ['a', 'b', 'c']),
    ['bob has 1 message that nobody wrote', 'alice and bob have different histories'],
  ],
  ['another order', held('bob', ['b', 'a']), ['alice and bob have different histories']],
  [
    'a wrong digest',
    { ...held('bob', ['a', 'b']), digest: digestOf(['a']) },
    ['bob has a digest that is not that of its messages'],
  ],
]

for (const [what, bob, problems] of FAILURES) {
  test(`${what} fails with exit code 1, and says who has it`, () => {
    const verdict = judge(['a', 'b'], [held('alice', ['a', 'b']), bob])
    assert.equal(verdict.problems, problems)
    assert.not(verdict.ok)
    try {
      demandOk(verdict)
      assert.unreachable('it passed')
    } catch (error) {
      assert.is(exitCodeOf(error), EXIT.FAILURE)
      assert.is((error as Error).message, problems.join('; '))
    }
  })
}

function shown(columns: number): string[] {
  const { screen, streams } = terminal(columns)
  const show = new TextShow(new Io(streams))
  const message = { kind: 'text', text: 'a text that is too long for a column', author: { account: '', name: 'bob' } } as Message
  show.begin(['alice', 'bob'])
  show.row([undefined, { peer: 'bob', message, missed: true }])
  return screen.lines.slice(2)
}

test('what the peers have stands side by side where there is room, else in a line each', () => {
  assert.equal(shown(80), [`${' '.repeat(42)}+ bob: a text that is too long for a …`])
  assert.equal(shown(79), ['  bob   | + bob: a text that is too long for a column'])
})

test('only two or three can take part', async () => {
  const { code, stderr } = await runCli(['demo', '--peers', '4'])
  assert.equal([code, stderr], [2, 'p2pnode: --peers must be 2 or 3\n'])
})

test.run()
