/** What a workload is: contestants that are measured in turn, and the lines of the table that come of it. */

/** By name, in the unit that the name says. */
export type Metrics = Record<string, number>

export interface Line {
  /** What is measured. */
  title: string
  metric: string
  unit: string
  /** Digits behind the point. @default 0 */
  digits?: number
  /** The reference, and what of both is compared: their ratio, or their difference in the metric's unit. Nothing: the metric itself. */
  against?: string
  compare?: 'ratio' | 'difference'
  /** Whether more is better. @default less is */
  more?: boolean
  must?: number
  aim?: number
  /** The worst round counts, not the median. */
  worst?: boolean
}

export interface Workload {
  name: string
  /** How often each contestant is measured. @default 3 */
  rounds?: number
  /** Measured in this order, the other way round in every second round. */
  contestants: Record<string, () => Promise<Metrics>>
  /** `of`: whose line it is. @default p2pnode */
  lines: (Line & { of?: string })[]
}

/** Nothing may be lost or shown twice, whatever is measured. */
export const noLoss = (against?: string): Line => ({
  title: 'lost or doubled',
  metric: 'lost',
  unit: '',
  worst: true,
  must: 0,
  ...(against === undefined ? {} : { against }),
})

/** The smallest of `values` that `share` of them do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** NaN if one of them is. */
export function median(values: readonly number[]): number {
  if (values.some(Number.isNaN)) return Number.NaN
  return (
    (quantile(values, 0.5) +
      -quantile(
        values.map((value) => -value),
        0.5,
      )) /
    2
  )
}
