/** The terminal's components. What is to be drawn is decided elsewhere, a line at a time; here it is put on the screen. */
import { Box, Text, useCursor, useStdout } from 'ink'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { useView } from '../../view/hooks.ts'
import type { View } from '../../view/overview.ts'
import type { Style } from '../../view/style.ts'
import type { Watched } from '../../view/watched.ts'
import { type Frame, frameOf } from './frame.ts'
import type { Typed } from './model.ts'
import type { Page, Pager } from './pager.ts'
import { sizeOf } from './size.ts'

export interface TalkProps {
  model: Watched<Typed>
  overview: Watched<View>
  /** The lines of the talk that may still change. */
  tail: Watched<readonly string[]>
  style: Style
  /** Is handed what writes above all this. */
  onReady: (write: (text: string) => void) => void
  /** Is told what is drawn. */
  onFrame: (frame: Frame) => void
}

/** Below the scrollback: the line being typed, and how things are. */
export function Talk({ model, overview, tail, style, onReady, onFrame }: TalkProps): ReactNode {
  const { stdout, write } = useStdout()
  const { columns, rows } = useSize(stdout)
  const typed = useView(model)
  const view = useView(overview)
  const waiting = useView(tail)
  useEffect(() => void onReady(write), [onReady, write])
  const frame = useMemo(
    () => frameOf({ typed, view, tail: waiting, columns, rows, style }),
    [typed, view, waiting, columns, rows, style],
  )
  useEffect(() => void onFrame(frame), [onFrame, frame])
  return <Lines {...frame} />
}

/** The whole screen: what was said before. */
export function Past({ pager }: { pager: Watched<Page> & Pick<Pager, 'lines'> }): ReactNode {
  const { columns, rows } = useSize(useStdout().stdout)
  return <Lines lines={pager.lines(useView(pager), columns, rows)} />
}

function Lines({ lines, cursor }: Pick<Frame, 'lines'> & Partial<Frame>): ReactNode {
  const { setCursorPosition } = useCursor()
  setCursorPosition(cursor)
  return (
    <Box flexDirection="column">
      {lines.map((line, at) => (
        <Text key={at} wrap="truncate">
          {line === '' ? ' ' : line}
        </Text>
      ))}
    </Box>
  )
}

/** Columns and rows, as they change. */
function useSize(stdout: NodeJS.WriteStream): { columns: number; rows: number } {
  const [size, setSize] = useState(() => sizeOf(stdout))
  useEffect(() => {
    const resized = (): void => setSize(sizeOf(stdout))
    stdout.on('resize', resized)
    return () => void stdout.off('resize', resized)
  }, [stdout])
  return size
}
