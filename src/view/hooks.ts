/** View models in React: the terminal's and the page's components read them through these. */
import { useSyncExternalStore } from 'react'
import type { Watched } from './watched.ts'

/** The value, anew whenever there is another one. */
export function useView<T>({ subscribe, view }: Watched<T>): T {
  return useSyncExternalStore(subscribe, view, view)
}
