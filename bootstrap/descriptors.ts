/** File descriptors of this process, where the system tells of them (Linux): every connection needs one. */
import { readdirSync, readFileSync } from 'node:fs'

/** How many are open; undefined where that cannot be known. */
export function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

/** How many may be; Node has raised the soft limit to the hard one. Infinity: as many as there are. */
export function maxDescriptors(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    if (soft === undefined) return undefined
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}
