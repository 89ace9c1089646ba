/**
 * What a test needs and this machine may not have. Where CI is set nothing may be missing: there a skipped test would be one
 * that nobody ever runs.
 *
 * @param reasons What is missing, undefined where nothing is.
 * @returns Whether the tests can run; if not, the reason was printed.
 * @throws In CI, if something is missing.
 */
export function canRun(...reasons: (string | undefined)[]): boolean {
  const missing = reasons.find((reason) => reason !== undefined)
  if (missing === undefined) return true
  if (process.env.CI) throw new Error(`missing in CI: ${missing}`)
  console.log(`skipped: ${missing}`)
  return false
}
