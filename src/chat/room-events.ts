import type { Held, Member, MemberChange, Message } from './types.ts'
import type { Warning } from './warnings.ts'

export interface RoomEvents {
  message: CustomEvent<Message>
  /** Who holds a message of our own has changed: told of the newest 50, all that changed at once, at most twice a second. */
  delivery: CustomEvent<{ id: string } & Held>
  member: CustomEvent<{ member: Member; change: MemberChange }>
  /**
   * Something comes in by sync, told when it begins and at most five times a second; or all of it is over. `missing`: events that were
   * asked for and are not here, 0 at the end, and where nothing comes for now. `digest` is that of the beginning until it is over.
   */
  sync: CustomEvent<{ state: 'running' | 'done'; count: number; missing: number; digest: string }>
  typing: CustomEvent<{ member: Member }>
  reject: CustomEvent<{ reason: string; peerId: string }>
  warning: CustomEvent<Warning>
}
