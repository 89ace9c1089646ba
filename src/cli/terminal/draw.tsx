/** Ink on this terminal. */
import { type Instance, render } from 'ink'
import type { ReactNode } from 'react'
import type { Io } from '../io.ts'
import { Past, Talk, type TalkProps } from './app.tsx'
import { FRAMES_PER_SECOND } from './constants.ts'
import type { Pager } from './pager.ts'

export const drawTalk = (io: Io, props: TalkProps): Instance => draw(io, <Talk {...props} />)

export const drawPast = (io: Io, pager: Pager): Instance => draw(io, <Past pager={pager} />)

/** Keys are read elsewhere: Ink takes some sequences apart that belong together. */
function draw({ stdin, stdout, stderr }: Io, node: ReactNode): Instance {
  return render(node, { stdin, stdout, stderr, exitOnCtrlC: false, patchConsole: false, maxFps: FRAMES_PER_SECOND })
}
