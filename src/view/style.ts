/** How text is marked up for people, if it is: a terminal has colours, a pipe has none. */

export type Tone = 'bold' | 'dim' | 'inverse' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan'

export interface Style {
  format(tone: Tone, text: string): string
  /** A colour that an account keeps, whatever its name. */
  author(account: string, text: string): string
}

export const plainStyle: Style = {
  format: (_tone, text) => text,
  author: (_account, text) => text,
}
