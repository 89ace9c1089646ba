import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Printer } from '../../../src/cli/terminal/printer.ts'
import { waitFor } from '../../support/wait-for.ts'

const test = suite('cli/terminal/printer')

/** Longer than any test takes: what is not written at once is not written by itself. */
const NEVER = 1_000_000

const open: Printer[] = []

function setup(interval: number = NEVER) {
  const written: string[] = []
  const printer = new Printer(interval)
  open.push(printer)
  return { printer, written, attach: () => printer.attach((text) => written.push(text)) }
}

test.after.each(() => {
  for (const printer of open.splice(0)) printer.flush()
})

test('the first line is written at once, those that follow soon together', () => {
  const { printer, written, attach } = setup()
  attach()
  printer.print(['one'])
  assert.equal(written, ['one\n'])
  printer.print(['two', 'three'])
  printer.print(['four'])
  assert.equal(written, ['one\n'])
  printer.flush()
  assert.equal(written, ['one\n', 'two\nthree\nfour\n'])
})

test('those that follow are written by themselves after a while', async () => {
  const { printer, written, attach } = setup(1)
  attach()
  printer.print(['one'])
  printer.print(['two'])
  assert.equal(written, ['one\n'])
  await waitFor(() => written.length === 2, 'the second line')
  assert.equal(written, ['one\n', 'two\n'])
})

test('after the pause the first is written at once again', () => {
  const { printer, written, attach } = setup()
  attach()
  printer.print(['one'])
  printer.flush()
  printer.print(['two'])
  assert.equal(written, ['one\n', 'two\n'])
})

test('nothing is written where there is nothing', () => {
  const { printer, written, attach } = setup()
  attach()
  printer.flush()
  printer.print([])
  printer.flush()
  assert.equal(written, [])
})

test('what comes before there is a screen waits for it', () => {
  const { printer, written, attach } = setup()
  printer.print(['one'])
  printer.print(['two'])
  attach()
  assert.equal(written, ['one\ntwo\n'])
})

test('what comes while the screen is away waits for it, in order', () => {
  const { printer, written, attach } = setup()
  attach()
  printer.print(['one'])
  printer.print(['two'])
  printer.detach()
  printer.print(['three'])
  printer.flush()
  printer.print(['four'])
  assert.equal(written, ['one\n'])
  attach()
  assert.equal(written, ['one\n', 'two\nthree\nfour\n'])
})

test('of what waits the newest ten thousand lines are kept', () => {
  const { printer, written, attach } = setup()
  for (let n = 1; n <= 10_050; n++) printer.print([`${n}`])
  printer.print(['end'])
  attach()
  const lines = written[0]?.trimEnd().split('\n') ?? []
  assert.is(lines.length, 10_000)
  assert.is(lines[0], '52')
  assert.is(lines.at(-1), 'end')
})

test('what is no line is written between those before it and those after it', () => {
  const { printer, written, attach } = setup()
  printer.write('lost')
  attach()
  printer.print(['one'])
  printer.print(['two'])
  printer.write('\u0007')
  printer.print(['three'])
  assert.equal(written, ['one\n', 'two\n', '\u0007', 'three\n'])
})

test.run()
