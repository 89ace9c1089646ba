/** Whether the peers kept what was promised, found out from what they answer. */
import { createHash } from 'node:crypto'
import { count } from '../../view/format.ts'
import { EXIT, ExitError } from '../exit.ts'

/** What a peer has at the end. */
export interface Held {
  name: string
  /** Of the messages in its history, in its order. */
  ids: string[]
  /** Of the messages it told of, as they came. */
  told: string[]
  /** As it computed it. */
  digest: string
}

export interface Verdict {
  ok: boolean
  /** Messages whose sending was answered. */
  written: number
  /** Of them, those missing from a history; and those that a history has, or that were told, once more: over all peers. */
  lost: number
  twice: number
  /** What is not as it should be; empty if and only if `ok`. */
  problems: string[]
}

/** @param written Ids of the messages whose sending was answered */
export function judge(written: readonly string[], peers: readonly Held[]): Verdict {
  const verdict: Verdict = { ok: false, written: written.length, lost: 0, twice: 0, problems: [] }
  const { problems } = verdict
  for (const { name, ids, told, digest } of peers) {
    const lost = written.filter((id) => !ids.includes(id)).length
    const twice = repeated(ids) + repeated(told)
    const foreign = ids.filter((id) => !written.includes(id)).length
    if (lost > 0) problems.push(`${name} lost ${count(lost, 'message')}`)
    if (twice > 0) problems.push(`${name} got ${count(twice, 'message')} twice`)
    if (foreign > 0) problems.push(`${name} has ${count(foreign, 'message')} that nobody wrote`)
    if (digest !== digestOf(ids)) problems.push(`${name} has a digest that is not that of its messages`)
    verdict.lost += lost
    verdict.twice += twice
  }
  const [first, ...others] = peers
  for (const { name, ids } of others) {
    if (ids.join() !== first?.ids.join()) problems.push(`${first?.name} and ${name} have different histories`)
  }
  verdict.ok = problems.length === 0
  return verdict
}

/** Errors: `ExitError` that names what is not as it should be. */
export function demandOk({ ok, problems }: Verdict): void {
  if (!ok) throw new ExitError(EXIT.FAILURE, problems.join('; '))
}

/** As docs/PROTOCOL.md defines it. */
function digestOf(ids: readonly string[]): string {
  return createHash('sha256').update(ids.join('\n')).digest('hex')
}

function repeated(ids: readonly string[]): number {
  return ids.length - new Set(ids).size
}
