import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { anyText } from '../support/any-text.ts'
import { type OwnOutput, piecesOf, privateModes, violationsIn } from '../support/terminal-output.ts'

const test = suite('house/terminal-output')

const kinds = (bytes: Buffer | string): string[] => piecesOf(Buffer.from(bytes)).map(({ kind, body }) => `${kind} ${body}`)
const found = (text: string, own?: OwnOutput): string[] => violationsIn(Buffer.from(text), own).map(({ what }) => what)

/** Bytes as terminals get them, and hostile ones. */
const output = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      anyText({ maxLength: 10 }).map((text) => Buffer.from(text)),
      fc
        .constantFrom(
          '\u001b',
          '\u001b[',
          '\u001b]',
          '\u001bP',
          '\u001b\\',
          '\u0007',
          '\u009b',
          '3',
          ';',
          'm',
          '?',
          ' ',
          '\u0018',
        )
        .map((text) => Buffer.from(text)),
    ),
  )
  .map((parts) => Buffer.concat(parts))

test('every byte belongs to one piece', () => {
  fc.assert(
    fc.property(output, (bytes) => {
      const pieces = piecesOf(bytes)
      assert.ok(Buffer.concat(pieces.map((piece) => piece.bytes)).equals(bytes))
      let at = 0
      for (const piece of pieces) {
        assert.is(piece.at, at)
        assert.ok(piece.bytes.length > 0)
        at += piece.bytes.length
      }
    }),
    { numRuns: 3000 },
  )
})

test('text is what a strict decoder takes for text, without a control character', () => {
  fc.assert(
    fc.property(output, (bytes) => {
      for (const { kind, bytes: own, body } of piecesOf(bytes)) {
        if (kind !== 'text') continue
        assert.is(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(own), body)
        assert.not.match(body, /\p{Cc}/u)
      }
    }),
    { numRuns: 3000 },
  )
})

test('a control character is a violation wherever it stands, but for the ends of lines', () => {
  fc.assert(
    fc.property(anyText(), fc.integer({ min: 0, max: 0x9f }), anyText(), (before, code, after) => {
      const character = String.fromCharCode(code)
      if (!/\p{Cc}/u.test(character) || '\n\r'.includes(character)) return
      assert.ok(found(`${before}${character}${after}`).length > 0, `U+${code.toString(16)}`)
    }),
    { numRuns: 3000 },
  )
})

test('sequences are taken apart by their families', () => {
  assert.equal(kinds('a\u001b[1;31mb\u001b[?25l'), ['text a', 'csi 1;31m', 'text b', 'csi ?25l'])
  assert.equal(kinds('\u001b]0;t\u0007\u001b]0;t\u001b\\x'), ['osc 0;t', 'osc 0;t', 'text x'])
  assert.equal(kinds('\u001bPq\u001b\\\u001b_a\u001b\\\u001b^p\u001b\\\u001bXs\u001b\\'), ['dcs q', 'apc a', 'pm p', 'sos s'])
  assert.equal(kinds('\u001bc\u001b(0\u001b#8\u001b7'), ['esc c', 'esc (0', 'esc #8', 'esc 7'])
  assert.equal(kinds('\u009b2J'), ['c1 \u009b', 'text 2J'])
  assert.equal(kinds(Buffer.from([0x61, 0x9b, 0x32, 0x4a])), ['text a', 'invalid \u009b', 'text 2J'])
  assert.equal(kinds(Buffer.from([0xc0, 0x9b])), ['invalid \u00c0', 'invalid \u009b'])
})

test('a sequence that is cut short is broken, and what follows stands for itself', () => {
  assert.equal(kinds('\u001b'), ['broken '])
  assert.equal(kinds('\u001b[3'), ['broken [3'])
  assert.equal(kinds('\u001b[3\nx'), ['broken [3', 'c0 \n', 'text x'])
  assert.equal(kinds('\u001b]0;t'), ['broken ]0;t'])
  assert.equal(kinds('\u001b]0;t\u001b[m'), ['broken ]0;t', 'csi m'])
  assert.equal(kinds('\u001bé'), ['broken ', 'text é'])
})

