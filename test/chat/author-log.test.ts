import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AuthorLog, LogEvent } from '../../src/chat/author-log.ts'

const test = suite('chat/author-log')

const stored = { firstSeq: 1, count: 1, n: 0, size: 0, receivedAt: 0, via: 'self' as const }

test('what shares a word does not disturb each other', () => {
  const change = fc.oneof(
    fc.record({ type: fc.nat(65_535) }),
    fc.record({ hasBody: fc.boolean() }),
    fc.record({ durable: fc.boolean() }),
    fc.record({ placed: fc.boolean() }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 255 }), fc.array(change), (kind, changes) => {
      const event = new LogEvent(new AuthorLog('a', new Uint8Array(32)), 1, 'id', 'previous', kind, stored)
      const expected = { kind, type: 0, hasBody: false, durable: false, placed: false }
      for (const each of changes) {
        Object.assign(event, each)
        Object.assign(expected, each)
        const { type, hasBody, durable, placed } = event
        assert.equal({ kind: event.kind, type, hasBody, durable, placed }, expected)
      }
    }),
  )
})

test.run()
