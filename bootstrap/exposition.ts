/** Figures, and their text for Prometheus: exposition format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats */

/** A number that can be read at any time. It says how much, never who: labels hold nothing that is somebody's. */
export interface Figure {
  /** With its unit (`_bytes`, `_seconds`); that of a counter ends in `_total`. */
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  /** What tells apart figures of one name, which stand one after the other. */
  readonly labels: Readonly<Record<string, string>>
  read(): number
}

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Make = (name: string, help: string, read: () => number, labels?: Readonly<Record<string, string>>) => Figure

const maker =
  (type: Figure['type']): Make =>
  (name, help, read, labels = {}) => ({ name, type, help, labels, read })

/** What goes up and down. */
export const gauge: Make = maker('gauge')

/** What only grows, from the start of the process. */
export const counter: Make = maker('counter')

/** The text of all figures, each read now. */
export function exposition(figures: Iterable<Figure>): string {
  let text = ''
  let last: string | undefined
  for (const { name, type, help, labels, read } of figures) {
    if (name !== last) text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
    last = name
    text += `${name}${labelText(labels)} ${numberText(read())}\n`
  }
  return text
}

function labelText(labels: Figure['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeHelp(value).replaceAll('"', '\\"')}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

/** As Go's ParseFloat reads it. */
function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
