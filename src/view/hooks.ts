/** View models in React: the terminal's and the page's components read them through these. */
import { useSyncExternalStore } from 'react'

/** A value that is replaced when something in it has changed: `Overview`, for one. */
export interface Watched<T> {
  subscribe: (listener: () => void) => () => void
  view: () => T
}

/** The value, anew whenever there is another one. */
export function useView<T>({ subscribe, view }: Watched<T>): T {
  return useSyncExternalStore(subscribe, view, view)
}
