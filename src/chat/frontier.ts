/**
 * Range frontiers: what a member holds of each log, and from two of them what one lacks. docs/PROTOCOL.md, "Sync".
 *
 * A segment says "I hold the events from `from` to `to` of the chain that ends in the event whose id begins with `end`". An id commits to
 * its whole past, so one prefix speaks for a whole range.
 */
import { type AuthorLog, type LogEvent, prefixOf, type Segment } from './author-log.ts'
import { equalBytes, isBytes, isUint, withCbor } from './cbor.ts'
import { MAX_PAGE_RANGES, MAX_SEQ } from './constants.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import type { Crypto } from './seams.ts'

/** What a member says of one log: it holds these segments, and perhaps more than a page tells. */
export interface Page {
  /** The first 16 bytes of the author key, in hex. */
  author: string
  segments: readonly Segment[]
}

/** Events asked for: those from `from` to `to` of the chain that ends in `end`. */
export interface Want extends Segment {
  author: string
}

/**
 * The `index`-th page of a log, newest first; `more` says that older ranges are left. A log with holes without number is told
 * in pages, a page a round, so that it costs no more than others.
 */
export function pageOf(log: AuthorLog, index: number): { page: Page; more: boolean } {
  const all = log.segments()
  const end = (index + 1) * MAX_PAGE_RANGES
  return { page: { author: prefixOf(log.name), segments: all.slice(index * MAX_PAGE_RANGES, end) }, more: all.length > end }
}

/** What `log` lacks of what `page` says is held. `log` is undefined for an author never heard of. */
export function missing(log: AuthorLog | undefined, page: Page, find: (prefix: string) => LogEvent | undefined): Want[] {
  return page.segments.flatMap((segment) =>
    gaps(heldOf(log, segment, find), segment).map((range) => ({ ...segment, ...range, author: page.author })),
  )
}

/** Places in a log, both ends included. */
export interface Range {
  from: number
  to: number
}

/** The ranges of the segment's chain that `log` holds, ascending. */
function heldOf(log: AuthorLog | undefined, segment: Segment, find: (prefix: string) => LogEvent | undefined): Range[] {
  if (log === undefined) return []
  const end = find(segment.end)
  if (end !== undefined && end.author === log && log.forked) return heldOnChain(end, segment.from)
  // An end we do not know is on our chain, further on, unless something else of ours stands in its place.
  if (end === undefined && log.at(segment.to).length > 0) return []
  return [...log.segments()].reverse()
}

function heldOnChain(end: LogEvent, from: number): Range[] {
  const ranges: Range[] = []
  for (let event: LogEvent | undefined = end; event !== undefined && event.seq >= from; event = event.prev) {
    if (!event.hasBody) continue
    const lowest = ranges[ranges.length - 1]
    if (lowest !== undefined && lowest.from === event.seq + 1) lowest.from = event.seq
    else ranges.push({ from: event.seq, to: event.seq })
  }
  return ranges.reverse()
}

/** What of the segment lies in none of the ranges. Costs by what is held, not by what is claimed. */
function gaps(held: Range[], { from, to }: Segment): Range[] {
  const open: Range[] = []
  let next = from
  for (const range of held) {
    if (range.to < next || range.from > to) continue
    if (range.from > next) open.push({ from: next, to: range.from - 1 })
    next = Math.max(next, range.to + 1)
  }
  if (next <= to) open.push({ from: next, to })
  return open
}

/** 16 bytes that are equal if and only if two frontiers are. */
export function frontierDigest(logs: Iterable<AuthorLog>, crypto: Crypto): Uint8Array {
  const entries = [...logs]
    .filter((log) => log.segments().length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((log) => [hexToBytes(prefixOf(log.name)), log.segments().map(encodeSegment)])
  return withCbor(entries, (bytes) => crypto.sha256(bytes)).slice(0, 16)
}

/** Which of 256 buckets a log falls into when frontiers are too long to send whole. */
export function bucketOf(log: AuthorLog, crypto: Crypto): number {
  return crypto.sha256(log.key)[0] ?? 0
}

/** The digest of each bucket. */
export function bucketDigests(logs: AuthorLog[], crypto: Crypto): Uint8Array[] {
  const buckets = Array.from({ length: 256 }, (): AuthorLog[] => [])
  for (const log of logs) buckets[bucketOf(log, crypto)]?.push(log)
  return buckets.map((bucket) => frontierDigest(bucket, crypto))
}

/** False only where both sides sent bucket digests and those of this log's bucket are equal. */
export function differs(log: AuthorLog, ours: Uint8Array[], theirs: Uint8Array[], crypto: Crypto): boolean {
  if (ours.length === 0 || theirs.length === 0) return true
  const bucket = bucketOf(log, crypto)
  const [mine, other] = [ours[bucket], theirs[bucket]]
  return mine === undefined || other === undefined || !equalBytes(mine, other)
}

export const encodeSegment = ({ from, to, end }: Segment): unknown => [from, to, hexToBytes(end)]

export function decodeSegment(value: unknown): Segment | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined
  const [from, to, end] = value as unknown[]
  if (!isUint(from, MAX_SEQ) || !isUint(to, MAX_SEQ) || from < 1 || from > to || !isBytes(end, 16)) return undefined
  return { from, to, end: bytesToHex(end) }
}

export const encodePage = ({ author, segments }: Page): unknown => [hexToBytes(author), segments.map(encodeSegment)]

export function decodePage(value: unknown): Page | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [author, list] = value as unknown[]
  if (!isBytes(author, 16) || !Array.isArray(list) || list.length > MAX_PAGE_RANGES) return undefined
  const segments = list.map(decodeSegment)
  if (segments.some((segment) => segment === undefined)) return undefined
  return { author: bytesToHex(author), segments: segments as Segment[] }
}

export const encodeWant = ({ author, end, from, to }: Want): unknown => [hexToBytes(author), hexToBytes(end), from, to]

export function decodeWant(value: unknown): Want | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined
  const [author, end, from, to] = value as unknown[]
  if (!isBytes(author, 16) || !isBytes(end, 16) || !isUint(from, MAX_SEQ) || !isUint(to, MAX_SEQ) || from < 1 || from > to)
    return undefined
  return { author: bytesToHex(author), end: bytesToHex(end), from, to }
}
