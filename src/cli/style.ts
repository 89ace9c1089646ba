/** Colours of a terminal, or none of them. */
import { styleText } from 'node:util'
import { plainStyle, type Style } from '../view/style.ts'

/**
 * Colours of authors. From the 256-colour cube: each has a contrast of at least 3.9 to 1 with black and with white, so that it
 * can be read on any background.
 */
export const AUTHOR_COLOURS: readonly number[] = [
  27, 28, 29, 30, 31, 62, 63, 64, 97, 98, 99, 129, 130, 131, 132, 133, 161, 162, 163, 164, 165, 196,
]

/** The same for terminals of 16 colours, which choose the shades themselves. */
const BASIC_COLOURS: readonly number[] = [31, 32, 34, 35, 36]

/** Bits of colour from which the cube is there. */
const CUBE_DEPTH = 8

export interface StyledStream {
  isTTY?: boolean
  getColorDepth?(env?: object): number
}

/** No colour off a terminal, with NO_COLOR, or where TERM is `dumb`. */
export function styleFor(stream: StyledStream, env: NodeJS.ProcessEnv): Style {
  const wanted = stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  const depth = wanted ? (stream.getColorDepth?.(env) ?? 1) : 1
  if (depth < 4) return plainStyle
  return {
    format: (tone, text) => styleText(tone, text),
    author(account, text) {
      const start = depth >= CUBE_DEPTH ? `38;5;${pick(AUTHOR_COLOURS, account)}` : pick(BASIC_COLOURS, account)
      return `\u001b[1;${start}m${text}\u001b[22;39m`
    },
  }
}

function pick(colours: readonly number[], account: string): number {
  // FNV-1a: the same colour at every start and on every device.
  let hash = 0x811c9dc5
  for (let at = 0; at < account.length; at++) hash = Math.imul(hash ^ account.charCodeAt(at), 0x01000193) >>> 0
  return colours[hash % colours.length] ?? 39
}
