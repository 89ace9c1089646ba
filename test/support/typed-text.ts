import fc from 'fast-check'
import { typeable } from '../../src/cli/terminal/editor.ts'
import { anyText } from './any-text.ts'

/** Texts as they may be typed, with much of what is hard to lay out. */
export const typedText = fc
  .array(
    fc.oneof(
      anyText({ maxLength: 5 }),
      fc.constantFrom(
        'word ',
        'a',
        ' ',
        '\n',
        '日本語',
        '。',
        '「',
        '👩‍👩‍👧',
        '🇩🇪',
        'e\u0301',
        'กำ',
        'ᄒ'.repeat(9),
        'https://example.org/a/long/path',
      ),
    ),
  )
  .map((parts) => typeable(parts.join('')))
