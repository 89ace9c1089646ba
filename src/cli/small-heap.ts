/** How much memory a program takes that stays for weeks. */
import { setFlagsFromString } from 'node:v8'

/**
 * V8 would let its heap grow to a multiple of what is in use before it looks for what is not, and leave
 * the holes between what stays: 2 MiB a minute at 20 messages a second. Both flags are read at every collection, so that they can
 * be set while the program runs.
 */
const SMALL_HEAP = ['--heap-growing-percent=20', '--compact-on-every-full-gc']

export function keepHeapSmall(): void {
  for (const flag of SMALL_HEAP) setFlagsFromString(flag)
}
