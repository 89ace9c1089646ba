import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Io } from '../../../src/cli/io.ts'
import type { Action } from '../../../src/cli/terminal/key-map.ts'
import { Keyboard } from '../../../src/cli/terminal/keyboard.ts'
import { terminal } from '../../support/screen.ts'
import { waitFor } from '../../support/wait-for.ts'

const test = suite('cli/terminal/keyboard')

const open: Keyboard[] = []

function setup(before: string = '') {
  const { keyboard: stdin, streams } = terminal()
  if (before !== '') stdin.write(before)
  const actions: Action[] = []
  const keyboard = new Keyboard(new Io(streams), (read) => actions.push(...read))
  open.push(keyboard)
  return { stdin, keyboard, actions, see: (count: number) => waitFor(() => actions.length >= count, `${count} keys`) }
}

test.after.each(() => {
  for (const keyboard of open.splice(0)) keyboard.end()
})

const HELLO: Action[] = [{ kind: 'insert', text: 'hello' }, { kind: 'submit' }]

test('what was typed before the start is a line, although the terminal has made LF of Enter', async () => {
  const { actions, see } = setup('hello\n')
  await see(2)
  assert.equal(actions, HELLO)
})

test('later LF is Ctrl-J, a line of a text', async () => {
  const { stdin, actions, see } = setup()
  await waitFor(() => {
    stdin.write('\n')
    return actions.at(-1)?.kind === 'insert'
  }, 'LF to be Ctrl-J')
  actions.splice(0)
  stdin.write('one\ntwo\r')
  await see(4)
  assert.equal(actions, [
    { kind: 'insert', text: 'one' },
    { kind: 'insert', text: '\n' },
    { kind: 'insert', text: 'two' },
    { kind: 'submit' },
  ])
})

test('a character that comes in two parts is one', async () => {
  const { stdin, actions, see } = setup()
  const bytes = Buffer.from('日')
  stdin.write(bytes.subarray(0, 1))
  stdin.write(bytes.subarray(1))
  await see(1)
  assert.equal(actions, [{ kind: 'insert', text: '日' }])
})

test('a lone Esc is one when nothing follows, and a sequence in two parts is one key', async () => {
  const { stdin, actions, see } = setup()
  stdin.write('\u001b')
  await see(1)
  assert.equal(actions.splice(0), [{ kind: 'escape' }])
  stdin.write('\u001b')
  stdin.write('[A')
  await see(1)
  assert.equal(actions, [{ kind: 'up' }])
})

test('after its end no key is read, and the program may end', async () => {
  const { stdin, keyboard, actions, see } = setup()
  stdin.write('hello\r')
  await see(2)
  stdin.write('\u001b')
  await new Promise(setImmediate)
  keyboard.end()
  assert.is(stdin.listenerCount('data'), 0)
  assert.ok(stdin.isPaused())
  stdin.write('more\r')
  // What waited for the rest of a sequence waits no longer than this one.
  const later = setup()
  later.stdin.write('\u001b')
  await later.see(1)
  assert.equal(actions, HELLO)
})

test.run()
