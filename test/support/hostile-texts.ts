/** What others may write to harm, to deceive or to annoy whoever reads it in a terminal: texts, and names of people and rooms. */
import { BEL, beginnings, ESC, eightBit, ST, sequences } from './hostile-sequences.ts'

export interface Hostile {
  name: string
  /** What it tries. */
  tries: string
  /** Sent one after the other. */
  texts: string[]
  /** Words of it that a person must be able to read. */
  letters: string[]
}

/** Who is impersonated, and what she is made to say. Nobody has this name. */
export const FAKE_LINE = '12:00 alice: send me your key'
/** Under this name a row is filled exactly, if a line begins with the time and the name. */
export const SENDER = 'Mallory'

/** Beside a name and what it tries: what is put between words that are to be read. */
type Row = readonly [name: string, tries: string, text: string]

const repeat = (text: string, times: number): string => text.repeat(times)

/** C0, DEL and single C1 characters that move or ring. */
const controls: readonly Row[] = [
  ['CR', 'overwrites its own line', `\r${FAKE_LINE}`],
  ['BS', 'overwrites the name in front', repeat('\b', 20)],
  ['VT', 'goes down', '\v'],
  ['FF', 'clears the screen', '\f'],
  ['BEL', 'rings', repeat(BEL, 20)],
  ['NUL', 'ends the text for C', '\0'],
  ['DEL', 'deletes', repeat('\u007f', 20)],
  ['SO', 'changes the character set', '\u000e'],
  ['ENQ', 'makes the terminal type its answer', '\u0005'],
  ['CAN', 'ends a sequence of the program', '\u0018'],
  ['SUB', 'ends the input on Windows', '\u001a'],
  ['XOFF', 'stops the output', '\u0013'],
  ['EOT', 'ends the input', '\u0004'],
  ['TAB', 'jumps', repeat('\t', 30)],
  ['all of C0', 'anything', Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('')],
  ['all of C1', 'anything', Array.from({ length: 32 }, (_, code) => String.fromCharCode(0x80 + code)).join('')],
  ['C1 as Latin-1 took for UTF-8', 'becomes CSI when it is decoded twice', '\u00c2\u009b2J'],
  ['C1 overlong, as characters', 'becomes CSI for a lax decoder', '\u00c1\u009b\u00c0\u009b2J'],
  ['ESC overlong, as characters', 'becomes ESC for a lax decoder', '\u00c0\u009b[2J\u00e0\u0080\u009b[2J'],
]

/** What ends a line, or may. */
const lineEnds: readonly Row[] = [
  ['LF', 'puts words into the mouth of another', `\n${FAKE_LINE}`],
  ['CR LF', 'puts words into the mouth of another', `\r\n${FAKE_LINE}`],
  ['NEL', 'puts words into the mouth of another', `\u0085${FAKE_LINE}`],
  ['LS', 'puts words into the mouth of another', `\u2028${FAKE_LINE}`],
  ['PS', 'puts words into the mouth of another', `\u2029${FAKE_LINE}`],
  ['VT and a line', 'puts words into the mouth of another', `\v${FAKE_LINE}`],
  ['many LF', 'pushes what was said off the screen', repeat('\n', 200)],
  ['a prompt', 'asks for a secret', '\nPassphrase: '],
  ["the chat's prompt", 'hides where one types', '\nlobby> '],
  ['a status line', 'lies about the network', '\n[lobby] online directly · 5 people · syncing 100%'],
  ['a note', 'lies about who came', '\nalice is here (lobby)'],
  ['an error', 'lies about what happened', '\n! not sent: your key is lost, run p2pnode import evil'],
  ["the shell's prompt", 'makes one type a command', '\n$ '],
]

/** What fills a row exactly, as wide as its character is: what comes behind it begins the next row. */
const fillers: readonly (readonly [name: string, filler: string, width: number])[] = [
  ['spaces', ' ', 1],
  ['letters', 'x', 1],
  ['wide letters', '字', 2],
]

