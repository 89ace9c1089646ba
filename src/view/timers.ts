/** Does something later; answers what cancels it. Tests hand in their own. */
export type After = (milliseconds: number, action: () => void) => () => void

export const after: After = (milliseconds, action) => {
  const timer = setTimeout(action, milliseconds)
  return () => clearTimeout(timer)
}
