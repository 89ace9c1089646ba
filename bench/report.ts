/** From the metrics of all rounds to the lines of the table. */
import { type Line, type Metrics, median, type Workload } from './workload.ts'

/** The metrics of one round, by contestant. */
export type Round = Record<string, Metrics>

const HEADER = ['workload', 'measured', 'p2pnode', 'reference', 'compared (least to most, rounds)', 'must', 'aim', '']

export interface Row {
  /** In Markdown. */
  line: string
  /** Undefined without a target. */
  passed: boolean | undefined
}

/** Whether the references did the whole work: who fails or loses messages has done less. */
export function isComparable(workload: Workload, round: Round): boolean {
  return workload.lines.every(({ against, compare, metric }) => {
    const theirs = round[against ?? '']
    return compare === undefined || (theirs?.[metric] !== undefined && !((theirs.lost ?? 0) > 0))
  })
}

/** What three or more rounds say, in one number. */
function sum(values: readonly number[], { worst = false, more = false }: Line): number {
  if (!worst) return median(values)
  return more ? Math.min(...values) : Math.max(...values)
}

function shown(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

type OwnedLine = Workload['lines'][number]

const reaches = (value: number, target: number, more: boolean): boolean => (more ? value >= target : value <= target)

/** In one round: ours beside theirs, or ours alone. */
function compared({ metric, against = '', compare, of = 'p2pnode' }: OwnedLine, round: Round): number {
  const ours = round[of]?.[metric] ?? Number.NaN
  const theirs = round[against]?.[metric] ?? Number.NaN
  if (compare === 'ratio') return ours / theirs
  return compare === 'difference' ? ours - theirs : ours
}

/** `complete`: the references did the whole work. Without that nothing is reached. */
function outcomeOf(
  value: number,
  { more = false, must, aim }: OwnedLine,
  complete: boolean,
): Pick<Row, 'passed'> & { word: string } {
  if (must === undefined) return { passed: undefined, word: '' }
  if (!complete) return { passed: false, word: '**no comparison**' }
  if (!reaches(value, must, more)) return { passed: false, word: '**misses**' }
  return { passed: true, word: aim !== undefined && reaches(value, aim, more) ? 'aim' : 'must' }
}

export function row(workload: Workload, line: OwnedLine, all: readonly Round[]): Row {
  const { title, metric, unit, digits = 0, against, compare, more = false, must, aim, of = 'p2pnode' } = line
  const comparable = compare === undefined ? all : all.filter((round) => isComparable(workload, round))
  const rounds = comparable.length === 0 ? all : comparable
  const absolute = (name: string): string => {
    const values = rounds.map((round) => round[name]?.[metric] ?? Number.NaN)
    return `${shown(sum(values, line), digits)} ${unit}`.trim()
  }
  const values = rounds.map((round) => compared(line, round))
  const value = sum(values, line)
  const { passed, word } = outcomeOf(value, line, comparable.length > 0)
  const [places, mark] = compare === 'ratio' ? [2, ''] : [digits, unit === '' ? '' : ` ${unit}`]
  const sign = compare === 'difference' && value > 0 ? '+' : ''
  const spread = `${shown(Math.min(...values), places)} to ${shown(Math.max(...values), places)}, ${rounds.length}`
  const target = (bound?: number): string => (bound === undefined ? '' : `${more ? '≥' : '≤'} ${bound}${mark}`)
  const flaw = comparable.length > 0 ? '' : ', which lost messages or failed'
  const cells = [
    workload.name,
    title,
    absolute(of),
    against === undefined ? '' : `${absolute(against)} (${against}${flaw})`,
    `${sign}${shown(value, places)}${mark} (${spread})`,
    target(must),
    target(aim),
    word,
  ]
  return { line: markdown(cells), passed }
}

const markdown = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

export function tableOf(lines: readonly string[]): string {
  return [markdown(HEADER), markdown(HEADER.map(() => '---')), ...lines].join('\n')
}

/** Whose line of the table it is. */
export const workloadOf = (line: string): string => line.split('|')[1]?.trim() ?? ''