/** Unicode's bidirectional controls (UAX #9), never balanced. */
const directions: readonly Row[] = [
  ['RLO', 'turns the rest of the line round', '\u202etxet desrever'],
  ['LRO', 'keeps Hebrew from being turned', '\u202dעברית'],
  ['RLE', 'turns the order of what follows', '\u202babc'],
  ['LRE', 'turns the order of what follows', '\u202aabc'],
  ['PDF', 'ends an embedding of the program', repeat('\u202c', 5)],
  ['RLI', 'turns the order of what follows', '\u2067abc'],
  ['LRI', 'isolates the rest of the line', '\u2066abc'],
  ['FSI', 'isolates the rest of the line', '\u2068abc'],
  ['PDI', 'ends an isolate of the program', repeat('\u2069', 5)],
  ['PDI and RLO', 'breaks out of an isolate and turns the rest', '\u2069\u202eevil'],
  ['RLM, LRM, ALM', 'turns brackets round', '\u200f(\u200e[\u061c{'],
  ['127 embeddings', 'goes deeper than the algorithm', repeat('\u202b', 127)],
  ['a file name with RLO', 'looks like another kind of file', 'photo_\u202egpj.exe'],
]

/** What cannot be seen. */
const invisible: readonly Row[] = [
  ['ZWSP', 'breaks words that are looked for', 'be\u200bfo\u200bre'],
  ['WJ', 'hides in words', 'a\u2060b'],
  ['BOM', 'is taken for a mark of the encoding', '\ufeff'],
  ['SHY', 'hides in words', 'p\u00aday'],
  ['tags', 'hides a text', [...'hidden order'].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('')],
  ['interlinear annotation', 'hides a text in a text', '\ufff9a\ufffahidden\ufffb'],
  ['invisible operators', 'hides in formulas', '1\u2062\u2063\u20642'],
  ['deprecated format characters', 'changes the shapes of digits', '\u206a\u206b\u206c\u206d\u206e\u206f'],
  ['musical format characters', 'cannot be seen', '\u{1d173}\u{1d17a}'],
  ['Egyptian format characters', 'cannot be seen', '\u{13430}\u{13438}'],
  ['shorthand format characters', 'cannot be seen', '\u{1bca0}\u{1bca3}'],
  ['variation selectors', 'hides bytes behind a letter', repeat('\u{e0100}\u{e01ef}', 50)],
  ['many ZWJ', 'joins without end', repeat('\u200d', 100)],
  ['Hangul fillers', 'cannot be seen', '\u3164\u115f\u1160\uffa0'],
  ['private use', "is drawn as the terminal's own signs", '\ue0a0\ue0b0\u{f0000}\u{10fffd}'],
  ['noncharacters', 'stands for nothing', '\ufdd0\ufffe\uffff\u{1fffe}\u{10ffff}'],
  ['replacement characters', 'looks broken', '\ufffc\ufffd'],
]

/** What takes more or less room than a program thinks. */
const widths: readonly Row[] = [
  ['Zalgo', 'covers the lines above and below', repeat(`e${repeat('\u0301\u0321', 100)}`, 5)],
  ['marks at the beginning', 'covers the name', repeat('\u0336', 100)],
  ['enclosing marks', 'covers its neighbours', repeat('a\u20dd\u20e0', 10)],
  ['marks of Tibetan', 'covers the lines below', `ཀ${repeat('\u0fb2\u0f71', 60)}`],
  ['half marks', 'covers its neighbours', `a${repeat('\ufe20\ufe21', 40)}b`],
  ['East Asian letters', 'tears the input line', repeat('字', 70)],
  ['ambiguous widths', 'tears the input line', repeat('①☆±→', 30)],
  ['a family', 'is one or seven characters wide', repeat('👩‍👩‍👧‍👦', 20)],
  ['skin and hair', 'is one or more characters wide', '👍🏽👩🏿‍🦰🧑🏻‍🤝‍🧑🏿'],
  ['flags', 'is one or two characters wide', repeat('🇩🇪🇫🇷', 15)],
  ['half a flag', 'joins with the next', repeat('🇩', 15)],
  ['a flag of tags', 'hides a text', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}'],
  ['a basmala', 'is as wide as a line', repeat('﷽', 10)],
  ['long dashes', 'is as wide as three', repeat('⸻', 30)],
  ['keycaps', 'is one or two characters wide', repeat('1\ufe0f\u20e3', 20)],
  ['no break', 'pushes the line over the edge', repeat('\u00a0', 300)],
  ['spaces of all widths', 'tears the input line', repeat('\u2000\u2003\u2007\u200a\u202f\u205f\u3000', 20)],
  ['one long word', 'pushes the line over the edge', repeat('x', 3000)],
  ['a text at the limit', 'fills the screen', repeat('y', 32_700)],
]

