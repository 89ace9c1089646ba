/** What to serve of a log when ranges of it are wanted: stored runs, joined where they are adjacent. */
import { type LogEvent, prefixOf, type StoredRun } from './author-log.ts'
import { MAX_RUN_BYTES, MAX_RUN_EVENTS } from './constants.ts'
import type { Want } from './frontier.ts'
import type { RunLog } from './run-log.ts'

/** Adjacent stored runs of one chain that are served as one run, from `first` on. */
export interface Portion {
  first: LogEvent
  runs: StoredRun[]
  events: number
  size: number
  /** Of its last event. */
  hlc: number
}

/** Room for what stands around the entries. */
const RUN_BUDGET = MAX_RUN_BYTES - 1024
/** Steps along chains that one request may cost, beyond twice the size of the log. */
const MIN_STEPS = 10_000

/** From the newest event back. What a request without measure leaves out is served in the next round. */
export function portionsOf(wants: readonly Want[], log: RunLog<unknown>): Portion[] {
  const byEnd = new Map<string, Want[]>()
  for (const want of wants) {
    const list = byEnd.get(want.end)
    if (list === undefined) byEnd.set(want.end, [want])
    else list.push(want)
  }
  const portions: Portion[] = []
  let steps = MIN_STEPS + 2 * log.size
  for (const [end, list] of byEnd) {
    const last = log.find(end)
    const ranges = list
      .filter((want) => last !== undefined && prefixOf(last.author.name) === want.author)
      .sort((a, b) => b.to - a.to)
    let range = ranges.shift()
    let open: Portion | undefined
    for (let event = last; event !== undefined && range !== undefined && steps > 0; event = event.prev, steps--) {
      while (range !== undefined && event.seq < range.from) range = ranges.shift()
      if (range === undefined || event.seq > range.to || !event.durable || !event.hasBody) continue
      open = extended(open, event) ?? begun(event, portions)
    }
  }
  return portions
}

function begun(event: LogEvent, portions: Portion[]): Portion {
  const portion = { first: event, runs: [event.stored], events: event.stored.count, size: event.stored.size, hlc: event.hlc }
  portions.push(portion)
  return portion
}

/** The portion with `event` before it, if it lies in the same stored run or in the one just before and all of it fits. */
function extended(portion: Portion | undefined, event: LogEvent): Portion | undefined {
  if (portion === undefined) return undefined
  const { stored } = event
  const earliest = portion.runs[0]
  if (earliest === stored) {
    portion.first = event
    return portion
  }
  const adjacent =
    stored.firstSeq + stored.count - 1 === event.seq && earliest?.firstSeq === event.seq + 1 && portion.first.prev === event
  if (!adjacent || portion.events + stored.count > MAX_RUN_EVENTS || portion.size + stored.size > RUN_BUDGET) return undefined
  portion.runs.unshift(stored)
  portion.first = event
  portion.events += stored.count
  portion.size += stored.size
  return portion
}
