const STEP = 20

/** Resolves with the first truthy value of `condition`, asked again and again. @throws naming `what` after `deadline` ms */
export async function waitFor<T>(condition: () => T | Promise<T>, what: string, deadline = 10_000): Promise<NonNullable<T>> {
  const end = Date.now() + deadline
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`waited ${deadline} ms in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, STEP))
  }
}