/** Sequences in sequences, and those that are whole only after a part was taken out. */
const nested: readonly Row[] = [
  ['CSI in CSI', 'is whole when the inner one is gone', `${ESC}[${ESC}[31m2J`],
  ['ESC in ESC', 'is whole when the inner one is gone', `${ESC}${ESC}[31m[2J`],
  ['CSI around BEL', 'is whole when BEL is gone', `${ESC}[2${BEL}J`],
  ['CSI around NUL', 'is whole when NUL is gone', `${ESC}\0[2J`],
  ['CSI around ZWSP', 'is whole when ZWSP is gone', `${ESC}\u200b[2J`],
  ['CSI around RLO', 'is whole when RLO is gone', `${ESC}[\u202e2J`],
  ['CSI around a line end', 'is whole when lines are joined', `${ESC}[\n2J`],
  ['OSC in OSC', 'the outer one ends late', `${ESC}]0;a${ESC}]52;c;ZXZpbA==${BEL}${BEL}`],
  ['OSC in DCS', 'comes out of the outer one', `${ESC}P${ESC}]0;owned${BEL}${ST}`],
  ['8-bit CSI after ESC', 'is whole when the first is gone', `${ESC}\u009b2J`],
  ['ESC before a UTF-8 C1', 'is whole when the second is gone', `${ESC}\u0080[2J`],
  ['OSC ended by 8-bit ST', 'ends where nobody looks', `${ESC}]0;owned\u009c`],
  ['8-bit OSC ended by ESC', 'ends where nobody looks', `\u009d0;owned${ST}`],
  ['OSC ended by CAN', 'ends where nobody looks', `${ESC}]0;owned\u0018${ESC}[2J`],
  ['a hundred ESC', 'confuses a parser', repeat(ESC, 100)],
  ['a thousand sequences', 'wears a parser out', repeat(`${ESC}[1m${ESC}]0;x${BEL}`, 500)],
]

/** What becomes whole only with the next message: two texts each. */
const halves: readonly (readonly [name: string, tries: string, first: string, second: string])[] = [
  ['CSI', 'clears the screen', `${ESC}[`, '2J'],
  ['ESC', 'resets the terminal', ESC, 'c'],
  ['OSC', 'sets the title to what comes between', `${ESC}]0;`, `owned${BEL}`],
  ['OSC 52', 'sends the next lines to the clipboard', `${ESC}]52;c;`, `ZXZpbA==${ST}`],
  ['DCS', 'swallows what comes between', `${ESC}P`, ST],
  ['8-bit OSC', 'sets the title to what comes between', '\u009d0;', '\u009c'],
  ['RLO', 'turns what comes between', '\u202e', '\u202c'],
  ['FSI', 'isolates what comes between', '\u2068', '\u2069'],
  ['a letter and its mark', 'puts a mark on what stands before the text', 'e', '\u0301'],
]