test('what faces write is their own', () => {
  const lines = [
    '\u001b[2J\u001b[1;1Hhello\r\n',
    '\u001b[1;38;5;27mbob\u001b[22;39m: hi\u001b[0J\u001b[2K\u001b[1A\u001b[G\u001b[12G',
  ]
  const modes = ['\u001b[?2026h\u001b[?25l\u001b[?2004h\u001b[?1004h\u001b[?1049h\u001b[m\u001b[38;2;1;2;3m']
  for (const text of [...lines, ...modes, 'می‌خواهم 👩‍👩‍👧 e\u0301', '\u2068עברית\u2069 \u2068a\u2069'])
    assert.equal(found(text), [], JSON.stringify(text))
})

test('what only others would write is not', () => {
  const csi = ['5m', '8m', '1;8m', '3J', '6n', 'c', '?1000h', '>4;2m', '4h', '2;5r', '!p', '8;10;10t', ' q', '?25;1000h']
  for (const body of csi) assert.equal(found(`\u001b[${body}`), [`csi "${body}"`])
  for (const text of [
    '\u001bc',
    '\u001b]52;c;eA==\u0007',
    '\u001b]0;t\u0007',
    '\b',
    '\t',
    '\u0007',
    '\u0000',
    '\u007f',
    '\u009b2J',
  ])
    assert.is(found(text).length, 1, JSON.stringify(text))
})

test('a bell and a notification are own where the face says so', () => {
  const notification = (text: string): boolean => text.startsWith('p2pnode')
  assert.equal(found('\u0007', { bell: true }), [])
  assert.equal(found('\u001b]9;p2pnode: hi\u0007\u001b]777;notify;p2pnode;hi\u001b\\', { notification }), [])
  for (const text of ['9;pwned', '9;p2pnode\u202e', '9;4;p2pnode', '0;p2pnode']) {
    assert.is(found(`\u001b]${text}\u0007`, { notification }).length, 1, text)
  }
})

test('what turns the direction, hides or piles up is a violation, with its place', () => {
  assert.equal(found('a\u202eb'), ['a format character (U+202E)'])
  for (const text of ['\ufeff', '\u200b', '\u061c', '\u{e0041}', '\ufff9', '\ue000', '\u2028'])
    assert.is(found(`a${text}b`).length, 1, `U+${text.codePointAt(0)?.toString(16)}`)
  assert.equal(found(`e${'\u0301'.repeat(8)}`), [])
  assert.equal(found(`e${'\u0301'.repeat(200)}`), ['more than 8 marks on a character (U+0301)'])
  assert.equal(
    violationsIn(Buffer.from('äb\u202ec')).map(({ at }) => at),
    [3],
  )
})

test('isolates are balanced within a line, whatever its colours', () => {
  assert.equal(found('\u2068\u001b[1ma\u001b[22m\u2069\n'), [])
  assert.equal(found('\u2068a\n'), ['an isolate that is not ended in its line'])
  assert.equal(found('\u2068a\u001b[1Gb\u2069').length, 2)
  assert.equal(found('a\u2069'), ['the end of an isolate that was not begun (U+2069)'])
  assert.equal(found('\u2068a'), ['an isolate that is not ended'])
})

test('modes are as the last sequence left them', () => {
  const left = (text: string): object => privateModes(Buffer.from(text))
  assert.equal(left(''), { bracketedPaste: false, focusReporting: false, synchronized: false })
  assert.equal(left('\u001b[?2004h\u001b[?1004;2026h'), { bracketedPaste: true, focusReporting: true, synchronized: true })
  assert.equal(left('\u001b[?2004;1004;2026h\u001b[?2004l\u001b[?1004l\u001b[?2026l'), left(''))
})

test.run()
