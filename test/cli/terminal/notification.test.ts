import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { notification } from '../../../src/cli/terminal/notification.ts'
import { anyText } from '../../support/any-text.ts'

const test = suite('cli/terminal/notification')

const BEL = '\u0007'
const OSC_9 = `\u001b]9;hello${BEL}`
const OSC_777 = `\u001b]777;notify;p2pnode;hello${BEL}`

test('terminals that are known to show a text are given it', () => {
  const hello = (env: NodeJS.ProcessEnv): string => notification('hello', env)
  for (const name of ['iTerm.app', 'WezTerm', 'ghostty']) assert.is(hello({ TERM_PROGRAM: name, TERM: 'xterm-256color' }), OSC_9)
  assert.is(hello({ TERM: 'xterm-kitty', KITTY_WINDOW_ID: '1' }), OSC_9)
  for (const TERM of ['foot', 'foot-extra', 'rxvt-unicode-256color', 'xterm-ghostty']) assert.is(hello({ TERM }), OSC_777)
})

test('others ring the bell', () => {
  for (const env of [{}, { TERM: 'xterm-256color' }, { TERM: 'linux' }, { TERM_PROGRAM: 'Apple_Terminal' }, { TERM: 'dumb' }])
    assert.is(notification('hello', env), BEL)
})

test('behind tmux or screen it is the bell, whatever the terminal is', () => {
  const iterm = { TERM_PROGRAM: 'iTerm.app' }
  for (const env of [{ TMUX: '/tmp/tmux-0/default,1,0' }, { STY: '1.pts' }, { TERM: 'tmux-256color' }, { TERM: 'screen' }])
    assert.is(notification('hello', { ...iterm, ...env }), BEL)
})

test('a text brings no sequence, no end and no part of its own', () => {
  const said = (text: string): string => notification(text, { TERM: 'foot' })
  assert.is(said('a\u001b]0;title\u0007b\u001b\\c;d\ne\u202ef\u009cg'), `\u001b]777;notify;p2pnode;ab\\c,d efg${BEL}`)
  assert.is([...said('é'.repeat(200))].length, [...said('')].length + 100)
  fc.assert(
    fc.property(anyText(), (text) => {
      const [, inner = ''] = /^\u001b\]777;notify;p2pnode;([^]*)\u0007$/.exec(said(text)) ?? []
      assert.not.match(inner, /[\p{Cc};]/u)
      assert.ok([...inner].length <= 100)
    }),
  )
})

test.run()