/** Names that are taken for something else. Of these the whole is to be read. */
export const deceivingNames: readonly (readonly [name: string, tries: string, text: string])[] = [
  ['a command', 'is run when it is completed', '/quit'],
  ['another command', 'is run when it is completed', '/join'],
  ['a flag', 'is taken for a flag', '--plain'],
  ["a shell's command", 'is run by a shell', '$(reboot)'],
  ["a shell's end", 'ends a quoted word', `';reboot;'`],
  ['backquotes', 'is run by a shell', '`reboot`'],
  ['a bracket', 'looks like a room', '[lobby]'],
  ['a time', 'looks like a line of the chat', '12:00'],
  ['the mark of a note', 'looks like a note', '—'],
  ['the mark of an error', 'looks like an error', '!'],
  ['the mark of an action', 'looks like an action', '*'],
  ['the prompt', 'looks like the prompt', 'lobby>'],
  ['nobody', 'looks like somebody unknown', 'unknown'],
  ['oneself', 'looks like oneself', 'you'],
  ['a name with a key', 'looks like a name that was told apart', 'alice·3f2a'],
  ['Cyrillic', 'looks like alice', 'аliсе'],
  ['Greek', 'looks like bob', 'ΒοΒ'],
  ['wide letters', 'looks like alice', 'ａｌｉｃｅ'],
  ['mathematical letters', 'looks like alice', '𝐚𝐥𝐢𝐜𝐞'],
  ['rn for m', 'looks like mallory', 'rnallory'],
  ['digits for letters', 'looks like alice', 'al1ce'],
  ['a dotless i', 'looks like alice', 'alıce'],
  ['right to left', 'turns what follows', 'אליס'],
  ['a mark at the beginning', 'covers what stands before it', '\u0301alice'],
  ['a constructor', 'is a property of objects', '__proto__'],
  ['another property', 'is a property of objects', 'constructor'],
  ['a path', 'leaves the directory', '../../etc/passwd'],
  ['emoji', 'is wider than it seems', repeat('👩‍👩‍👧', 8)],
  ['very long', 'pushes the text off the line', repeat('W', 64)],
  ['very wide', 'pushes the text off the line', repeat('字', 64)],
]

const around = ([name, tries, hostile]: Row, at: string): Hostile => ({
  name,
  tries,
  texts: [`before ${at}b${hostile}${at}a after`],
  letters: [`${at}b`, `${at}a`],
})

/** A text whose second row, where the terminal wraps it, looks like a line of the chat. */
function wrapping(columns: number, name: string, filler: string, width: number): Hostile {
  const [first, last] = [`r${columns}${width}b`, `r${columns}${width}a`]
  const rest = columns - `12:00 ${SENDER}: ${first}`.length
  const odd = rest % width === 0 ? '' : 'x'
  return {
    name: `${name} to the end of ${columns} columns`,
    tries: 'puts words into the mouth of another where the line wraps',
    texts: [`${first}${odd}${repeat(filler, Math.floor(rest / width))}${FAKE_LINE} ${last}`],
    letters: [first, last],
  }
}

function all(): Hostile[] {
  const spread = [...sequences, ...controls, ...lineEnds, ...directions, ...invisible, ...widths, ...nested]
  const whole = spread.map((row, index) => around(row, `w${index}`))
  const open = beginnings.map(([name, tries, start], index) => ({
    name: `${name}, without its end`,
    tries,
    texts: [`before o${index}b${start}`],
    letters: [`o${index}b`],
  }))
  const split = halves.map(([name, tries, first, second], index) => ({
    name: `${name}, in two messages`,
    tries,
    texts: [`s${index}b${first}`, `${second}s${index}a`],
    letters: [`s${index}b`, `s${index}a`],
  }))
  const wrapped = [80, 120, 200].flatMap((columns) => fillers.map((filler) => wrapping(columns, ...filler)))
  const named = deceivingNames.map(([name, tries, text], index) => ({
    name: `${name}, as a text`,
    tries,
    texts: [`${text} n${index}a`],
    letters: [`n${index}a`],
  }))
  const escaped = [...'[]PX^_'].map((letter, index) => ({
    name: `${letter} after every control character`,
    tries: 'is a sequence once the control character is changed',
    texts: [`c${index}b ${['\0', '\b', '\u007f', eightBit(letter)].map((control) => control + letter).join('')}1m`],
    letters: [`c${index}b`],
  }))
  return [...whole, ...open, ...split, ...wrapped, ...named, ...escaped]
}

/** Every one as texts of messages. */
export const hostileTexts: readonly Hostile[] = all()

/** Characters of a name of a person or a room. */
const MAX_NAME = 64

/** Every one that is short enough for a name, as it stands: whether it may be one is for others to say. */
export const hostileNames: readonly string[] = [
  ...deceivingNames.map(([, , text]) => text),
  ...[...sequences, ...controls, ...lineEnds, ...directions, ...invisible, ...widths, ...nested, ...beginnings].map(
    ([, , text], index) => `n${index}${text}`,
  ),
].filter((name) => [...name].length <= MAX_NAME)

/** No JSON, no UTF-8 and no name can hold these: halves of surrogate pairs. */
export const brokenTexts: readonly string[] = ['\ud800', 'a\udc00b', '\udc00\ud800', `${ESC}\ud800[2J`]
