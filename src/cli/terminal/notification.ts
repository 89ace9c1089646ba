/** Asks the terminal to tell its owner something while he looks elsewhere: OSC 9 or 777 where it is known to understand them, else the bell. */
import { oneLine } from '../../view/sanitize.ts'

const ESC = '\u001b'
const BEL = '\u0007'

/** Characters of what is told. */
const MAX_TEXT = 100

/** Programs that show OSC 9 (the text alone), by TERM_PROGRAM: iTerm2's invention. */
const OSC_9 = new Set(['iterm.app', 'wezterm', 'ghostty'])
/** Terminals that show OSC 777 (title and text), by the beginning of TERM: urxvt's invention. */
const OSC_777 = ['foot', 'rxvt-unicode', 'xterm-ghostty']

/** What to write. Between us and the desktop tmux and screen pass on nothing but the bell. */
export function notification(text: string, env: NodeJS.ProcessEnv): string {
  const { TERM = '', TERM_PROGRAM = '', TMUX, STY, KITTY_WINDOW_ID } = env
  const clean = oneLine(text, MAX_TEXT).replaceAll(';', ',')
  if (TMUX !== undefined || STY !== undefined || /^(tmux|screen)/.test(TERM)) return BEL
  if (OSC_9.has(TERM_PROGRAM.toLowerCase()) || KITTY_WINDOW_ID !== undefined) return `${ESC}]9;${clean}${BEL}`
  if (OSC_777.some((name) => TERM.startsWith(name))) return `${ESC}]777;notify;p2pnode;${clean}${BEL}`
  return BEL
}
