import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AUTHOR_COLOURS, styleFor } from '../../src/cli/style.ts'

const test = suite('cli/style')

const tty = (depth: number): { isTTY: boolean; getColorDepth: () => number } => ({ isTTY: true, getColorDepth: () => depth })

/** Relative luminance (WCAG 2.2) of a colour of the 6x6x6 cube. */
function luminance(colour: number): number {
  const levels = [0, 95, 135, 175, 215, 255]
  const at = colour - 16
  const [red, green, blue] = [Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map((level) => {
    const part = (levels[level] ?? 0) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

test('every author can be read on black and on white', () => {
  for (const colour of AUTHOR_COLOURS) {
    const light = luminance(colour)
    assert.ok((light + 0.05) / 0.05 >= 3.9, `${colour} on black`)
    assert.ok(1.05 / (light + 0.05) >= 3.9, `${colour} on white`)
  }
})

test('there is no colour off a terminal, with NO_COLOR or on a dumb one', () => {
  for (const style of [
    styleFor({}, {}),
    styleFor({ isTTY: false, getColorDepth: () => 24 }, {}),
    styleFor(tty(24), { NO_COLOR: '1' }),
    styleFor(tty(24), { TERM: 'dumb' }),
    styleFor(tty(1), {}),
  ]) {
    assert.is(style.format('red', 'x'), 'x')
    assert.is(style.author('a', 'x'), 'x')
  }
})

test('an account keeps its colour, and not all have the same', () => {
  const style = styleFor(tty(24), { NO_COLOR: '' })
  assert.is(style.author('a', 'x'), style.author('a', 'x'))
  const seen = new Set(Array.from({ length: 50 }, (_, n) => style.author(`account ${n}`, 'x')))
  assert.ok(seen.size > 10)
})

test('a terminal of 16 colours gets one of them', () => {
  assert.match(styleFor(tty(4), {}).author('a', 'x'), /^\u001b\[1;3[1-6]mx\u001b\[22;39m$/)
})

test.run()
